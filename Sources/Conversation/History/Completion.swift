import Chat
import Foundation
import Foundations
import GRDB
import Wire

/// What other entries add to the messages that were found: edits, reactions, votes.
extension Database {
  /// - Parameter entries: those of the messages that can still be read.
  func complete(
    _ messages: [Message], entries: [Entry], names: inout MemberNames
  ) throws -> [Message] {
    let related = try pointers(to: entries.map(\.hash))
    let transcript = Transcript(entries + related)
    let lines = Dictionary(
      entries.compactMap { entry in transcript[entry.hash].map { (entry.id, $0) } },
      uniquingKeysWith: { first, _ in first })
    let contradicted = try contradictingAuthors(among: Set(messages.map(\.author)))
    return try messages.map { message in
      var message = message
      message.isContradicted = contradicted.contains(message.author)
      guard let line = lines[message.id] else { return message }
      let meeting = message.meeting
      try message.add(line) { try names.name(of: $0, in: meeting, self) }
      return message
    }
  }

  /// SQLite takes this many parameters in a statement on every system (SQLITE_LIMIT_VARIABLE_NUMBER
  /// was 999 once).
  private static let parametersAtOnce = 500

  private func pointers(to targets: [EntryHash]) throws -> [Entry] {
    try fetch(targets.map(\.bytes)) { marks in
      """
      SELECT DISTINCT entries.meeting, entries.wire FROM pointers JOIN entries USING (number)
      WHERE target IN (\(marks)) AND kind IN ('edit', 'reaction', 'vote')
      """
    }.compactMap(Entry.init(row:))
  }

  private func contradictingAuthors(among members: Set<PeerID>) throws -> Set<PeerID> {
    let rows = try fetch(members.map(\.bytes)) { marks in
      "SELECT DISTINCT author FROM contradictions WHERE author IN (\(marks))"
    }
    return Set(rows.compactMap { PeerID($0["author"] as Data) })
  }

  private func fetch(_ values: [[UInt8]], _ sql: (String) -> String) throws -> [Row] {
    var rows: [Row] = []
    for start in stride(from: 0, to: values.count, by: Self.parametersAtOnce) {
      let part = values[start..<min(start + Self.parametersAtOnce, values.count)]
      let marks = Array(repeating: "?", count: part.count).joined(separator: ", ")
      rows += try Row.fetchAll(
        self, sql: sql(marks), arguments: StatementArguments(part.map { Data($0) }))
    }
    return rows
  }
}

extension Message {
  fileprivate mutating func add(
    _ line: Transcript.Line, name: (PeerID) throws -> String
  ) rethrows {
    text = line.text
    isEdited = line.isEdited
    reactions = try line.reactions.map {
      Reaction(emoji: $0.emoji, names: try $0.members.map(name))
    }
    switch line.entry.body {
    case .reply(let target, _): self.target = target.id
    case .poll(let poll):
      answers = try zip(poll.displayOptions, line.votes).map {
        Answer(text: $0, names: try $1.map(name))
      }
    case .hand(let isRaised): text = isRaised ? "raised" : "lowered"
    case .moderation(let what): text = what.sentence(about: try what.member.map(name))
    case .text, .edit, .delete, .reaction, .vote, .file, .joined, .left, .deleted, .unknown: break
    }
  }
}
