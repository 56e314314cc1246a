import Foundation
import Foundations
import History

/// A message as it stands in JSON.
struct MessageRow: Encodable {
  let id, meeting, member, name, kind, text: String
  let time: Double
  let edited, contradicted: Bool?
  let target: String?
  let reactions: [Given]?
  let answers: [Given]?

  /// A reaction or an answer, and who gave it.
  struct Given: Encodable {
    let text: String
    let names: [String]
  }

  init(_ message: Message) {
    id = "\(message.id)"
    meeting = "\(message.meeting)"
    member = "\(message.author)"
    name = message.name
    kind = message.kind
    text = message.text
    time = message.time.seconds
    // What is not so is left out: most messages are plain.
    edited = message.isEdited ? true : nil
    contradicted = message.isContradicted ? true : nil
    target = message.target?.description
    reactions =
      message.reactions.isEmpty
      ? nil : message.reactions.map { Given(text: $0.emoji, names: $0.names) }
    answers =
      message.answers.isEmpty
      ? nil : message.answers.map { Given(text: $0.text, names: $0.names) }
  }
}

struct MeetingRow: Encodable {
  let meeting, title: String
  let firstJoined, lastSeen: Double
  let messages, members: Int

  init(_ summary: MeetingSummary) {
    meeting = "\(summary.id)"
    title = summary.title
    firstJoined = summary.firstJoined.seconds
    lastSeen = summary.lastSeen.seconds
    messages = summary.messages
    members = summary.members
  }
}

struct HashRow: Encodable {
  let meeting, sha256: String
}

extension Encodable {
  /// One object on one line.
  var json: String { json([.sortedKeys, .withoutEscapingSlashes]) }

  func json(_ formatting: JSONEncoder.OutputFormatting) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting
    guard let data = try? encoder.encode(self) else {
      preconditionFailure("a value that JSON can't hold: \(self)")
    }
    return String(decoding: data, as: UTF8.self)
  }
}
