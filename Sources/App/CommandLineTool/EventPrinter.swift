import ArgumentParser
import Foundation
import Foundations
import Meeting
import Roster
import Synchronization

protocol EventPrinter: Sendable {
  func print(_ event: MeetingEvent)
  /// Leaves the terminal as it was; nothing is printed afterwards.
  func finish()
  /// - Throws: status 74 when some of the events could not be written.
  func confirm() throws
}

/// Whole lines on a file descriptor, never mixed with one another.
final class LineWriter: Sendable {
  let descriptor: Int32
  private let error = Mutex<Int32?>(nil)

  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// A reader that went away is not the meeting's end: what can't be written is dropped. A full disk
  /// is told of on standard error, once.
  func write(_ line: String) { put(line + "\n") }

  func put(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return failed(errno) }
      bytes = bytes.dropFirst(count)
    }
  }

  private func failed(_ number: Int32) {
    let isFirst = error.withLock { error in
      defer { error = number }
      return error == nil
    }
    guard isFirst, number != EPIPE, descriptor != STDERR_FILENO else { return }
    let reason = String(cString: strerror(number))
    LineWriter(descriptor: STDERR_FILENO).write("Error: The output can't be written: \(reason).")
  }

  /// For a command whose output is all that it is for.
  /// - Throws: status 74 when some of it could not be written.
  func finish() throws {
    guard let number = error.withLock({ $0 }), number != EPIPE else { return }
    throw ExitCode(ExitStatus.inputOutput.rawValue)
  }
}

/// One JSON object a line: the contract that scripts rely on, held by `events.schema.json`.
struct JSONEventPrinter: EventPrinter {
  private let output = LineWriter(descriptor: STDOUT_FILENO)

  func print(_ event: MeetingEvent) {
    output.write(EventRecord(event: event, time: HostClock().wallTime()).json)
  }

  func finish() {}

  func confirm() throws { try output.finish() }
}

/// Events as sentences for somebody who reads along.
final class TextEventPrinter: EventPrinter {
  private let output = LineWriter(descriptor: STDOUT_FILENO)
  private let errors = LineWriter(descriptor: STDERR_FILENO)
  private let names = Mutex<[PeerID: String]>([:])
  private let times = TimeText()
  private let progress = Mutex(Progress())
  /// Where somebody types, the terminal has shown the line already.
  private let showsOwnLines = isatty(STDIN_FILENO) == 0

  /// Of what is under way: bars where they can be drawn, and else some lines.
  private struct Progress {
    var bars = ProgressBars()
    var steps = ProgressSteps()
  }

  func confirm() throws { try output.finish() }

  func finish() { _ = progress.withLockIfAvailable { output.put($0.bars.end()) } }

  func print(_ event: MeetingEvent) {
    switch event {
    case .invite(let code, let link, let uses, let expires):
      printInvite(code: code, link: link, uses: uses, expires: expires)
    case .joined(_, _, let title, let securityWords):
      output.write("You are in “\(title)”. Type to chat; /help prints the commands; Ctrl-C leaves.")
      if let securityWords {
        output.write("Security words, the same on the inviter's screen: \(securityWords)")
      }
    case .admitted(_, let name, let words):
      output.write("  \(name) came by your code; security words: \(words)")
    case .memberJoined(let member, let name):
      names.withLock { $0[member] = name }
      output.write("→ \(name) is here.")
    case .memberLeft(_, let name, .left): output.write("← \(name) left.")
    case .memberLeft(_, let name, .removed): output.write("← \(name) was removed.")
    case .memberLeft(_, let name, .lost): output.write("← \(name) can't be reached any more.")
    case .connected(let member, _, _, let remote):
      output.write("  Media flows to \(name(of: member)) (\(remote)).")
    case .firstFrame(let member, let time, _):
      output.write(
        "  First picture from \(name(of: member)), \(Int(time.milliseconds)) ms after the start.")
    case .chat(let line):
      // A poll is told of all the same: votes need its number.
      guard !line.isOwn || showsOwnLines || line.isPoll else { break }
      let time = time(of: line, now: HostClock().wallTime())
      let columns = Terminal.size(of: STDOUT_FILENO)?.columns
      let text = WrappedText.wrap(time + Self.sentence(line), columns: columns)
      output.write(columns == nil ? text : Self.emphasise(line.name, after: time, in: text))
    case .file(let report): print(report)
    case .reading(let reading): print(reading)
    case .hand(_, let name, true): output.write("✋ \(name) raises a hand.")
    case .hand(_, let name, false): output.write("✋ \(name)'s hand is down.")
    case .statistics: break
    case .cameraSelected(let camera, _): output.write("◉ Camera \(camera) is looked at.")
    case .recording(let path, _): output.write("● Recording to \(path)")
    case .help(let commands, let remark):
      (commands.map { "\($0.usage): \($0.meaning)." } + [remark]).forEach(say)
    case .warning(_, let message): errors.write("Warning: \(message)")
    case .failed(let failure): errors.write("Error: \(failure.message)")
    case .left: output.write("You left.")
    }
  }

  private func name(of member: PeerID) -> String {
    names.withLock { $0[member] } ?? "somebody"
  }

