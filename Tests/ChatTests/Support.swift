import Chat
import Foundation
import Foundations
import SwiftProtobuf
import Wire

let meeting = MeetingID(Array(repeating: 7, count: 16))!

func wall(_ milliseconds: Int64) -> WallTime {
  WallTime(milliseconds: 1_700_000_000_000 + milliseconds)
}

func seconds(_ seconds: Double) -> Moment {
  .zero + .milliseconds(Int64(seconds * 1000))
}

/// The same key for the same number in every run.
func signingKey(_ number: UInt64) -> SigningKey {
  SigningKey(
    from: SecretSource { count in
      var chance = SeededGenerator(seed: number)
      return (0..<count).map { _ in UInt8.random(in: 0...255, using: &chance) }
    })
}

/// An entry as an author with other scruples might sign it.
func forge(
  by key: SigningKey, sequence: UInt64 = 1, previous: EntryHash? = nil,
  body: WireChatBody = .text("hello"), change: (inout WireChatEntry) -> Void = { _ in }
) -> WireSignedEntry {
  var entry = WireChatEntry.with {
    $0.format = 1
    $0.meeting = Data(meeting.bytes)
    $0.authorKey = Data(key.publicKey)
    $0.sequence = sequence
    $0.previous = Data(previous?.bytes ?? [])
    $0.clockMilliseconds = UInt64(wall(Int64(sequence)).milliseconds)
    $0.bodyHash = Data(digest(body.wire))
  }
  change(&entry)
  let bytes = entry.wire
  return .with {
    $0.entry = Data(bytes)
    $0.signature = Data(key.signature(of: bytes, for: .entry))
    $0.body = Data(body.wire)
  }
}

func cut(_ entry: WireSignedEntry, by delete: WireSignedEntry) -> WireSignedEntry {
  var gap = entry
  gap.body = Data()
  gap.deletion = delete
  return gap
}

func entryHash(_ signed: WireSignedEntry) -> EntryHash {
  EntryHash(digest(Array(signed.entry)))!
}

/// One member with a store that keeps everything at once.
struct Member {
  var log: ChatLog
  let key: SigningKey
  private(set) var stored: [Entry] = []
  /// Of those stored, the ones marked as counting for nothing.
  private(set) var discounted: Set<EntryHash> = []
  private(set) var outputs: [ChatLog.Output] = []

  init(_ number: UInt64, stored: [Entry] = [], mayBeKnownFurther: Bool = false) {
    key = signingKey(number)
    self.stored = stored
    log = ChatLog(
      meeting: meeting, key: key, stored: stored, mayBeKnownFurther: mayBeKnownFurther)
  }

  var id: PeerID { log.me }

  /// - Returns: what came out besides commits, which are answered.
  @discardableResult
  mutating func handle(_ input: ChatLog.Input, at now: Moment = .zero) -> [ChatLog.Output] {
    var outputs: [ChatLog.Output] = []
    log.handle(input, at: now, into: &outputs)
    return carryOut(outputs, at: now)
  }

  @discardableResult
  mutating func wake(at now: Moment) -> [ChatLog.Output] {
    var outputs: [ChatLog.Output] = []
    log.wake(at: now, into: &outputs)
    return carryOut(outputs, at: now)
  }

  private mutating func carryOut(
    _ outputs: [ChatLog.Output], at now: Moment
  ) -> [ChatLog.Output] {
    var results: [ChatLog.Output] = []
    var next = outputs
    while !next.isEmpty {
      var pending: [ChatLog.Input] = []
      for output in next {
        switch output {
        case .commit(let entries):
          stored += entries
          pending.append(.committed(entries.map(\.id)))
        case .discount(let entries): discounted.formUnion(entries)
        case .recount(let entries): discounted.subtract(entries)
        case .restore(let entry):
          for place in stored.indices where stored[place] == entry { stored[place] = entry }
        case .evict(let entries): stored.removeAll { entries.contains($0) }
        case _: results.append(output)
        }
      }
      next = []
      for input in pending { log.handle(input, at: now, into: &next) }
    }
    self.outputs += results
    return results
  }

  @discardableResult
  mutating func say(_ text: String, at milliseconds: Int64 = 0) -> Entry? {
    handle(.compose(.text(text), wall: wall(milliseconds))).compactMap(\.shown).last
  }
}

extension ChatLog.Output {
  var shown: Entry? {
    if case .show(let entry) = self { entry } else { nil }
  }

  var committed: [Entry]? {
    if case .commit(let entries) = self { entries } else { nil }
  }

  var published: WireSignedEntry? {
    if case .publish(let entry) = self { entry } else { nil }
  }

  var misbehaviour: ChatLog.Misbehaviour? {
    if case .misbehaviour(_, let what) = self { what } else { nil }
  }

  var batch: WireChatBatch? {
    if case .sendBatch(let batch, _) = self { batch } else { nil }
  }

  var heads: WireChatHeads? {
    if case .sendHeads(let heads, _) = self { heads } else { nil }
  }
}

extension Entry {
  var text: String? {
    if case .text(let text) = body { text } else { nil }
  }
}
