import ArgumentParser
import Foundation
import LabSupport

/// A meeting of real processes without media: what the simulation claims, on the lab's wires.
struct ProcessesBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crowd",
    abstract: "A meeting of many headless members: joining, word getting round, idling, failing.")

  @Option(help: "Members, the host included.")
  var members = 30

  @Option(help: "Hosts of the lab that they are spread over.")
  var hosts = 10

  @Option(help: "Seconds that the members are left idle for.")
  var idle = 20

  func run() async throws {
    var report = Report("A crowd of \(members) on \(hosts) hosts, no media")
    try await Lab.run(hosts: hosts) { lab in
      let crowd = try await gather(in: lab, into: &report)
      try await speak(crowd, into: &report)
      try await measureIdle(in: lab, into: &report)
      try await fail(crowd, into: &report)
    }
    report.print()
  }

  private func gather(in lab: Lab, into report: inout Report) async throws -> [Participant] {
    let host = try Participant(
      "M0", ["host", "Lab", "--uses", "\(members)"], in: lab, on: 1, media: [], seconds: 600)
    let code = try await host.code
    var crowd = [host]
    let began = ContinuousClock.now
    for number in 1..<members {
      crowd.append(
        try Participant(
          "M\(number)", ["join", code], in: lab, on: number % hosts + 1, media: [], seconds: 600))
    }
    var whole: [Double] = []
    for member in crowd {
      var last = began
      for other in crowd where other.name != member.name {
        let seen: Event
        do {
          seen = try await member.sees("member-joined", within: .seconds(60)) {
            $0.name == other.name
          }
        } catch {
          let errors = await other.events.filter { $0.kind == "error" }.compactMap(\.message)
          throw LabError(
            description: "\(member.name) never saw \(other.name), which said: \(errors)")
        }
        last = max(last, seen.arrived)
      }
      whole.append((last - began) / .seconds(1))
    }
    report.add("until all see all", whole.max() ?? 0, "s", aim: "at most 20")
    report.add("taken for lost meanwhile", Double(await losses(of: crowd)), "events", aim: "0")
    return crowd
  }

  /// Lines of several members; the time until the last has one is what counts.
  private func speak(_ crowd: [Participant], into report: inout Report) async throws {
    // Links are still being exchanged for better ones when everybody is there at last.
    try await Task.sleep(for: .seconds(5))
    var every: [Double] = []
    var last: [Double] = []
    for number in 0..<20 {
      let speaker = crowd[number * 7 % crowd.count]
      let text = "line \(number)"
      let said = ContinuousClock.now
      speaker.say(text)
      var times: [Double] = []
      for listener in crowd where listener.name != speaker.name {
        let heard = try await listener.sees("chat") { $0.text == text }
        times.append((heard.arrived - said) / .milliseconds(1))
      }
      every += times
      last.append(times.max() ?? 0)
    }
    report.add(distribution: "from a line typed to it printed elsewhere", every, "ms")
    report.add(
      "until everybody has it, median of \(last.count)", last.quantile(0.5), "ms",
      aim: "under 100")
  }

  /// What TCP carried for the programs: TLS records, no headers below.
  private func measureIdle(in lab: Lab, into report: inout Report) async throws {
    /// Bytes sent so far, by the addresses of each connection.
    func sent() async throws -> [String: Int] {
      var counts: [String: Int] = [:]
      for host in 1...hosts {
        let child = try lab.start(["ss", "-tinHO"], on: host)
        _ = try await child.exit(within: .seconds(20))
        for line in await child.output.lines {
          let words = line.text.split(separator: " ")
          guard words.count > 5,
            let sent = words.first(where: { $0.hasPrefix("bytes_sent:") })
          else { continue }
          counts["\(words[3]) \(words[4])"] = Int(sent.dropFirst("bytes_sent:".count))
        }
      }
      return counts
    }
    // What was said last is compared once more within some seconds.
    try await Task.sleep(for: .seconds(12))
    let before = try await sent()
    let began = ContinuousClock.now
    try await Task.sleep(for: .seconds(idle))
    let after = try await sent()
    let seconds = (ContinuousClock.now - began) / .seconds(1)
    // Links that ended meanwhile are left out; what new ones sent counts whole.
    let bytes = after.map { $0.value - (before[$0.key] ?? 0) }.reduce(0, +)
    report.add(
      "an idle member sends over its links", Double(bytes) / seconds / Double(members),
      "bytes a second", aim: "below 2000")
    report.add(
      "links opened while idle", Double(after.keys.count { before[$0] == nil }) / 2, "links")
    report.add("links a member", Double(after.count) / Double(members), "links")
  }

  private func fail(_ crowd: [Participant], into report: inout Report) async throws {
    let killed = ContinuousClock.now
    crowd[members - 1].kill9()
    var delays: [Double] = []
    for member in crowd.dropLast() {
      let lost = try await member.sees("member-left", within: .seconds(30), after: killed) {
        $0.name == "M\(members - 1)"
      }
      delays.append((lost.arrived - killed) / .seconds(1))
    }
    report.add(distribution: "until a killed member is missed", delays, "s")

    let hung = ContinuousClock.now
    crowd[members - 2].suspend()
    delays = []
    for member in crowd.dropLast(2) {
      let lost = try await member.sees("member-left", within: .seconds(30), after: hung) {
        $0.name == "M\(members - 2)"
      }
      delays.append((lost.arrived - hung) / .seconds(1))
    }
    report.add(distribution: "until a hung member is missed", delays, "s")
    let resumed = ContinuousClock.now
    crowd[members - 2].resume()
    delays = []
    for member in crowd.dropLast(2) {
      let back = try await member.sees("member-joined", within: .seconds(60), after: resumed) {
        $0.name == "M\(members - 2)"
      }
      delays.append((back.arrived - resumed) / .seconds(1))
    }
    report.add(distribution: "until it is back", delays, "s")
    let all = await losses(of: crowd.dropLast(2)) - 2 * (members - 2)
    report.add("others taken for lost", Double(all), "events", aim: "0")
  }

  private func losses(of crowd: [Participant]) async -> Int {
    var count = 0
    for member in crowd {
      count += await member.events.count { $0.kind == "member-left" && $0.reason == "lost" }
    }
    return count
  }
}
