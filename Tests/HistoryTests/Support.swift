import Chat
import Foundation
import Foundations
import History
import SwiftProtobuf
import Wire

/// A directory that is gone when the test is over.
final class Directory: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/virtue-history-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  var history: String { path + "/history.sqlite" }

  var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }
}

func wall(_ milliseconds: Int64) -> WallTime {
  WallTime(milliseconds: 1_700_000_000_000 + milliseconds)
}

func signingKey(_ number: UInt64) -> SigningKey {
  SigningKey(
    from: SecretSource { count in
      var chance = SeededGenerator(seed: number)
      return (0..<count).map { _ in UInt8.random(in: 0...255, using: &chance) }
    })
}

let genesis = signingKey(1000)
let meeting = MeetingID(publicKey: genesis.publicKey)

func meetingRecord(title: String = "Standup", chain: WireGrantChain? = .init()) -> MeetingRecord {
  MeetingRecord(id: meeting, genesisKey: genesis.publicKey, title: title, chain: chain)
}

func member(_ key: SigningKey, name: String, issued: WallTime = wall(0)) throws -> MemberRecord {
  try MemberRecord(
    key: key, name: name, certificateFingerprint: Array(repeating: 1, count: 32),
    sealingKey: Array(repeating: 2, count: 32),
    addresses: [NetworkAddress(host: "192.0.2.7", port: 4455)], capabilities: [], issued: issued)
}

/// Writes a log as a member does.
struct Author {
  private var log: ChatLog
  private var time: Int64 = 0

  init(_ number: UInt64, in meeting: MeetingID = meeting) {
    log = ChatLog(meeting: meeting, key: signingKey(number), stored: [])
  }

  var id: PeerID { log.me }

  mutating func say(_ body: WireChatBody, at milliseconds: Int64? = nil) -> Entry {
    time = milliseconds ?? time + 1
    var outputs: [ChatLog.Output] = []
    log.handle(.compose(body, wall: wall(time)), at: .zero, into: &outputs)
    guard case .commit(let entries)? = outputs.first else { preconditionFailure("\(outputs)") }
    log.handle(.committed(entries.map(\.id)), at: .zero, into: &outputs)
    return entries[0]
  }

  mutating func say(_ text: String, at milliseconds: Int64? = nil) -> Entry {
    say(.text(text), at: milliseconds)
  }
}

/// The failure that `body` ends in.
func failure(of body: () async throws -> Void) async -> Failure? {
  do {
    try await body()
    return nil
  } catch {
    return error as? Failure
  }
}
