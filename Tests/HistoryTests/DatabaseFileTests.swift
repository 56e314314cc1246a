import Chat
import Foundation
import Foundations
import GRDB
import Glibc
import History
import SwiftProtobuf
import Testing
import Wire

@Suite("History file")
struct DatabaseFileTests {
  let directory: Directory

  init() throws {
    directory = try Directory()
  }

  /// A store with a meeting in it and `lines` messages.
  private func makeStore(
    lines: Int = 5, padding: Int = 0
  ) async throws -> (HistoryStore, [Entry]) {
    let store = try HistoryStore(path: directory.history, now: wall(0))
    try await store.register(meetingRecord(), at: wall(0))
    var alice = Author(1)
    let padding = String(repeating: "x", count: padding)
    let entries = (0..<lines).map { alice.say("line \($0) \(padding)") }
    try await store.append(entries, at: wall(0))
    return (store, entries)
  }

  @Test("Only its owner can read it, nor what lies beside it")
  func mode() async throws {
    umask(0)
    let (store, _) = try await makeStore()
    #expect(directory.names == ["history.sqlite", "history.sqlite-shm", "history.sqlite-wal"])
    for name in directory.names {
      var status = stat()
      #expect(stat(directory.path + "/" + name, &status) == 0)
      #expect(status.st_mode & 0o777 == 0o600, "\(name)")
    }
    await store.close()
  }

