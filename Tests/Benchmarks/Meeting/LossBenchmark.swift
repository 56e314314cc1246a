import ArgumentParser
import Foundation
import LabSupport

/// A process killed with `kill -9`: how soon the others say so.
struct LossBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "killed",
    abstract: "How soon the others tell of a member whose process was killed.")

  @Option(help: "How often somebody is killed.")
  var runs = 10

  func run() async throws {
    var delays: [Double] = []
    var returns: [Double] = []
    try await Lab.run(hosts: 3) { lab in
      let host = try Participant(
        "Ada", ["host", "Lab"], in: lab, on: 1, seconds: 60 + runs * 20)
      let code = try await host.code
      let other = try Participant(
        "Ben", ["join", code], in: lab, on: 2, seconds: 60 + runs * 20)
      try await other.sees("first-frame")
      var victim = try Participant("Cleo", ["join", code], in: lab, on: 3)
      for _ in 0..<runs {
        let joined = ContinuousClock.now
        for one in [host, other] {
          try await one.sees("first-frame", after: joined - .seconds(3))
        }
        try await victim.sees("first-frame")
        let killed = ContinuousClock.now
        victim.kill9()
        for one in [host, other] {
          let left = try await one.sees("member-left", after: killed) { $0.name == "Cleo" }
          delays.append((left.arrived - killed) / .milliseconds(1))
        }
        let returned = ContinuousClock.now
        victim = try Participant(
          "Cleo", ["join"], in: lab, on: 3, dataDirectory: victim.dataDirectory)
        let frame = try await victim.sees("first-frame")
        returns.append(Double(frame.milliseconds ?? 0))
        for one in [host, other] { try await one.sees("first-frame", after: returned) }
      }
      for one in [victim, other, host] { _ = try await one.leave() }
    }
    var report = Report("A member killed with SIGKILL, three hosts")
    report.add(distribution: "until the others say so", delays, "ms", aim: "at most 3000")
    report.add(distribution: "coming back without a code, to the first picture", returns, "ms")
    report.print()
  }
}
