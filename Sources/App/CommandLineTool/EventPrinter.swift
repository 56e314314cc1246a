import Foundation
import Foundations
import Meeting
import Roster
import Synchronization

protocol EventPrinter: Sendable {
  func print(_ event: MeetingEvent)
}

/// Whole lines on a file descriptor, never mixed with one another.
struct LineWriter: Sendable {
  let descriptor: Int32

  /// A reader that went away is not the meeting's end: what can't be written is dropped.
  func write(_ line: String) {
    var bytes = Array((line + "\n").utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}

/// One JSON object a line: the contract that scripts rely on, held by `events.schema.json`.
struct JSONEventPrinter: EventPrinter {
  private let output = LineWriter(descriptor: STDOUT_FILENO)

  func print(_ event: MeetingEvent) {
    output.write(EventRecord(event: event, time: HostClock().wallTime()).json)
  }
}

/// Events as sentences for somebody who reads along.
struct TextEventPrinter: EventPrinter {
  let showsStatistics: Bool
  private let output = LineWriter(descriptor: STDOUT_FILENO)
  private let errors = LineWriter(descriptor: STDERR_FILENO)

  init(showsStatistics: Bool) {
    self.showsStatistics = showsStatistics
  }

  func print(_ event: MeetingEvent) {
    switch event {
    case .invite(let code, let link, let uses, let expires):
      printInvite(code: code, link: link, uses: uses, expires: expires)
    case .joined(_, _, let title, let securityWords):
      output.write("You are in “\(title)”. Type to chat; Ctrl-C leaves.")
      if let securityWords {
        output.write("Security words, the same on the inviter's screen: \(securityWords)")
      }
    case .admitted(_, let name, let words):
      output.write("  \(name) came by your code; security words: \(words)")
    case .memberJoined(_, let name): output.write("→ \(name) is here.")
    case .memberLeft(_, let name, .left): output.write("← \(name) left.")
    case .memberLeft(_, let name, .removed): output.write("← \(name) was removed.")
    case .memberLeft(_, let name, .lost): output.write("← \(name) can't be reached any more.")
    case .connected(let member, _, _, let remote):
      output.write("  Media flows to \(member.description.prefix(8)) (\(remote)).")
    case .firstFrame(let member, let time, _):
      output.write(
        "  First picture from \(member.description.prefix(8)) after "
          + "\(Int(time.milliseconds)) ms.")
    case .chat(let line): output.write("\(line.name): \(line.text)")
    case .statistics(let statistics):
      if showsStatistics, isatty(STDOUT_FILENO) == 1 { draw(statistics) }
    case .recording(let path, _): output.write("● Recording to \(path)")
    case .warning(_, let message): errors.write("Warning: \(message)")
    case .failed(let failure): errors.write("Error: \(failure.message)")
    case .left: output.write("You left.")
    }
  }

  private func printInvite(code: String, link: String, uses: Int, expires: WallTime) {
    output.write("")
    output.write("  Others join with:  virtue join \(code)")
    output.write("  or the link        \(link)")
    let minutes = Int((expires.seconds - HostClock().wallTime().seconds + 30) / 60)
    let life = minutes >= 120 ? "\(minutes / 60) hours" : "\(max(minutes, 1)) minutes"
    output.write("  Good for \(uses) people and \(life).")
    if isatty(STDOUT_FILENO) == 1, let code = QRCode(link) {
      output.write("")
      code.lines.forEach { output.write("  " + $0) }
    }
    output.write("")
  }

  private func draw(_ statistics: MeetingStatistics) {
    for member in statistics.members where member.received.framesPerSecond > 0 {
      let flow = member.received
      let latency = member.captureToDisplay.map { ", \(Int($0.milliseconds)) ms" } ?? ""
      output.write(
        "  \(member.name): \(flow.width)×\(flow.height), "
          + "\(Int(flow.framesPerSecond.rounded())) fps, \(flow.bitrate.bitsPerSecond / 1000) kbit/s"
          + latency)
    }
  }
}
