import Foundation
import Foundations
import History

/// Meetings and messages as lines of text.
enum HistoryText {
  static func summary(_ meeting: MeetingSummary) -> String {
    let title = DisplayText.line(meeting.title, limit: 64, otherwise: "Meeting")
    let counts =
      "\(count(meeting.messages, "message")), \(count(meeting.members, "member"))"
    return "\(meeting.id)  \(format(meeting.lastSeen, "yyyy-MM-dd HH:mm"))  \(title)  (\(counts))"
  }

  private static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }

  /// - Parameter titles: for a heading wherever the meeting or the day changes.
  static func lines(_ messages: [Message], titles: [MeetingID: String]) -> [String] {
    var lines: [String] = []
    var heading = ""
    for message in messages {
      let title = DisplayText.line(
        titles[message.meeting] ?? "", limit: 64, otherwise: "Meeting")
      let next = "\(title) · \(format(message.time, "EEEE, d MMMM yyyy"))"
      if next != heading {
        if !heading.isEmpty { lines.append("") }
        lines.append(next)
        heading = next
      }
      lines += Self.lines(message)
    }
    return lines
  }

  /// As wide as the time before each message: what belongs to it stands under its text.
  private static let indent = String(repeating: " ", count: 9)

  private static func lines(_ message: Message) -> [String] {
    let name = DisplayText.line(message.name, limit: 64, otherwise: "somebody")
    let mark = message.isContradicted ? " (contradicts itself)" : ""
    let parts = DisplayText.lines(sentence(message, name: name + mark)).split(
      separator: "\n", omittingEmptySubsequences: false)
    var lines = ["\(format(message.time, "HH:mm:ss")) \(parts[0])"]
    lines += parts.dropFirst().map { indent + "  " + $0 }
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

  private static func sentence(_ message: Message, name: String) -> String {
    let edited = message.isEdited ? " (edited)" : ""
    switch message.kind {
    case "reply":
      let target = message.target.map { " (to \($0.description.prefix(8)))" } ?? ""
      return "\(name)\(target): \(message.text)\(edited)"
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

  static func format(_ time: WallTime, _ format: String) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = format
    return formatter.string(from: Date(timeIntervalSince1970: time.seconds))
  }
}
