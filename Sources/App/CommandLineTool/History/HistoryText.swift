import Foundation
import Foundations
import History

/// Meetings and messages as lines of text.
enum HistoryText {
  static func summary(_ meeting: MeetingSummary, _ times: TimeText = TimeText()) -> String {
    let title = DisplayText.line(meeting.title, limit: 64, otherwise: "Meeting")
    let counts =
      "\(count(meeting.messages, "message")), \(count(meeting.members, "member"))"
    let seen = times.text(meeting.lastSeen, "yyyy-MM-dd HH:mm")
    return "\(meeting.id)  \(seen)  \(title)  (\(counts))"
  }

  static func count(_ number: Int, _ noun: String, _ plural: String? = nil) -> String {
    "\(number) \(number == 1 ? noun : plural ?? noun + "s")"
  }

  /// - Parameter titles: for a heading wherever the meeting or the day changes.
  static func lines(_ messages: [Message], titles: [MeetingID: String]) -> [String] {
    var lines: [String] = []
    // Of several meetings the titles may be the same.
    var last: (meeting: MeetingID, day: String)?
    let times = TimeText()
    let shown = Dictionary(
      messages.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    for message in messages {
      let day = times.text(message.time, "EEEE, d MMMM yyyy")
      if last.map({ $0 != (message.meeting, day) }) ?? true {
        if last != nil { lines.append("") }
        let title = DisplayText.line(
          titles[message.meeting] ?? "", limit: 64, otherwise: "Meeting")
        lines.append("\(title) · \(day)")
        last = (message.meeting, day)
      }
      lines += Self.lines(message, times, answering: message.target.flatMap { shown[$0] })
    }
    return lines
  }

  /// As wide as the time before each message: what belongs to it stands under its text.
  private static let indent = String(repeating: " ", count: 9)

  /// - Parameter target: what it answers, where that is shown too.
  private static func lines(
    _ message: Message, _ times: TimeText, answering target: Message?
  ) -> [String] {
    let name = DisplayText.line(message.name, limit: 64, otherwise: "somebody")
    let mark = message.isContradicted ? " (contradicts itself)" : ""
    let parts = DisplayText.lines(
      sentence(message, name: name + mark, answering: target)
    ).split(
      separator: "\n", omittingEmptySubsequences: false)
    var lines = ["\(times.text(message.time, "HH:mm:ss")) \(parts[0])"]
    lines += parts.dropFirst().map { $0.isEmpty ? "" : indent + "  " + $0 }
    for answer in message.answers {
      let names = answer.names.isEmpty ? "" : "  (\(answer.names.joined(separator: ", ")))"
      lines.append("\(indent)  \(answer.names.count) × \(answer.text)\(names)")
    }
    if !message.reactions.isEmpty {
      let given = message.reactions.map { "\($0.emoji) \($0.names.joined(separator: ", "))" }
      lines.append("\(indent)  \(given.joined(separator: "   "))")
    }
    return lines
  }

  private static func sentence(
    _ message: Message, name: String, answering quoted: Message?
  ) -> String {
    let edited = message.isEdited ? " (edited)" : ""
    switch message.kind {
    case "reply":
      return "\(name)\(address(message, quoted)): \(message.text)\(edited)"
    case "poll": return "\(name) asks: \(message.text)\(edited)"
    case "hand": return "\(name) \(message.text == "raised" ? "raised a hand" : "lowered a hand")"
    case "moderation": return "\(name) \(message.text)"
    case "file": return "\(name) offered the file \(message.text)"
    case "deleted": return "\(name) deleted what stood here"
    case "joined": return "\(name) came"
    case "left": return "\(name) left"
    case _: return "\(name): \(message.text)\(edited)"
    }
  }

  /// Whom and what it answers.
  private static func address(_ message: Message, _ quoted: Message?) -> String {
    guard let quoted else {
      return message.target.map { " (to \($0.description.prefix(8)))" } ?? ""
    }
    let name = DisplayText.line(quoted.name, limit: 64, otherwise: "somebody")
    let text = DisplayText.line(quoted.text, limit: 2 * quotation)
    let isLong = text.count > quotation
    let words = isLong ? text.prefix(quotation - 1) + "…" : text
    return words.isEmpty ? " (to \(name))" : " (to \(name), “\(words)”)"
  }

  /// Letters of what is answered: enough to know it again.
  private static let quotation = 40
}
