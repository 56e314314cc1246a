import ArgumentParser
import Foundation
import Foundations
import History
import Meeting

struct HistoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Meetings and messages kept on this computer.",
    discussion: """
      Without options: the meetings, the latest first. It may be used while a meeting runs.
      """)

  @Option(help: "Show the messages of this meeting: its identifier, or “latest”.")
  var meeting: String?

  @Option(help: "Show the messages with these words.")
  var search: String?

  @Flag(help: "Print a SHA-256 over the meeting's ordered log: equal for all who have everything.")
  var hash = false

  @Flag(help: "One JSON object a line.")
  var json = false

  @Option(help: "At most this many messages, the newest.")
  var limit: Int = 1000

  @Option(help: ArgumentHelp("Where key and history are kept.", valueName: "directory"))
  var dataDir: String?

  func validate() throws {
    guard (1...1_000_000).contains(limit) else {
      throw ValidationError("--limit takes a number from 1 to 1000000.")
    }
  }

  func run() async throws {
    do {
      try await show()
    } catch let failure as Failure {
      if json {
        JSONEventPrinter().print(.failed(failure))
      } else {
        LineWriter(descriptor: STDERR_FILENO).write("Error: \(failure.message)")
      }
      throw ExitCode(failure.exit.rawValue)
    }
  }

  private func show() async throws {
    let output = LineWriter(descriptor: STDOUT_FILENO)
    let directory =
      dataDir ?? DataDirectory.standardPath(environment: ProcessInfo.processInfo.environment)
    let path = directory + "/history.sqlite"
    guard FileManager.default.fileExists(atPath: path) else {
      throw Failure(
        "no-history", exit: .noInput,
        "No meeting has been kept in \(directory) yet. Host or join one first.")
    }
    let store = try HistoryStore(reading: path)
    if hash {
      let id = try await identifier(meeting ?? "latest", in: store)
      output.write(try await store.hash(of: id)?.hexadecimal ?? "")
    } else if meeting != nil || search != nil {
      var id: MeetingID?
      if let meeting { id = try await identifier(meeting, in: store) }
      for message in try await store.messages(meeting: id, search: search, limit: limit) {
        output.write(json ? MessageRow(message).json : Self.line(message))
      }
    } else {
      let meetings = try await store.meetings()
      for meeting in meetings { output.write(json ? MeetingRow(meeting).json : Self.line(meeting)) }
    }
    await store.close()
    try output.finish()
  }

  private func identifier(
    _ text: String, in store: HistoryStore
  ) async throws(Failure) -> MeetingID {
    let meetings = try await store.meetings()
    if text == "latest", let latest = meetings.first { return latest.id }
    let matches = meetings.filter {
      text.count >= 4 && $0.id.description.hasPrefix(text.lowercased())
    }
    guard matches.count == 1 else {
      throw Failure(
        "no-such-meeting", exit: .noInput,
        "No one meeting here is called \(DisplayText.line(text, limit: 40)). "
          + "Run virtue history to see them all.")
    }
    return matches[0].id
  }

  private static func line(_ message: Message) -> String {
    let text = DisplayText.lines(message.text).replacingOccurrences(of: "\n", with: "\n    ")
    return "\(Self.date(message.time))  \(DisplayText.line(message.name, limit: 64)): \(text)"
  }

  private static func line(_ meeting: MeetingSummary) -> String {
    let title = DisplayText.line(meeting.title, limit: 64, otherwise: "Meeting")
    return "\(meeting.id)  \(date(meeting.lastSeen))  \(title)  "
      + "(\(meeting.messages) messages, \(meeting.members) members)"
  }

  static func date(_ time: WallTime) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyy-MM-dd HH:mm:ss"
    return formatter.string(from: Date(timeIntervalSince1970: time.seconds))
  }
}

private struct MessageRow: Encodable {
  let id, meeting, member, name, kind, text: String
  let time: Double

  init(_ message: Message) {
    id = "\(message.id)"
    meeting = "\(message.meeting)"
    member = "\(message.author)"
    name = message.name
    kind = message.kind
    text = message.text
    time = message.time.seconds
  }
}

private struct MeetingRow: Encodable {
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

extension Encodable {
  /// One object on one line.
  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else {
      preconditionFailure("a value that JSON can't hold: \(self)")
    }
    return String(decoding: data, as: UTF8.self)
  }
}
