import ArgumentParser
import Foundation
import LabSupport

/// One file to several members at once, on the lab's wire: what it costs its sender.
struct FilesBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "files",
    abstract: "What the sender of a file sends, and how long it takes until all have it.")

  @Option(help: "Members beside the sender.")
  var members = 10

  @Option(help: "Size of the file.")
  var megabytes = 100

  func run() async throws {
    try await Lab.run(hosts: members + 1) { lab in
      let sender = try Participant(
        "Sender", ["host", "Lab", "--uses", "\(members + 1)"], in: lab, on: 1, media: [],
        seconds: 600)
      let code = try await sender.code
      var receivers: [Participant] = []
      for number in 1...members {
        receivers.append(
          try Participant(
            "Member\(number)", ["join", code], in: lab, on: number + 1, media: [], seconds: 600))
      }
      for number in 1...members {
        try await sender.sees("member-joined") { $0.name == "Member\(number)" }
      }
      let path = "\(lab.directory)/file.bin"
      try await lab.shell("head -c \(megabytes)000000 /dev/urandom > \(path)", on: 1)
      sender.say("/send \(path)")
      for receiver in receivers { try await receiver.sees("chat") { $0.chatKind == "file" } }
      let before = try await sent(lab)
      let start = ContinuousClock.now
      for receiver in receivers { receiver.say("/accept file.bin") }
      let content = try Data(contentsOf: URL(fileURLWithPath: path))
      var equal = 0
      for receiver in receivers {
        let event = try await receiver.sees("file", within: .seconds(500)) {
          $0.state == "complete"
        }
        if let place = event.path,
          try Data(contentsOf: URL(fileURLWithPath: place)) == content
        {
          equal += 1
        }
      }
      let seconds = Double((ContinuousClock.now - start).components.seconds)
      let ratio = Double(try await sent(lab) - before) / Double(content.count)
      var report = Report("A file of \(megabytes) MB to \(members) members")
      report.add("sent by its sender, in files", ratio, "×", aim: "at most 2.5")
      report.add("until all have it", seconds, "s")
      report.add("members with the same bytes", Double(equal), "", aim: "\(members)")
      report.print()
    }
  }

  /// Bytes that the sender's interface has sent.
  private func sent(_ lab: Lab) async throws -> Int {
    let child = try lab.start(
      ["ip", "-s", "-j", "link", "show", "eth0"], on: 1)
    child.endInput()
    _ = try await child.exit(within: .seconds(10))
    let text = await child.output.lines.map(\.text).joined()
    guard let range = text.range(of: "\"tx\":{\"bytes\":") else { return 0 }
    return Int(text[range.upperBound...].prefix { $0.isNumber }) ?? 0
  }
}
