import Chat
import Foundation
import Foundations
import GRDB

/// A look into the conversation.
struct MessageQuery: Sendable {
  let meeting: MeetingID?
  let search: String?
  let since: WallTime?
  let attendance: Bool
  let limit: Int

  func run(_ db: Database, names: inout MemberNames) throws -> [Message] {
    var conditions: [String] = []
    var arguments: [(any DatabaseValueConvertible)?] = []
    var source = "entries"
    var order = """
      entries.clock DESC, entries.counter DESC, entries.author DESC, entries.sequence DESC,
      entries.hash DESC
      """
    let folding = SearchFolding()
    let words = SearchWords(search ?? "", folding: folding)
    if let pattern = words.pattern {
      // By arrival, which the index yields from its end without looking at older hits; that is
      // nearly the order of the clocks.
      source = "texts JOIN entries ON entries.number = texts.rowid"
      order = "texts.rowid DESC"
      conditions.append("texts MATCH ?")
      arguments.append(pattern)
    }
    if !words.parts.isEmpty { db.add(function: folding.function) }
    for part in words.parts {
      conditions.append("includes(entries.text, ?)")
      arguments.append(Data(part))
    }
    var kinds = "'text', 'reply', 'poll', 'file'"
    if words.isEmpty { kinds += ", 'hand', 'moderation', 'deleted'" }
    if words.isEmpty, attendance { kinds += ", 'joined', 'left'" }
    conditions.append("entries.kind IN (\(kinds))")
    if let meeting {
      conditions.append("entries.meeting = ?")
      arguments.append(Data(meeting.bytes))
    }
    if let since {
      conditions.append("entries.time >= ?")
      arguments.append(since.milliseconds)
    }
    arguments.append(max(0, limit))
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT entries.hash, entries.meeting, entries.author, entries.kind, entries.text,
          entries.time, entries.clock, entries.counter, entries.sequence, entries.wire
        FROM \(source)
        WHERE \(conditions.joined(separator: " AND ")) ORDER BY \(order) LIMIT ?
        """,
      arguments: StatementArguments(arguments))
    let placed = try rows.compactMap { try Self.message($0, names: &names, db) }
      .sorted { $0.place < $1.place }
    return try db.complete(
      placed.map(\.message), entries: rows.compactMap(Entry.init(row:)), names: &names)
  }

  /// Where an entry stands in the order of ``Entry``.
  private struct Place: Comparable {
    let clock: HybridTime
    let author: PeerID
    let sequence: Int64
    let id: EntryID

    static func < (left: Place, right: Place) -> Bool {
      (left.clock, left.author, left.sequence, left.id)
        < (right.clock, right.author, right.sequence, right.id)
    }
  }

  private static func message(
    _ row: Row, names: inout MemberNames, _ db: Database
  ) throws -> (message: Message, place: Place)? {
    guard let hash = EntryHash(row["hash"] as Data),
      let meeting = MeetingID(row["meeting"] as Data),
      let author = PeerID(row["author"] as Data)
    else { return nil }
    let message = Message(
      id: hash.id, meeting: meeting, author: author,
      name: try names.name(of: author, in: meeting, db), kind: row["kind"], text: row["text"] ?? "",
      time: WallTime(milliseconds: row["time"]))
    let clock = HybridTime(
      milliseconds: row["clock"], counter: UInt32(truncatingIfNeeded: row["counter"] as Int64))
    return (message, Place(clock: clock, author: author, sequence: row["sequence"], id: hash.id))
  }
}
