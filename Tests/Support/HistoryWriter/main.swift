// Writes a history as a meeting does, until it is killed: `history-writer PATH SEED`. Each line of
// output is an entry's identifier, printed once the store has said that it is kept.
import Chat
import Foundation
import Foundations
import History
import SwiftProtobuf
import Wire

/// At once, with nothing left in a buffer for a kill to take along.
func say(_ line: String) {
  FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

/// The same keys in every run, so that each goes on with the log of the one before.
func key(_ seed: UInt64) -> SigningKey {
  SigningKey(
    from: SecretSource { count in
      var chance = SeededGenerator(seed: seed)
      return (0..<count).map { _ in UInt8.random(in: 0...255, using: &chance) }
    })
}

let clock = HostClock()
let path = CommandLine.arguments[1]
var chance = SeededGenerator(seed: UInt64(CommandLine.arguments[2]) ?? 0)
let genesis = key(1000)
let meeting = MeetingID(publicKey: genesis.publicKey)

do {
  let store = try HistoryStore(path: path, now: clock.wallTime())
  for warning in await store.takeWarnings() { throw warning }
  try await store.register(
    MeetingRecord(id: meeting, genesisKey: genesis.publicKey, title: "Kept", chain: nil),
    at: clock.wallTime())
  var log = ChatLog(meeting: meeting, key: key(1), stored: try await store.entries(of: meeting))
  var own: [Entry] = []
  while true {
    // Short lines, long ones, several at once, edits and deletes: each makes other pages dirty.
    for _ in 0..<Int.random(in: 1...4, using: &chance) {
      let length = Bool.random(using: &chance) ? 10 : Int.random(in: 10...4000, using: &chance)
      var body = WireChatBody.text(String(repeating: "word ", count: length / 5 + 1))
      if let target = own.randomElement(using: &chance), Int.random(in: 0..<4, using: &chance) == 0
      {
        body =
          Bool.random(using: &chance) ? .delete([target.hash]) : .edit(of: target.hash, "changed")
      }
      var outputs: [ChatLog.Output] = []
      log.handle(.compose(body, wall: clock.wallTime()), at: .zero, into: &outputs)
      var entries: [Entry] = []
      for case .commit(let more) in outputs { entries += more }
      try await store.append(entries, at: clock.wallTime())
      for entry in entries { say("\(entry.id)") }
      log.handle(.committed(entries.map(\.id)), at: .zero, into: &outputs)
      own = Array((own + entries).suffix(100))
    }
  }
} catch {
  say("failed: \(error)")
  exit(1)
}
