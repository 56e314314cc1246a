import Chat
import Foundation
import Foundations
import GRDB
import Glibc
import SwiftProtobuf
import Testing
import Wire

@testable import History

@Suite("History of an earlier version")
struct MigrationTests {
  let directory: Directory

  init() throws {
    directory = try Directory()
  }

  /// A file as the first version left it, made by that version's own statements.
  private func makeVersion1(of entries: [(Entry, kind: String, text: String?)]) throws {
    try make(Self.version1, "('v1')", of: entries)
  }

  /// The same of the second.
  private func makeVersion2(of entries: [(Entry, kind: String, text: String?)]) throws {
    try make(Self.version1 + Self.version2, "('v1'), ('v2')", of: entries)
  }

  /// The same of the third.
  private func makeVersion3(of entries: [(Entry, kind: String, text: String?)]) throws {
    try make(
      Self.version1 + Self.version2 + Self.version3, "('v1'), ('v2'), ('v3')", of: entries)
  }

  /// The same of the fourth.
  private func makeVersion4(of entries: [(Entry, kind: String, text: String?)]) throws {
    try make(
      Self.version1 + Self.version2 + Self.version3 + Self.version4,
      "('v1'), ('v2'), ('v3'), ('v4')", of: entries)
  }

  private func make(
    _ schema: String, _ migrations: String, of entries: [(Entry, kind: String, text: String?)]
  ) throws {
    let queue = try DatabaseQueue(path: directory.history)
    try queue.write { db in
      try db.execute(
        sql: """
          CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
          INSERT INTO grdb_migrations VALUES \(migrations);
          """)
      try db.execute(sql: schema)
      try db.execute(
        sql: """
          INSERT INTO meetings (id, genesisKey, title, firstJoined, lastSeen)
          VALUES (?, ?, 'Standup', 1, 2)
          """,
        arguments: [Data(meeting.bytes), Data(genesis.publicKey)])
      for (entry, kind, text) in entries {
        try db.execute(
          sql: "INSERT OR IGNORE INTO members VALUES (?, ?, 'Alice', NULL, 0)",
          arguments: [Data(entry.author.bytes), Data(entry.authorKey)])
        try db.execute(
          sql: """
            INSERT INTO entries
              (hash, meeting, author, sequence, clock, counter, kind, time, wire, text)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            Data(entry.hash.bytes), Data(meeting.bytes), Data(entry.author.bytes),
            Int64(entry.sequence), entry.clock.milliseconds, Int64(entry.clock.counter), kind,
            entry.clock.milliseconds, Data(entry.signed.wire), text,
          ])
        guard try db.tableExists("pointers") else { continue }
        for target in entry.body.targets {
          try db.execute(
            sql: "INSERT INTO pointers (target, number) VALUES (?, last_insert_rowid())",
            arguments: [Data(target.bytes)])
        }
      }
    }
    try queue.close()
  }

  @Test("The first version's file is brought up to date with all that it holds")
  func version1() async throws {
    var alice = Author(1)
    let said = (0..<20).map { alice.say("line \($0)") }
    // Kinds that the first version kept without understanding them.
    let edit = alice.say(.edit(of: said[3].hash, "changed"))
    let reply = alice.say(.reply(to: said[4].hash, "answered"))
    try makeVersion1(
      of: said.map { ($0, "text", $0.body.displayText) } + [
        (edit, "unknown", nil), (reply, "unknown", nil),
      ])
    let store = try HistoryStore(path: directory.history, now: wall(1))
    #expect(await store.takeWarnings().isEmpty)
    #expect(try await store.entries(of: meeting) == said + [edit, reply])
    #expect(try await store.hash(of: meeting) == HistoryHash.of(said + [edit, reply]))
    #expect(try await store.messages(search: "changed", limit: 5).map(\.id) == [said[3].id])
    #expect(try await store.messages(search: "answered", limit: 5).map(\.id) == [reply.id])
    #expect(try await store.messages(limit: 50).map(\.name) == Array(repeating: "Alice", count: 21))
    try await store.append([alice.say("goes on")], at: wall(2))
    await store.close()

    let queue = try DatabaseQueue(path: directory.history)
    try await queue.write { db in
      try db.execute(sql: "INSERT INTO texts(texts) VALUES ('integrity-check')")
      #expect(try String.fetchOne(db, sql: "PRAGMA integrity_check") == "ok")
      #expect(try Row.fetchOne(db, sql: "PRAGMA foreign_key_check") == nil)
      #expect(try String.fetchOne(db, sql: "PRAGMA journal_mode") == "wal")
    }
    try queue.close()
    // Opening it again changes nothing.
    let again = try HistoryStore(path: directory.history, now: wall(1))
    #expect(try await again.messages(limit: 50).count == 22)
  }

  @Test("A copy for reading has no name any more when its checking and migrating begin")
  func unnamedCopy() async throws {
    var alice = Author(1)
    let said = (0..<20).map { alice.say("line \($0)") }
    try makeVersion4(of: said.map { ($0, "text", $0.body.displayText) })
    // Something waits in its log.
    let writer = try DatabaseQueue(path: directory.history)
    try await writer.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA journal_mode = WAL")
      try db.execute(sql: "UPDATE meetings SET title = 'In the log'")
    }
    let place = try Directory()
    try ReadingCopy.make(of: directory.history, in: [place.path]).named { path in
      #expect(place.names.count == 1)
      let log = open(path + "-wal", O_RDONLY)
      let end = ContinuousClock.now + .seconds(5)
      while !place.names.isEmpty, ContinuousClock.now < end { sched_yield() }
      #expect(place.names.isEmpty)
      close(log)
    }
    let copy = try DatabaseFile.openUnnamedCopy(of: directory.history, in: [place.path])
    #expect(place.names.isEmpty)
    let (isUpToDate, count, title) = try await copy.read { db in
      try (
        Schema.migrator.hasCompletedMigrations(db),
        Int.fetchOne(db, sql: "SELECT count(*) FROM entries"),
        String.fetchOne(db, sql: "SELECT title FROM meetings")
      )
    }
    #expect(!isUpToDate)
    #expect(count == 20)
    #expect(title == "In the log")
    try copy.close()
    try writer.close()
    #expect(place.names.isEmpty)
  }

  @Test("The second version's file is brought up to date with all that it holds")
  func version2() async throws {
    var alice = Author(1)
    let said = alice.say("hello")
    let edit = alice.say(.edit(of: said.hash, "changed"))
    try makeVersion2(of: [(said, "text", "changed"), (edit, "edit", nil)])
    let store = try HistoryStore(path: directory.history, now: wall(1))
    #expect(await store.takeWarnings().isEmpty)
    #expect(try await store.entries(of: meeting) == [said, edit])
    #expect(try await store.hash(of: meeting) == HistoryHash.of([said, edit]))
    #expect(try await store.removals(of: meeting) == nil)
    try await store.setCounted([edit.hash], false, at: wall(2))
    #expect(try await store.messages(search: "hello", limit: 5).map(\.id) == [said.id])
    await store.close()
  }

  @Test("The third version's polls are found by what can be answered, the text that is shown stays")
  func version3() async throws {
    var alice = Author(1)
    let poll = alice.say(.poll("Drink?", options: ["Green tea", "Water"]))
    let edit = alice.say(.edit(of: poll.hash, "A drink?"))
    let removed = alice.say(.poll("Lunch?", options: ["Rice", "Tea"]))
    try makeVersion3(
      of: [(poll, "poll", "A drink?"), (edit, "edit", nil), (removed, "void", nil)])
    // Whoever contradicts themselves doesn't look like damage, before and after.
    let queue = try DatabaseQueue(path: directory.history)
    try await queue.write { db in
      try db.execute(
        sql: "INSERT INTO contradictions (meeting, author) VALUES (?, ?)",
        arguments: [Data(meeting.bytes), Data(poll.author.bytes)])
    }
    try queue.close()
    let first = try HistoryStore(path: directory.history, now: wall(1))
    #expect(await first.takeWarnings().isEmpty)
    await first.close()
    let store = try HistoryStore(path: directory.history, now: wall(1))
    #expect(await store.takeWarnings().isEmpty)
    #expect(try await store.messages(limit: 5).allSatisfy(\.isContradicted))
    let found = try await store.messages(search: "tea", limit: 5)
    #expect(found.map(\.id) == [poll.id])
    #expect(found.map(\.text) == ["A drink?"])
    #expect(found.first?.answers.map(\.text) == ["Green tea", "Water"])
    await store.close()
  }

  @Test("What the fourth version kept is found by letters and points that its index kept apart")
  func version4() async throws {
    var alice = Author(1)
    let texts = ["Straße", "plain", "שָׁלוֹם", "مُحَمَّد", "明天", "find", "Straße, again", "left"]
    let said = texts.map { alice.say($0) }
    let edit = alice.say(.edit(of: said[1].hash, "ﬁne"))
    let (removed, joined) = (alice.say("Größe"), alice.say(.joined(name: "Alice")))
    try makeVersion4(
      of: zip(said, texts).map { ($0, "text", $0 == said[1] ? "ﬁne" : $1) } + [
        (edit, "edit", nil), (removed, "void", nil), (joined, "joined", nil),
      ])
    let store = try HistoryStore(path: directory.history, now: wall(1))
    #expect(await store.takeWarnings().isEmpty)
    #expect(try await store.entries(of: meeting) == said + [edit, removed, joined])
    for (search, found) in [
      ("STRASSE", ["Straße", "Straße, again"]), ("שלום", ["שָׁלוֹם"]), ("محمد", ["مُحَمَّد"]),
      ("FINE", ["ﬁne"]),
      ("ﬁnd", ["find"]), ("天", ["明天"]), ("plain", []), ("grösse", []), ("LEF", ["left"]),
    ] {
      let messages = try await store.messages(search: search, limit: 9)
      #expect(messages.map(\.text) == found, "\(search)")
    }
    // What was indexed by the migration is taken out of the index as it was put in.
    try await store.append([alice.say(.delete([said[0].hash]))], at: wall(2))
    try await store.append([alice.say(.edit(of: said[6].hash, "Weg"))], at: wall(2))
    #expect(try await store.messages(search: "strasse", limit: 9).isEmpty)
    await store.close()
    let queue = try DatabaseQueue(path: directory.history)
    try await queue.write { db in
      try db.execute(sql: "INSERT INTO texts(texts, rank) VALUES ('integrity-check', 1)")
      #expect(try String.fetchOne(db, sql: "PRAGMA integrity_check") == "ok")
      let kept = try String.fetchAll(db, sql: "SELECT folded FROM entries WHERE folded IS NOT NULL")
      #expect(kept.sorted() == ["fine", "שלום", "محمد"])
    }
    try queue.close()
  }

  @Test("Migrating makes the tables that a new file has", arguments: 1...4)
  func sameTables(version: Int) async throws {
    let make = [makeVersion1, makeVersion2, makeVersion3, makeVersion4][version - 1]
    try make([])
    let migrated = try HistoryStore(path: directory.history, now: wall(0))
    await migrated.close()
    let fresh = try Directory()
    let store = try HistoryStore(path: fresh.history, now: wall(0))
    await store.close()
    var schemas: [[String]] = []
    for path in [directory.history, fresh.history] {
      let queue = try DatabaseQueue(path: path)
      schemas.append(
        try await queue.read { db in
          try String.fetchAll(
            db,
            sql: """
              SELECT sql FROM sqlite_master
              WHERE sql IS NOT NULL AND name <> 'grdb_migrations' ORDER BY name
              """)
        })
      try queue.close()
    }
    #expect(schemas[0] == schemas[1])
    #expect(schemas[0].count > 10)
  }

  @Test("An earlier version's file can be read before another meeting is held")
  func reading() async throws {
    var alice = Author(1)
    let said = alice.say("hello")
    try makeVersion1(of: [(said, "text", "hello")])
    let reader = try HistoryStore(reading: directory.history)
    #expect(try await reader.messages(search: "hel", limit: 5).map(\.id) == [said.id])
  }

  @Test("It is read where it can't be brought up to date in place", .enabled(if: Mount.canBeMade))
  func readOnly() async throws {
    var alice = Author(1)
    let said = alice.say("hello")
    try makeVersion1(of: [(said, "text", "hello")])
    let mount = try Mount()
    let path = mount.directory.history
    try FileManager.default.copyItem(atPath: directory.history, toPath: path)
    try mount.makeReadOnly()
    let reader = try HistoryStore(reading: path)
    #expect(try await reader.messages(search: "hel", limit: 5).map(\.id) == [said.id])
    await reader.close()
    #expect(mount.directory.names == ["history.sqlite"])
  }

  @Test("Several programs that open it at once all find it up to date", arguments: 1...4)
  func atOnce(version: Int) async throws {
    var alice = Author(1)
    let said = (0..<500).map { alice.say("line \($0)") }
    let make = [makeVersion1, makeVersion2, makeVersion3, makeVersion4][version - 1]
    try make(said.map { ($0, "text", "line") })
    let path = directory.history
    let counts = try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 0..<6 {
        group.addTask {
          let store =
            try number.isMultiple(of: 2)
            ? HistoryStore(path: path, now: wall(0)) : HistoryStore(reading: path)
          let count = try await store.messages(search: "line", limit: 1000).count
          await store.close()
          return count
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(counts == Array(repeating: said.count, count: 6))
  }

  /// Never edited: what was released.
  private static let version4 = """
    ALTER TABLE contradictions RENAME TO formerContradictions;
    CREATE TABLE contradictions (
      author BLOB NOT NULL REFERENCES members (id),
      meeting BLOB NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
      PRIMARY KEY (author, meeting)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO contradictions (author, meeting)
      SELECT author, meeting FROM formerContradictions;
    DROP TABLE formerContradictions;
    """

  /// Never edited: what was released.
  private static let version3 = """
    ALTER TABLE meetings ADD COLUMN removals BLOB;
    """

  /// Never edited: what was released.
  private static let version2 = """
    CREATE TABLE pointers (
      target BLOB NOT NULL,
      number INTEGER NOT NULL REFERENCES entries (number) ON DELETE CASCADE,
      PRIMARY KEY (target, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX pointersByNumber ON pointers (number);

    DROP INDEX entriesByAuthor;
    CREATE INDEX entriesBySequence ON entries (author, meeting, sequence);
    CREATE TABLE contradictions (
      meeting BLOB NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
      author BLOB NOT NULL REFERENCES members (id),
      PRIMARY KEY (author, meeting)
    ) STRICT, WITHOUT ROWID;
    """

  /// Never edited: what was released.
  private static let version1 = """
    CREATE TABLE meetings (
      id BLOB NOT NULL PRIMARY KEY,
      genesisKey BLOB NOT NULL,
      title TEXT NOT NULL,
      firstJoined INTEGER NOT NULL,
      lastSeen INTEGER NOT NULL,
      chain BLOB
    ) STRICT;

    CREATE TABLE members (
      id BLOB NOT NULL PRIMARY KEY,
      key BLOB NOT NULL,
      name TEXT NOT NULL,
      record BLOB,
      issued INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE attendance (
      meeting BLOB NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
      member BLOB NOT NULL REFERENCES members (id),
      lastSeen INTEGER NOT NULL,
      PRIMARY KEY (meeting, member)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE entries (
      number INTEGER PRIMARY KEY,
      hash BLOB NOT NULL UNIQUE,
      meeting BLOB NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
      author BLOB NOT NULL REFERENCES members (id),
      sequence INTEGER NOT NULL,
      clock INTEGER NOT NULL,
      counter INTEGER NOT NULL,
      kind TEXT NOT NULL,
      time INTEGER NOT NULL,
      wire BLOB NOT NULL,
      text TEXT
    ) STRICT;
    CREATE INDEX entriesInOrder
      ON entries (meeting, clock, counter, author, sequence, hash, kind);
    CREATE INDEX entriesByClock ON entries (clock);
    CREATE INDEX entriesByAuthor ON entries (author);

    CREATE VIRTUAL TABLE texts USING fts5(
      text, content = 'entries', content_rowid = 'number',
      tokenize = 'unicode61 remove_diacritics 2');
    CREATE TRIGGER entryInserted AFTER INSERT ON entries WHEN new.text IS NOT NULL BEGIN
      INSERT INTO texts (rowid, text) VALUES (new.number, new.text);
    END;
    CREATE TRIGGER entryDeleted AFTER DELETE ON entries WHEN old.text IS NOT NULL BEGIN
      INSERT INTO texts (texts, rowid, text) VALUES ('delete', old.number, old.text);
    END;
    CREATE TRIGGER textRemoved AFTER UPDATE OF text ON entries WHEN old.text IS NOT NULL BEGIN
      INSERT INTO texts (texts, rowid, text) VALUES ('delete', old.number, old.text);
    END;
    CREATE TRIGGER textReplaced AFTER UPDATE OF text ON entries WHEN new.text IS NOT NULL BEGIN
      INSERT INTO texts (rowid, text) VALUES (new.number, new.text);
    END;
    """
}
