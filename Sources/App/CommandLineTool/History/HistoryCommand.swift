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
      Without options: the meetings, the latest first. It may be used while a meeting runs, except \
      to forget one.
      """)

  @Option(
    help: ArgumentHelp(
      "Show the messages of this meeting: its identifier, at least four digits of its beginning, or "
        + "“latest”."))
  var meeting: String?

  @Option(help: "Show the messages with these words; those in quotation marks, side by side.")
  var search: String?

  @Option(
    help: ArgumentHelp(
      "Show what was said since then: 2026-05-31, 2026-05-31T14:30, today, yesterday, or how long "
        + "ago: 90m, 2h, 3d.", valueName: "time"))
  var since: String?

  @Flag(help: "Show who came and went, too.")
  var attendance = false

  @Flag(help: "Print a SHA-256 over the meeting's ordered log: equal for all who have everything.")
  var hash = false

  @Flag(help: "One JSON object a line.")
  var json = false

  @Option(help: "At most this many messages, the newest. (default: 1000; an export has all)")
  var limit: Int?

  @Option(
    help: ArgumentHelp(
      "Write a meeting, the latest unless --meeting says which, to a file that ends in .txt, .json or "
        + ".html.", valueName: "file"))
  var export: String?

  @Flag(help: "Let --export replace a file that is there.")
  var force = false

  @Option(help: ArgumentHelp("Delete a meeting and all that was said in it.", valueName: "meeting"))
  var forget: String?

  @Flag(help: "Let --forget delete without asking.")
  var yes = false

  @Option(help: ArgumentHelp("Where key and history are kept.", valueName: "directory"))
  var dataDir: DirectoryArgument?

  /// More than any list is read to the end.
  private static let listed = 1000
  private static let most = 1_000_000

  func validate() throws {
    guard (1...Self.most).contains(limit ?? 1) else {
      throw ValidationError("--limit takes a number from 1 to \(Self.most).")
    }
    try validateCombination()
    if let since, TimeArgument.time(since, now: Date()) == nil {
      throw ValidationError(
        "--since takes a date like 2026-05-31 or 2026-05-31T14:30, today, yesterday, or how long ago "
          + "as in 90m, 2h, 3d.")
    }
    if let export, ExportFormat(path: export) == nil {
      throw ValidationError("--export takes a file that ends in .txt, .json or .html.")
    }
  }

  /// An option that would change nothing was meant to.
  private func validateCombination() throws {
    guard [hash, export != nil, forget != nil].count(where: { $0 }) <= 1 else {
      throw ValidationError("Use one of --hash, --export and --forget at a time.")
    }
    let choosing = [
      ("--search", search != nil), ("--since", since != nil), ("--limit", limit != nil),
    ]
    let idle: [(name: String, isGiven: Bool)]
    let use: String
    switch (hash, export, forget) {
    case (true, _, _):
      (idle, use) = (choosing + [("--attendance", attendance)], "--hash is over a whole meeting")
    case (_, _, _?):
      (idle, use) = (
        choosing + [("--attendance", attendance), ("--meeting", meeting != nil)],
        "--forget names its meeting itself, and deletes all of it"
      )
    case (_, _?, _): (idle, use) = ([("--attendance", attendance)], "an export always has it")
    case _:
      let isList = meeting != nil || search != nil || since != nil
      (idle, use) = (
        isList ? [] : [("--limit", limit != nil), ("--attendance", attendance)],
        "it goes with --meeting, --search or --since"
      )
    }
    if let needless = idle.first(where: \.isGiven) {
      throw ValidationError("\(needless.name) does nothing here: \(use).")
    }
    guard !force || export != nil else { throw ValidationError("--force goes with --export.") }
    guard !yes || forget != nil else { throw ValidationError("--yes goes with --forget.") }
  }

  func run() async throws {
    let output = LineWriter(descriptor: STDOUT_FILENO)
    do throws(Failure) {
      try await carryOut(output)
    } catch {
      if json {
        JSONEventPrinter().print(.failed(error))
      } else {
        LineWriter(descriptor: STDERR_FILENO).write("Error: \(error.message)")
      }
      throw ExitCode(error.exit.rawValue)
    }
    try output.finish()
  }

  private func carryOut(_ output: LineWriter) async throws(Failure) {
    let directory = dataDirectory(dataDir)
    let path = directory + "/history.sqlite"
    // What can't be looked at may be there.
    guard access(path, F_OK) == 0 || ![ENOENT, ENOTDIR].contains(errno) else {
      throw Failure(
        "no-history", exit: .noInput,
        "No meeting has been kept in \(directory) yet. Host or join one first.")
    }
    if let forget {
      try await Forgetting(directory: directory, isAgreed: yes, json: json).run(forget)
      return
    }
    let store = try HistoryStore(reading: path)
    if hash {
      let meeting = try await store.meeting(named: meeting ?? "latest")
      let sum = try await store.hash(of: meeting.id)?.hexadecimal ?? ""
      output.write(json ? HashRow(meeting: "\(meeting.id)", sha256: sum).json : sum)
    } else if let export {
      try await write(to: export, from: store, output)
    } else if meeting != nil || search != nil || since != nil {
      try await list(from: store, output)
    } else {
      let meetings = try await store.meetings()
      let times = TimeText()
      for meeting in meetings {
        output.write(json ? MeetingRow(meeting).json : HistoryText.summary(meeting, times))
      }
      if meetings.isEmpty { remark("No meeting is kept in \(directory).") }
    }
    await store.close()
  }

  private var sinceTime: WallTime? {
    since.flatMap { TimeArgument.time($0, now: Date()) }
      .map { WallTime(milliseconds: Int64($0.timeIntervalSince1970 * 1000)) }
  }

  /// To somebody who reads along: what goes to a script stays empty.
  private func remark(_ text: String) {
    if !json { LineWriter(descriptor: STDERR_FILENO).write(text) }
  }

  private func list(
    from store: HistoryStore, _ output: LineWriter
  ) async throws(Failure) {
    var id: MeetingID?
    if let meeting { id = try await store.meeting(named: meeting).id }
    let messages = try await store.messages(
      meeting: id, search: search, since: sinceTime, attendance: attendance,
      limit: limit ?? Self.listed)
    guard !json else {
      for message in messages { output.write(MessageRow(message).json) }
      return
    }
    if messages.isEmpty {
      let isWhole = search == nil && since == nil
      remark(isWhole ? "Nothing was said in this meeting." : "Nothing that is kept here fits that.")
    }
    var titles: [MeetingID: String] = [:]
    for meeting in try await store.meetings() { titles[meeting.id] = meeting.title }
    for line in HistoryText.lines(messages, titles: titles) { output.write(line) }
  }

  private func write(
    to path: String, from store: HistoryStore, _ output: LineWriter
  ) async throws(Failure) {
    let summary = try await store.meeting(named: meeting ?? "latest")
    let messages = try await store.messages(
      meeting: summary.id, search: search, since: sinceTime, attendance: true,
      limit: limit ?? Self.most)
    guard !messages.isEmpty || (search == nil && since == nil) else {
      throw Failure(
        "nothing-fits", exit: .noInput,
        "Nothing that was said in “\(DisplayText.line(summary.title, limit: 200))” fits that, and nothing "
          + "was written. --meeting names another meeting.")
    }
    let record = MeetingExport(
      meeting: summary, messages: messages,
      hash: try await store.hash(of: summary.id)?.hexadecimal ?? "")
    // Checked with the arguments.
    guard let format = ExportFormat(path: path) else { return }
    try ExportFile.write(record.text(as: format), to: path, replacing: force)
    guard !json else { return }
    let entries = HistoryText.count(record.messages.count, "entry", "entries")
    output.write("\(entries) of “\(record.title)” written to \(path).")
  }
}

extension HistoryStore {
  /// The one meeting that `text` names: its identifier, at least four digits of its beginning, or
  /// "latest".
  func meeting(named text: String) throws(Failure) -> MeetingSummary {
    let meetings = try meetings()
    if text == "latest" {
      guard let latest = meetings.first else {
        throw Failure("no-such-meeting", exit: .noInput, "No meeting is kept here.")
      }
      return latest
    }
    let digits = text.lowercased()
    let name = DisplayText.line(text, limit: 40)
    guard digits.count >= 4, digits.allSatisfy(\.isHexDigit) else {
      throw noSuchMeeting(
        "“\(name)” names no meeting: give the beginning of its identifier, at least four digits, or latest."
      )
    }
    let matches = meetings.filter { $0.id.description.hasPrefix(digits) }
    guard let match = matches.first else {
      throw noSuchMeeting("No meeting here has an identifier that begins with \(name).")
    }
    guard matches.count == 1 else {
      throw noSuchMeeting(
        "Several meetings have identifiers that begin with \(name). Give more digits.")
    }
    return match
  }

  private nonisolated func noSuchMeeting(_ sentence: String) -> Failure {
    Failure(
      "no-such-meeting", exit: .noInput,
      sentence + " Run virtue history to see all with their identifiers.")
  }
}
