import ArgumentParser
import Foundation
import LabSupport

/// Whether a long call costs more memory than a short one.
struct GrowthBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "growth",
    abstract: "What memory a long call of three takes, minute by minute.")

  @Option(help: "How long, in minutes.")
  var minutes = 10

  func run() async throws {
    var report = Report("Memory over \(minutes) minutes, three hosts at 640×360 with chat")
    try await Lab.run(hosts: 3) { lab in
      let media = ["--camera", "pattern", "--resolution", "640x360", "--microphone", "tone"]
      let seconds = minutes * 60 + 120
      let host = try Participant(
        "Ada", ["host", "Lab"], in: lab, on: 1, media: media, seconds: seconds)
      let code = try await host.code
      var all = [host]
      for (index, name) in ["Ben", "Cleo"].enumerated() {
        all.append(
          try Participant(
            name, ["join", code], in: lab, on: index + 2, media: media, seconds: seconds))
      }
      for one in all { try await one.sees("first-frame") }
      let start = ContinuousClock.now
      var figures: [String: [Double]] = [:]
      for minute in 1...minutes {
        for one in all { one.say("minute \(minute) of \(one.name)") }
        for one in all {
          let row = try await one.sees(
            "statistics", within: .seconds(90), after: start + .seconds(60 * minute))
          figures[one.name, default: []].append(Double(row.residentBytes ?? 0) / 1_048_576)
        }
        print("minute \(minute): \(figures.mapValues { $0.last ?? 0 })")
      }
      for one in all {
        let values = figures[one.name] ?? []
        report.add("\(one.name), after a minute", values.first ?? .nan, "MiB")
        report.add("\(one.name), at the end", values.last ?? .nan, "MiB")
        report.add("\(one.name), peak", Double(one.peakMemory ?? 0) / 1_048_576, "MiB")
      }
      for one in all.reversed() { _ = try await one.leave() }
    }
    report.print()
  }
}