  private func print(_ report: FileReport) {
    let subject = ProgressBars.Subject.fetching(report.file)
    progress.withLock { progress in
      guard report.state == .fetching else {
        end(subject, in: &progress)
        return say(report.sentence)
      }
      // Where only its place isn't found yet there is nothing more to watch.
      guard report.bytes < report.total || report.isAnswer else {
        return end(subject, in: &progress)
      }
      tell(report.progress, of: subject, isAnswer: report.isAnswer, in: &progress)
    }
  }

  private func print(_ reading: FileReading) {
    let subject = ProgressBars.Subject.reading(reading.number)
    progress.withLock { progress in
      switch reading.state {
      case .reading: tell(reading.progress, of: subject, isAnswer: false, in: &progress)
      case .cancelled:
        end(subject, in: &progress)
        say("⇧ \(reading.name)  cancelled")
      // That it is offered, or why it isn't, is told of anyway.
      case .read, .failed: end(subject, in: &progress)
      }
    }
  }

  /// - Parameter isAnswer: whether somebody has asked how far it is.
  private func tell(
    _ text: ProgressText, of subject: ProgressBars.Subject, isAnswer: Bool,
    in progress: inout Progress
  ) {
    let size = Terminal.size(of: STDOUT_FILENO)
    let line = size.flatMap { text.line(columns: $0.columns) }
    if let size {
      let terminal = ProcessInfo.processInfo.environment["TERM"]
      if ProgressBars.fits(rows: size.rows, terminal: terminal), let line {
        return output.put(progress.bars.show(line, of: subject, rows: size.rows))
      }
      // The window may have been larger.
      output.put(progress.bars.remove(subject, rows: size.rows))
    }
    guard progress.steps.isNews(text.bytes, of: text.total, on: subject) || isAnswer else { return }
    say(line ?? text.sentence)
  }

  private func end(_ subject: ProgressBars.Subject, in progress: inout Progress) {
    progress.steps.end(subject)
    guard let size = Terminal.size(of: STDOUT_FILENO) else { return }
    output.put(progress.bars.remove(subject, rows: size.rows))
  }

  private func say(_ sentence: String) {
    let columns = Terminal.size(of: STDOUT_FILENO)?.columns
    output.write(WrappedText.wrap(sentence, columns: columns))
  }

  /// Bold (SGR 1 and 22), as nothing that people write can be: who calls themselves “Warning”, or puts a
  /// colon into their name, speaks for nobody else.
  private static func emphasise(_ name: String, after time: String, in text: String) -> String {
    guard text.hasPrefix(time + name) else { return text }
    return "\(time)\u{1B}[1m\(name)\u{1B}[22m\(text.dropFirst(time.count + name.count))"
  }

  /// When it was said, if that wasn't just now: who comes late is given all that was.
  private func time(of line: ChatLine, now: WallTime) -> String {
    let age = now.seconds - line.sent.seconds
    guard age > 60 else { return "" }
    return times.text(line.sent, age > 43_200 ? "yyyy-MM-dd HH:mm" : "HH:mm") + "  "
  }

  private static func sentence(_ line: ChatLine) -> String {
    func short(_ id: EntryID) -> Substring { id.description.prefix(8) }
    let name = line.name
    switch line.kind {
    // The number is what /reply and /react take.
    case .text: return "\(name): \(line.text)  #\(short(line.id))"
    case .reply(let target):
      return "\(name) (to #\(short(target))): \(line.text)  #\(short(line.id))"
    case .edit(let target): return "\(name) edits #\(short(target)): \(line.text)"
    case .delete(let target): return "\(name) deletes #\(short(target))."
    case .reaction(let target, false): return "\(name) reacts to #\(short(target)): \(line.text)"
    case .reaction(let target, true):
      return "\(name) takes \(line.text) back from #\(short(target))."
    case .poll(let options):
      let answers = options.enumerated().map { "\n\($0 + 1)  \($1)" }.joined()
      return "\(name) asks (vote with /vote \(short(line.id)) NUMBER): \(line.text)\(answers)"
    case .vote(let poll, let options):
      let choice = options.map(String.init).joined(separator: ", ")
      return "\(name) votes in #\(short(poll)): \(choice.isEmpty ? "nothing" : choice)"
    case .moderation: return "\(name) \(line.text)."
    case .file:
      return "\(name) offers \(line.text)  (fetch it with /accept \(short(line.id)))"
    }
  }

  private func printInvite(code: String, link: String, uses: Int, expires: WallTime) {
    output.write("")
    // Before the words, which a low window would else no longer show.
    if isatty(STDOUT_FILENO) == 1, let code = QRCode(link) {
      code.lines.forEach { output.write("  " + $0) }
      output.write("")
    }
    output.write("  Others join with:  virtue join \(code)")
    output.write("  or the link        \(link)")
    let minutes = Int((expires.seconds - HostClock().wallTime().seconds + 30) / 60)
    let life = minutes >= 120 ? "\(minutes / 60) hours" : "\(max(minutes, 1)) minutes"
    output.write("  Good for \(uses) people and \(life).")
    output.write("")
  }
}

extension ChatLine {
  fileprivate var isPoll: Bool {
    if case .poll = kind { true } else { false }
  }
}
