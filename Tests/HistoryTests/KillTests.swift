import Chat
import Foundation
import Foundations
import GRDB
import History
import LabSupport
import Testing
import Wire

@Suite("A program that is killed")
struct KillTests {
  /// `VIRTUE_KILLS` asks for more.
  private static let rounds =
    ProcessInfo.processInfo.environment["VIRTUE_KILLS"].flatMap(Int.init) ?? 12
  private static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("history-writer").path

  @Test("It loses nothing that it has acknowledged, and leaves a history that opens")
  func kills() async throws {
    let directory = try Directory()
    let seed =
      ProcessInfo.processInfo.environment["VIRTUE_SEED"].flatMap(UInt64.init) ?? 1
    var chance = SeededGenerator(seed: seed)
    var acknowledged: Set<String> = []
    var early = 0
    for round in 0..<Self.rounds {
      let child = try Child([Self.program, directory.history, "\(seed &* 1000 &+ UInt64(round))"])
      // Sometimes while it still opens the file, mostly amid the writing.
      if round % 4 > 0 {
        _ = try await child.output.first("an acknowledgement", within: .seconds(20)) { _ in true }
      }
      try await Task.sleep(for: .microseconds(Int.random(in: 0...60_000, using: &chance)))
      child.kill()
      #expect(try await child.exit(within: .seconds(10)) == 128 + SIGKILL, "seed \(seed)")
      let lines = await child.output.lines.map(\.text)
      if lines.isEmpty { early += 1 }
      // The last may have been cut off.
      acknowledged.formUnion(lines.filter { $0.utf8.count == 32 })
      #expect(!lines.contains { $0.hasPrefix("failed") }, "seed \(seed), round \(round): \(lines)")

      let store = try HistoryStore(path: directory.history, now: wall(0))
      #expect(await store.takeWarnings().isEmpty, "seed \(seed), round \(round)")
      let kept = try await store.entries(of: meeting)
      let lost = acknowledged.subtracting(kept.map { "\($0.id)" })
      #expect(lost.isEmpty, "seed \(seed), round \(round): \(lost.count) lost")
      #expect(kept.map(\.sequence) == (0..<kept.count).map { UInt64($0 + 1) })
      await store.close()
      try await checkIntegrity(of: directory.history)
    }
    print(
      "\(Self.rounds) kills, \(early) of them before the first line: "
        + "\(acknowledged.count) acknowledged, none lost")
    #expect(acknowledged.count >= Self.rounds)
  }

  private func checkIntegrity(of path: String) async throws {
    let queue = try DatabaseQueue(path: path)
    try await queue.write { db in
      #expect(try String.fetchOne(db, sql: "PRAGMA integrity_check") == "ok")
      #expect(try Row.fetchOne(db, sql: "PRAGMA foreign_key_check") == nil)
      try db.execute(sql: "INSERT INTO texts(texts) VALUES ('integrity-check')")
    }
    try queue.close()
  }
}