  @Test("What was acknowledged is there after a crash, from the log that was never checkpointed")
  func crash() async throws {
    let (store, entries) = try await makeStore()
    // The files as a kill -9 leaves them: copied while the store is open.
    let copy = directory.path + "/copy.sqlite"
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(
        atPath: directory.history + suffix, toPath: copy + suffix)
    }
    let again = try HistoryStore(path: copy, now: wall(1))
    #expect(try await again.entries(of: meeting) == entries)
    #expect(await again.takeWarnings().isEmpty)
    await store.close()
  }

  @Test(
    "What a program that was killed while it made the file left is rolled back",
    arguments: [true, false])
  func killedWhileMade(isReadFirst: Bool) async throws {
    var configuration = Configuration()
    // So that a transaction is in the file, and its journal beside it, before it ends.
    configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA cache_size = 1") }
    let made = directory.path + "/made.sqlite"
    let queue = try DatabaseQueue(path: made, configuration: configuration)
    let history = directory.history
    try await queue.write { db in
      try db.execute(sql: "CREATE TABLE parts (part)")
      for _ in 0..<2000 {
        try db.execute(sql: "INSERT INTO parts VALUES (zeroblob(500))")
      }
      for suffix in ["", "-journal"] {
        try FileManager.default.copyItem(atPath: made + suffix, toPath: history + suffix)
      }
    }
    if isReadFirst {
      let failure = await failure { _ = try HistoryStore(reading: history) }
      #expect(failure?.code == "no-history")
    }
    let store = try HistoryStore(path: history, now: wall(1))
    #expect(await store.takeWarnings().isEmpty)
    try await store.register(meetingRecord(), at: wall(1))
    #expect(try await store.meetings().count == 1)
    await store.close()
  }

  @Test("A log cut short at any byte leaves a beginning of what was said", arguments: 0..<6)
  func tornLog(part: Int) async throws {
    let store = try HistoryStore(path: directory.history, now: wall(0))
    try await store.register(meetingRecord(), at: wall(0))
    var alice = Author(1)
    var entries: [Entry] = []
    for number in 0..<6 {
      entries.append(alice.say("line \(number)"))
      try await store.append([entries.last!], at: wall(0))
    }
    let log = try Data(contentsOf: URL(fileURLWithPath: directory.history + "-wal"))
    let main = try Data(contentsOf: URL(fileURLWithPath: directory.history))
    await store.close()
    for place in stride(from: log.count * part / 6, to: log.count * (part + 1) / 6, by: 4999) {
      let copy = directory.path + "/\(place).sqlite"
      try main.write(to: URL(fileURLWithPath: copy))
      try log.prefix(place).write(to: URL(fileURLWithPath: copy + "-wal"))
      let again = try HistoryStore(path: copy, now: wall(1))
      let kept = try await again.entries(of: meeting)
      #expect(kept == Array(entries.prefix(kept.count)))
      #expect(await again.takeWarnings().isEmpty)
      await again.close()
    }
  }

  @Test("One reads while another process writes, and neither minds")
  func reader() async throws {
    let (store, _) = try await makeStore()
    let reader = try HistoryStore(reading: directory.history)
    #expect(try await reader.messages(limit: 100).count == 5)
    var bob = Author(2)
    try await store.append([bob.say("more")], at: wall(0))
    #expect(try await reader.messages(limit: 100).count == 6)
    #expect(try await reader.hash(of: meeting) == store.hash(of: meeting))
    let refusal = await failure { try await reader.forget(meeting, at: wall(0)) }
    #expect(refusal?.code == "history-unwritable")
    await reader.close()
    try await store.append([bob.say("and more")], at: wall(0))
    await store.close()
    // Nobody writes now, and nothing but the file is left.
    let late = try HistoryStore(reading: directory.history)
    #expect(try await late.messages(limit: 100).count == 7)
  }

  @Test("There is nothing to read before the first meeting")
  func missing() async {
    let failure = await failure { _ = try HistoryStore(reading: directory.history) }
    #expect(failure?.code == "no-history")
    #expect(directory.names.isEmpty)
  }

  @Test(
    "A file that is damaged or no database is set aside, and never written over",
    arguments: 0..<6)
  func damaged(kind: Int) async throws {
    let (store, _) = try await makeStore(lines: 300)
    await store.close()
    let url = URL(fileURLWithPath: directory.history)
    var bytes = try Data(contentsOf: url)
    switch kind {
    case 0: bytes = Data("this is no database at all, but text".utf8)
    case 1: bytes.replaceSubrange(0..<4096, with: Data(repeating: 0xA5, count: 4096))
    case 2: bytes.replaceSubrange(4096..<7 * 4096, with: Data(repeating: 0xA5, count: 6 * 4096))
    case 3:
      for page in 3..<bytes.count / 4096 {
        bytes.replaceSubrange(page * 4096..<page * 4096 + 200, with: Data(repeating: 9, count: 200))
      }
    case 4: bytes = try database(at: url) { try $0.execute(sql: "DROP TABLE pointers") }
    case _:
      try FileManager.default.removeItem(at: url)
      bytes = try database(at: url) { try $0.execute(sql: "CREATE TABLE recipes (name TEXT)") }
    }
    try bytes.write(to: url)
    if kind != 3 {
      let refusal = await failure { _ = try HistoryStore(reading: directory.history) }
      #expect(refusal?.code == "history-damaged")
    }
    let again = try HistoryStore(path: directory.history, now: wall(0))
    let warnings = await again.takeWarnings()
    #expect(warnings.map(\.code) == ["history-damaged"])
    #expect(await again.takeWarnings().isEmpty)
    try await again.register(meetingRecord(), at: wall(0))
    await again.close()
    let aside = try #require(directory.names.first { $0.contains("damaged-20231114T221320Z") })
    #expect(warnings[0].message.contains(aside))
    #expect(try Data(contentsOf: URL(fileURLWithPath: directory.path + "/" + aside)) == bytes)
    // Damaged again within the same second: both are kept.
    try Data("no database".utf8).write(to: url)
    let third = try HistoryStore(path: directory.history, now: wall(0))
    await third.close()
    // What SQLite keeps beside a file goes with it.
    let files = directory.names.filter {
      $0.contains(".damaged-") && !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm")
    }
    #expect(files.count == 2)
  }

  /// What another program makes of the file.
  private func database(at url: URL, _ change: (Database) throws -> Void) throws -> Data {
    let queue = try DatabaseQueue(path: url.path)
    try queue.writeWithoutTransaction { db in
      try change(db)
      try db.execute(sql: "PRAGMA journal_mode = DELETE")
    }
    try queue.close()
    return try Data(contentsOf: url)
  }

  @Test("A pipe in the history's place is told of, and nobody waits for its other end")
  func pipe() async throws {
    #expect(mkfifo(directory.history, 0o600) == 0)
    for open in [
      { _ = try HistoryStore(reading: $0) }, { _ = try HistoryStore(path: $0, now: wall(0)) },
    ] as [(String) throws -> Void] {
      let refusal = await failure { try open(directory.history) }
      #expect(refusal?.code == "history-unwritable")
      #expect(refusal?.message.contains("no file") == true)
    }
    #expect(directory.names == ["history.sqlite"])
  }

  @Test("A file that breaks while it is in use is set aside, and the meeting goes on in a new one")
  func damagedInUse() async throws {
    // More than SQLite's cache holds, or it wouldn't look at the file.
    let (store, _) = try await makeStore(lines: 1000, padding: 3900)
    try await store.remember([member(signingKey(1), name: "Alice")], in: meeting, at: wall(0))
    await store.close()
    let again = try HistoryStore(path: directory.history, now: wall(0))
    try await again.register(meetingRecord(), at: wall(0))
    let file = open(directory.history, O_WRONLY)
    let size = lseek(file, 0, SEEK_END)
    for page in 1..<Int(size) / 4096 {
      let garbage = [UInt8](repeating: 0xEE, count: 4096)
      #expect(pwrite(file, garbage, 4096, off_t(page * 4096)) == 4096)
    }
    close(file)
    var bob = Author(2)
    var kept: [Entry] = []
    for number in 0..<200 {
      kept.append(bob.say("after \(number)"))
      try await again.append([kept.last!], at: wall(0))
    }
    #expect(await again.takeWarnings().map(\.code) == ["history-damaged"])
    #expect(try await again.entries(of: meeting).suffix(100) == kept.suffix(100))
    #expect(try await again.meetings().map(\.title) == ["Standup"])
    await again.close()
    #expect(directory.names.contains { $0.contains(".damaged-") })
  }

  @Test("A file that is deleted while it is in use is told of once, and what follows is kept")
  func deletedInUse() async throws {
    var bob = Author(2)
    let store = try HistoryStore(path: directory.history, now: wall(0))
    try await store.register(meetingRecord(), at: wall(0))
    try await store.append([bob.say("before")], at: wall(0))
    for name in directory.names where name.hasPrefix("history.sqlite") {
      try FileManager.default.removeItem(
        atPath: (directory.history as NSString).deletingLastPathComponent + "/" + name)
    }
    let after = [bob.say("after"), bob.say("and on")]
    for entry in after { try await store.append([entry], at: wall(1)) }
    #expect(await store.takeWarnings().map(\.code) == ["history-removed"])
    await store.close()
    let again = try HistoryStore(path: directory.history, now: wall(2))
    #expect(await again.takeWarnings().isEmpty)
    #expect(try await again.entries(of: meeting) == after)
    #expect(try await again.meetings().map(\.title) == ["Standup"])
    await again.close()
  }

  @Test("A place that can't be written says so, with what to do")
  func unwritable() async throws {
    try FileManager.default.createDirectory(
      atPath: directory.history, withIntermediateDirectories: true)
    for path in [
      directory.history, "/proc/history.sqlite", directory.path + "/none/history.sqlite",
    ] {
      let failure = await failure { _ = try HistoryStore(path: path, now: wall(0)) }
      #expect(failure?.code == "history-unwritable")
      #expect(failure?.exit == .cannotCreate)
      #expect(failure?.message.contains("--data-dir") == true)
    }
  }

  @Test("Who was removed while another program held the history is known once that lets it go")
  func busy() async throws {
    let store = try HistoryStore(path: directory.history, now: wall(0))
    try await store.register(meetingRecord(), at: wall(0))
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let other = try DatabaseQueue(path: directory.history, configuration: configuration)
    try await other.barrierWriteWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    let removals = WireRemovals.with {
      $0.revocations = [.with { $0.payload = Data([1]) }]
    }
    let refusal = await failure { try await store.keep(removals, of: meeting, at: wall(1)) }
    #expect(refusal?.code == "history-busy")
    try await other.barrierWriteWithoutTransaction { try $0.execute(sql: "COMMIT") }
    try other.close()
    var alice = Author(1)
    try await store.append([alice.say("hello")], at: wall(2))
    await store.close()
    let again = try HistoryStore(path: directory.history, now: wall(3))
    #expect(try await again.removals(of: meeting) == removals)
    await again.close()
  }

  @Test("A full disk refuses what doesn't fit and keeps all that did")
  func fullDisk() async throws {
    let store = try HistoryStore(path: directory.history, now: wall(0), pageLimit: 60)
    try await store.register(meetingRecord(), at: wall(0))
    var alice = Author(1)
    var kept: [Entry] = []
    var refusal: Failure?
    while refusal == nil, kept.count < 2000 {
      let entry = alice.say("line \(kept.count)")
      refusal = await failure { try await store.append([entry], at: wall(0)) }
      if refusal == nil { kept.append(entry) }
    }
    #expect(refusal?.code == "disk-full")
    #expect(kept.count > 10)
    #expect(try await store.entries(of: meeting) == kept)
    await store.close()
    let roomy = try HistoryStore(path: directory.history, now: wall(1))
    #expect(try await roomy.entries(of: meeting) == kept)
    try await roomy.append([alice.say("now it fits")], at: wall(0))
  }

  @Test("A history of a later version is left alone")
  func newer() async throws {
    let (store, _) = try await makeStore()
    await store.close()
    let queue = try DatabaseQueue(path: directory.history)
    try await queue.write { db in
      try db.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('v999')")
    }
    try queue.close()
    for reading in [true, false] {
      let failure = await failure {
        if reading {
          _ = try HistoryStore(reading: directory.history)
        } else {
          _ = try HistoryStore(path: directory.history, now: wall(0))
        }
      }
      #expect(failure?.code == "history-newer")
    }
    #expect(!directory.names.contains { $0.contains("damaged") })
  }

  @Test("Entries that can't be read any more are left out, not trapped over")
  func unreadableEntry() async throws {
    let (store, entries) = try await makeStore()
    await store.close()
    let queue = try DatabaseQueue(path: directory.history)
    try await queue.write { db in
      try db.execute(sql: "UPDATE entries SET wire = x'0A01FF' WHERE sequence = 2")
      try db.execute(sql: "UPDATE entries SET clock = -1, counter = -5 WHERE sequence = 3")
      try db.execute(sql: "UPDATE members SET id = id, key = x'', name = ''")
    }
    try queue.close()
    let again = try HistoryStore(path: directory.history, now: wall(1))
    #expect(try await again.entries(of: meeting).count == entries.count - 1)
    #expect(try await again.messages(limit: 10).count == entries.count)
  }
}
