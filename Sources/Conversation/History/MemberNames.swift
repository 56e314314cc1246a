import Foundation
import Foundations
import GRDB

/// How members are told apart in what is shown of a meeting: of two of one name the second is "Ada (2)".
/// They are numbered in the order of their first entries, alike for everybody who has those.
struct MemberNames {
  private let names: [PeerID: String]
  /// Those whose names could be taken for one another's, the numbers put aside; nobody who is alone.
  private let lookAlikes: [PeerID: [PeerID]]
  private var numbered: [MeetingID: [PeerID: String]] = [:]

  init(_ db: Database) throws {
    let rows = try Row.fetchAll(db, sql: "SELECT id, name FROM members WHERE name <> ''")
    names = Dictionary(
      rows.compactMap { row in PeerID(row["id"] as Data).map { ($0, row["name"]) } },
      uniquingKeysWith: { first, _ in first })
    var lookAlikes: [PeerID: [PeerID]] = [:]
    let groups = Dictionary(grouping: names.keys) { [names] in Self.stem(names[$0] ?? "") }
    for group in groups.values where group.count > 1 {
      for member in group { lookAlikes[member] = group }
    }
    self.lookAlikes = lookAlikes
  }

  /// - Returns: the name without its number: "Ada (2)" may be somebody's own choice.
  private static func stem(_ name: String) -> Substring {
    let key = DistinctNames.key(name)
    guard key.hasSuffix(")"), let start = key.range(of: " (", options: .backwards) else {
      return key[...]
    }
    let isNumber = key[start.upperBound...].dropLast().allSatisfy(\.isNumber)
    return isNumber ? key[..<start.lowerBound] : key[...]
  }

  mutating func name(of member: PeerID, in meeting: MeetingID, _ db: Database) throws -> String {
    guard let name = names[member] else { return "somebody" }
    guard let group = lookAlikes[member] else { return name }
    if let known = numbered[meeting]?[member] { return known }
    var distinct = DistinctNames()
    for member in try db.byFirstEntry(group, in: meeting) {
      numbered[meeting, default: [:]][member] = distinct.take(names[member] ?? "")
    }
    return numbered[meeting]?[member] ?? name
  }
}

extension Database {
  /// Those of the members that wrote something in the meeting, in the order in which they began.
  fileprivate func byFirstEntry(
    _ members: [PeerID], in meeting: MeetingID
  ) throws -> [PeerID] {
    let statement = try cachedStatement(
      sql: """
        SELECT clock, counter FROM entries WHERE author = ? AND meeting = ?
        ORDER BY sequence, clock, counter LIMIT 1
        """)
    let firsts = try members.compactMap { member -> (Int64, Int64, PeerID)? in
      let row = try Row.fetchOne(
        statement, arguments: [Data(member.bytes), Data(meeting.bytes)])
      return row.map { ($0["clock"], $0["counter"], member) }
    }
    return firsts.sorted(by: <).map(\.2)
  }
}
