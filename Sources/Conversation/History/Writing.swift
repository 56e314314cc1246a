import Chat
import Foundation
import Foundations
import GRDB
import SwiftProtobuf
import Wire

extension Database {
  /// For what is done with each entry: compiling its SQL takes longer than running it.
  func executeOften(sql: String, arguments: StatementArguments) throws {
    try cachedStatement(sql: sql).execute(arguments: arguments)
  }

  func register(_ meeting: MeetingRecord, at now: WallTime) throws {
    let title = DisplayText.line(meeting.title, limit: WireBounds.title)
    try execute(
      sql: """
        INSERT INTO meetings (id, genesisKey, title, firstJoined, lastSeen, chain)
        VALUES (?1, ?2, ?3, ?4, ?4, ?5)
        ON CONFLICT (id) DO UPDATE SET
          title = CASE WHEN excluded.title = '' THEN title ELSE excluded.title END,
          lastSeen = max(lastSeen, excluded.lastSeen),
          chain = coalesce(excluded.chain, chain)
        """,
      arguments: [
        Data(meeting.id.bytes), Data(meeting.genesisKey), title, now.milliseconds,
        meeting.chain.map { Data($0.wire) },
      ])
  }

  func remember(_ member: MemberRecord, in meeting: MeetingID, at now: WallTime) throws {
    // A record that was issued before the one kept says nothing new.
    try execute(
      sql: """
        INSERT INTO members (id, key, name, record, issued) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (id) DO UPDATE SET
          name = excluded.name, record = excluded.record, issued = excluded.issued
          WHERE record IS NULL OR issued <= excluded.issued
        """,
      arguments: [
        Data(member.id.bytes), Data(member.publicKey), member.name, Data(member.signed.wire),
        member.issued.milliseconds,
      ])
    try execute(
      sql: """
        INSERT INTO attendance (meeting, member, lastSeen) VALUES (?1, ?2, ?3)
        ON CONFLICT (meeting, member) DO UPDATE SET lastSeen = max(lastSeen, excluded.lastSeen)
        """,
      arguments: [Data(meeting.bytes), Data(member.id.bytes), now.milliseconds])
  }

  func append(_ entry: Entry, at now: WallTime) throws {
    try rememberAuthor(of: entry)
    try executeOften(
      sql: """
        INSERT INTO entries
          (hash, meeting, author, sequence, clock, counter, kind, time, wire, text)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (hash) DO NOTHING
        """,
      arguments: [
        Data(entry.hash.bytes), Data(entry.meeting.bytes), Data(entry.author.bytes),
        Int64(entry.sequence), entry.clock.milliseconds, Int64(entry.clock.counter),
        entry.keptKind, entry.clock.shown(received: now).milliseconds, Data(entry.signed.wire),
        entry.searchedText,
      ])
    guard changesCount > 0 else { return }
    let number = lastInsertedRowID
    try noteContradiction(by: entry)
    try relate(entry, number: number)
  }

  private func noteContradiction(by entry: Entry) throws {
    // Left to itself SQLite goes through the whole meeting by the index that covers the columns.
    try executeOften(
      sql: """
        INSERT OR IGNORE INTO contradictions (meeting, author)
        SELECT meeting, author FROM entries INDEXED BY entriesBySequence
        WHERE author = ?1 AND meeting = ?2 AND sequence = ?3 AND hash <> ?4
        """,
      arguments: [
        Data(entry.author.bytes), Data(entry.meeting.bytes), Int64(entry.sequence),
        Data(entry.hash.bytes),
      ])
  }

  /// The author may be somebody who left before this member came: all that is known of it then is its
  /// key, and the name under which its log says that it joined.
  private func rememberAuthor(of entry: Entry) throws {
    var name = ""
    if case .joined(let said, _) = entry.body { name = said }
    try executeOften(
      sql: """
        INSERT INTO members (id, key, name, issued) VALUES (?1, ?2, ?3, 0)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name
          WHERE record IS NULL AND excluded.name <> ''
        """,
      arguments: [Data(entry.author.bytes), Data(entry.authorKey), name])
  }

  func keep(_ removals: WireRemovals, of meeting: MeetingID) throws {
    try execute(
      sql: "UPDATE meetings SET removals = ? WHERE id = ?",
      arguments: [Data(removals.wire), Data(meeting.bytes)])
  }

  func touch(_ meeting: MeetingID, at now: WallTime) throws {
    try executeOften(
      sql: "UPDATE meetings SET lastSeen = max(lastSeen, ?2) WHERE id = ?1",
      arguments: [Data(meeting.bytes), now.milliseconds])
  }

  func forget(_ meeting: MeetingID) throws {
    try execute(sql: "DELETE FROM meetings WHERE id = ?", arguments: [Data(meeting.bytes)])
    try execute(
      sql: """
        DELETE FROM members
        WHERE NOT EXISTS (SELECT 1 FROM entries WHERE author = members.id)
          AND NOT EXISTS (SELECT 1 FROM contradictions WHERE author = members.id)
          AND NOT EXISTS (SELECT 1 FROM attendance WHERE member = members.id)
        """)
    try purgeIndex()
  }

  /// Notes in the file whether its index is to be purged, for a run that comes after a crash.
  func setPurgeDue(_ isDue: Bool) throws {
    try execute(sql: "PRAGMA user_version = \(isDue ? 1 : 0)")
  }

  func purgeIfDue() throws {
    guard try Int.fetchOne(self, sql: "PRAGMA user_version") == 1 else { return }
    try purgeIndex()
    try setPurgeDue(false)
  }

  /// The full-text index only notes what was deleted, and keeps the words until it is merged, which
  /// takes seconds where there are a million messages.
  func purgeIndex() throws {
    try execute(sql: "INSERT INTO texts (texts) VALUES ('optimize')")
  }
}
