import Chat
import Foundation
import Foundations
import GRDB
import SwiftProtobuf
import Wire

/// The database's tables, and how each version of them grew out of the one before. A migration that
/// was released is never edited.
enum Schema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("v1") { db in
      try db.execute(sql: version1)
    }
    migrator.registerMigration("v2") { db in
      try db.execute(sql: version2)
      try db.readUnknownAnew()
    }
    migrator.registerMigration("v3") { db in
      try db.execute(sql: version3)
    }
    migrator.registerMigration("v4") { db in
      try db.execute(sql: version4)
      try db.readPollsAnew()
    }
    migrator.registerMigration("v5") { db in
      db.add(function: SearchFolding().indexing)
      try db.execute(sql: version5)
    }
    return migrator
  }

  /// Whether everything is there that the migrations have made: SQLite itself misses a table only when
  /// asked for it.
  /// - Throws: `SQLITE_CORRUPT`, for another program's database too.
  static func check(_ db: Database) throws {
    let parts = try db.parts()
    guard try migrator.hasCompletedMigrations(db) else {
      // What was cut short before the first migration has nothing but GRDB's own table.
      let isForeign = parts.contains { !$0.contains("grdb_migrations") }
      guard try isForeign && migrator.appliedIdentifiers(db).isEmpty else { return }
      throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "it is no history of Virtue's")
    }
    let model = try DatabaseQueue()
    try migrator.migrate(model)
    let missing = try model.read { try $0.parts() }.subtracting(parts)
    try model.close()
    guard let part = missing.min() else { return }
    throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "\(part) is missing")
  }

  /// Times are milliseconds since the Unix epoch. `number` is the key that the full-text index needs;
  /// it grows as entries arrive. Identifiers compare as bytes, as they do in the program, so that the
  /// index `entriesInOrder` holds the order in which everybody shows a meeting.
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

  /// Which entries point to which: replies, edits, deletes, reactions and votes. What is pointed to
  /// may never come. `text` of a message becomes its latest edit's, so that a search finds what is
  /// shown; what was said first stands in `wire`, which alone is signed. A
  /// contradiction is an author with two entries of one sequence number.
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
    INSERT INTO contradictions (meeting, author)
      SELECT DISTINCT meeting, author FROM entries
      GROUP BY meeting, author, sequence HAVING count(*) > 1;
    """

  /// Who was removed from a meeting (a `Removals` message). An entry that doesn't count for it is of the
  /// kind 'void', or 'void-delete' where it deletes, and has no `text`.
  private static let version3 = """
    ALTER TABLE meetings ADD COLUMN removals BLOB;
    """

  /// SQLite's `quick_check` takes columns of a table without row numbers for those of its key, and their
  /// order for the key's: where it was another, whoever contradicted themselves looked like damage.
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

  /// The index folds what is written more thoroughly than its tokenizer does, see ``SearchFolding``.
  /// `folded` is the text as it is indexed, or NULL where that is `text` itself. It is kept because the
  /// index wants back what it was given, and another version's Unicode may fold otherwise. Whoever writes
  /// brings `fold` along.
  private static let version5 = """
    DROP TRIGGER entryInserted;
    DROP TRIGGER entryDeleted;
    DROP TRIGGER textRemoved;
    DROP TRIGGER textReplaced;
    DROP TABLE texts;

    ALTER TABLE entries ADD COLUMN folded TEXT;
    UPDATE entries SET folded = fold(text) WHERE fold(text) IS NOT NULL;
    CREATE VIEW indexed AS
      SELECT number, coalesce(folded, text) AS text FROM entries WHERE text IS NOT NULL;
    CREATE VIRTUAL TABLE texts USING fts5(
      text, content = 'indexed', content_rowid = 'number',
      tokenize = 'unicode61 remove_diacritics 2');
    INSERT INTO texts (texts) VALUES ('rebuild');

    CREATE TRIGGER entryInserted AFTER INSERT ON entries WHEN new.text IS NOT NULL BEGIN
      UPDATE entries SET folded = fold(text) WHERE number = new.number AND fold(text) IS NOT NULL;
      INSERT INTO texts (rowid, text) SELECT number, text FROM indexed WHERE number = new.number;
    END;
    CREATE TRIGGER entryDeleted AFTER DELETE ON entries WHEN old.text IS NOT NULL BEGIN
      INSERT INTO texts (texts, rowid, text)
        VALUES ('delete', old.number, coalesce(old.folded, old.text));
    END;
    CREATE TRIGGER textChanged AFTER UPDATE OF text ON entries BEGIN
      INSERT INTO texts (texts, rowid, text)
        SELECT 'delete', old.number, coalesce(old.folded, old.text) WHERE old.text IS NOT NULL;
      UPDATE entries SET folded = fold(text) WHERE number = new.number;
      INSERT INTO texts (rowid, text) SELECT number, text FROM indexed WHERE number = new.number;
    END;
    """
}

extension Database {
  /// "table entries", "index entriesInOrder", and so on.
  fileprivate func parts() throws -> Set<String> {
    try String.fetchSet(self, sql: "SELECT type || ' ' || name FROM sqlite_master")
  }

  /// The third version found a poll by its question alone, not by what can be answered.
  fileprivate func readPollsAnew() throws {
    let hashes = try Data.fetchAll(self, sql: "SELECT hash FROM entries WHERE kind = 'poll'")
    for hash in hashes.compactMap(EntryHash.init) { try refreshText(of: hash) }
  }

  /// Entries of kinds that the version before didn't know are read by the one that does.
  fileprivate func readUnknownAnew() throws {
    let rows = try Row.fetchAll(
      self, sql: "SELECT number, meeting, wire FROM entries WHERE kind = 'unknown'")
    for row in rows {
      guard let meeting = MeetingID(row["meeting"] as Data),
        let signed = try? WireSignedEntry(wire: Array(row["wire"] as Data)),
        let entry = try? Entry(kept: signed, meeting: meeting)
      else { continue }
      let number: Int64 = row["number"]
      try execute(
        sql: "UPDATE entries SET kind = ?, text = ? WHERE number = ?",
        arguments: [entry.body.kind, entry.searchedText, number])
      try relate(entry, number: number)
    }
  }
}
