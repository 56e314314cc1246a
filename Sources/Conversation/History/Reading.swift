import Chat
import Foundation
import Foundations
import GRDB
import SwiftProtobuf
import Wire

extension Database {
  func entries(of meeting: MeetingID) throws -> [Entry] {
    let rows = try Row.fetchCursor(
      self,
      sql: """
        SELECT wire FROM entries WHERE meeting = ?
        ORDER BY clock, counter, author, sequence, hash
        """,
      arguments: [Data(meeting.bytes)])
    var entries: [Entry] = []
    while let row = try rows.next() {
      let wire: Data? = row["wire"]
      guard let signed = try? WireSignedEntry(wire: Array(wire ?? Data())),
        let entry = try? Entry(kept: signed, meeting: meeting)
      else { continue }
      entries.append(entry)
    }
    return entries
  }

  func historyHash(of meeting: MeetingID) throws -> [UInt8]? {
    let id = Data(meeting.bytes)
    guard try Row.fetchOne(self, sql: "SELECT 1 FROM meetings WHERE id = ?", arguments: [id]) != nil
    else { return nil }
    let hashes = try Data.fetchCursor(
      self,
      sql: """
        SELECT hash FROM entries
        WHERE meeting = ? AND kind NOT IN ('joined', 'left', 'void', 'void-delete')
        ORDER BY clock, counter, author, sequence, hash
        """,
      arguments: [id])
    var hash = HistoryHash()
    while let next = try hashes.next() { hash.update(Array(next)) }
    return hash.finish()
  }

  /// Who was removed from the meeting, as far as was kept.
  func removals(of meeting: MeetingID) throws -> WireRemovals? {
    let wire = try Data.fetchOne(
      self, sql: "SELECT removals FROM meetings WHERE id = ? AND removals IS NOT NULL",
      arguments: [Data(meeting.bytes)])
    return wire.flatMap { try? WireRemovals(wire: Array($0)) }
  }

  func meetings() throws -> [MeetingSummary] {
    let rows = try Row.fetchAll(
      self,
      sql: """
        SELECT id, title, firstJoined, lastSeen,
          (SELECT count(*) FROM entries WHERE meeting = id AND
            kind IN ('text', 'reply', 'poll', 'file')) AS messages,
          (SELECT count(DISTINCT author) FROM entries WHERE meeting = id) AS members
        FROM meetings ORDER BY lastSeen DESC, id
        """)
    var names = try MemberNames(self)
    return try rows.compactMap { row -> MeetingSummary? in
      guard let id = MeetingID(row["id"] as Data) else { return nil }
      let last = MessageQuery(
        meeting: id, search: nil, since: nil, attendance: false, limit: 1)
      return MeetingSummary(
        id: id, title: row["title"], firstJoined: WallTime(milliseconds: row["firstJoined"]),
        lastSeen: WallTime(milliseconds: row["lastSeen"]), messages: row["messages"],
        members: row["members"], last: try last.run(self, names: &names).last)
    }
  }

  func recentMeetings(limit: Int) throws -> [RecentMeeting] {
    let rows = try Row.fetchAll(
      self,
      sql: """
        SELECT id, genesisKey, title, lastSeen, chain,
          (SELECT max(clock) FROM entries WHERE meeting = meetings.id) AS lastSaid
        FROM meetings WHERE chain IS NOT NULL
        ORDER BY lastSeen DESC, id LIMIT ?
        """,
      arguments: [limit])
    return try rows.compactMap { row -> RecentMeeting? in
      guard let id = MeetingID(row["id"] as Data),
        let chain = try? WireGrantChain(wire: Array(row["chain"] as Data))
      else { return nil }
      return RecentMeeting(
        id: id, genesisKey: Array(row["genesisKey"] as Data), title: row["title"],
        lastSeen: WallTime(milliseconds: row["lastSeen"]),
        lastSaid: (row["lastSaid"] as Int64?).map(WallTime.init(milliseconds:)), chain: chain,
        members: try members(of: id))
    }
  }

  /// More than are needed to find a meeting again, few enough to try them all.
  private static let membersToTry = 32

  private func members(of meeting: MeetingID) throws -> [MemberRecord] {
    let records = try Data.fetchAll(
      self,
      sql: """
        SELECT record FROM attendance JOIN members ON members.id = member
        WHERE meeting = ? AND record IS NOT NULL
        ORDER BY lastSeen DESC, member LIMIT ?
        """,
      arguments: [Data(meeting.bytes), Self.membersToTry])
    return records.compactMap { record in
      guard let signed = try? WireSigned(wire: Array(record)) else { return nil }
      return try? MemberRecord(verifying: signed)
    }
  }
}
