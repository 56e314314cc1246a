import ArgumentParser
import Foundation
import LabSupport

/// From starting `virtue join` to the first decoded picture of the host, on the lab's wire.
struct JoinBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "join",
    abstract: "How long joining takes, and where the time goes.")

  @Option(help: "How often somebody joins.")
  var runs = 20

  @Flag(help: "With an Avahi daemon on each host; without, the responder inside the program.")
  var avahi = false

  /// In the order in which they are reached; each is named after what it ends.
  private static let steps = [
    ("opened", "start of the program"), ("found", "discovery"), ("connected", "admission stream"),
    ("admitted", "PAKE"), ("link", "link"), ("gathered", "gathering"), ("ice", "ICE"),
    ("dtls", "DTLS"), ("frame", "first keyframe"),
  ]

  func run() async throws {
    var totals: [Double] = []
    var parts: [String: [Double]] = [:]
    try await Lab.run(hosts: 2, responder: avahi ? .avahi : .none) { lab in
      let host = try Participant(
        "Ada", ["host", "Lab", "--uses", "\(runs + 1)"], in: lab, on: 1,
        media: CallMedia.arguments(seed: 1), seconds: 60 + runs * 10)
      let code = try await host.code
      for run in 0..<runs {
        let joiner = try Participant(
          "Joiner\(run)", ["join", code], in: lab, on: 2, media: CallMedia.arguments(seed: 2))
        let frame = try await joiner.sees("first-frame")
        totals.append(Double(frame.milliseconds ?? 0))
        let steps = frame.steps.sorted { $0.value < $1.value }
        print(
          "\(run + 1) reached, in ms: "
            + steps.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
        var before = 0
        for (step, name) in Self.steps {
          guard let reached = frame.steps[step] else { continue }
          parts[name, default: []].append(Double(reached - before))
          before = reached
        }
        _ = try await joiner.leave()
        try await host.sees("member-left") { $0.name == joiner.name }
      }
      _ = try await host.leave()
    }
    var report = Report(
      "Joining, \(avahi ? "with Avahi's daemon" : "without a daemon"), 1280×720")
    report.add(
      distribution: "from the start to the first picture", totals, "ms", aim: "at most 1500")
    for (_, name) in Self.steps {
      report.add("of it \(name), median", parts[name, default: []].quantile(0.5), "ms")
    }
    report.print()
  }
}

/// What participants send to each other while they are measured.
enum CallMedia {
  static let (width, height, framesPerSecond) = (1280, 720, 30)

  static func arguments(seed: UInt64) -> [String] {
    [
      "--camera", "pattern:\(seed)", "--resolution", "\(width)x\(height)", "--microphone", "tone",
    ]
  }
}
