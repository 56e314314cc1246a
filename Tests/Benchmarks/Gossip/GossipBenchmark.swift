import ArgumentParser
import Foundations
import Gossip
import Simulation

/// The overlay and its broadcasts, in the deterministic simulator.
struct GossipBenchmark: AsyncParsableCommand {
  enum Part: String, CaseIterable, ExpressibleByArgument {
    case topology, broadcast, failures, startup, churn, suspicion, speed
  }

  static let configuration = CommandConfiguration(
    commandName: "gossip",
    abstract: "Overlays and broadcasts of up to 10,000 simulated members.",
    discussion: """
      Figures at the paper's degree 5, and at the degrees that the program uses. A cycle is the time \
      between two shuffles; links take 1 to 10 ms one way.
      """)

  @Option(help: "Members of the meeting; several sizes with commas.")
  var sizes = "50,500,10000"

  @Option(help: "Runs of each, with seeds of their own.")
  var seeds = 3

  @Option(help: "Builds of each size for the start-up.")
  var builds = 200

  @Option(help: "Broadcasts after a failure.")
  var messages = 300

  @Option(help: "What to measure; all without.")
  var parts: [Part] = []

  func run() async throws {
    let counts = sizes.split(separator: ",").compactMap { Int($0) }
    guard !counts.isEmpty else { throw ValidationError("no size in \"\(sizes)\"") }
    for part in parts.isEmpty ? Part.allCases : parts {
      var report = Report("Gossip: \(part.rawValue)")
      switch part {
      case .topology: measureTopology(counts, into: &report)
      case .broadcast: measureBroadcasts(counts, into: &report)
      case .failures: measureFailures(counts, into: &report)
      case .startup: measureStartup(into: &report)
      case .churn: measureChurn(counts, into: &report)
      case .suspicion: measureSuspicion(counts, into: &report)
      case .speed: measureSpeed(into: &report)
      }
      Progress.end()
      report.print()
    }
  }

  /// The paper's degree, and the program's where that is another.
  func degrees(of count: Int) -> [Int] {
    let own = HyParViewBounds.activeView(ofMeetingOf: count)
    return own == 5 ? [5] : [5, own]
  }

  /// Ten milliseconds between joiners in a crowd would take minutes: a big meeting comes in a tenth.
  static func world(_ count: Int, degree: Int, seed: Int) -> OverlayWorld {
    OverlayWorld.joined(
      count, degree: degree, seed: UInt64(seed), spread: .milliseconds(count > 1000 ? 1 : 10),
      checks: false)
  }
}

/// So many values of one figure, by its name.
struct Samples {
  private var order: [String] = []
  private var values: [String: (values: [Double], unit: String, aim: String?)] = [:]

  mutating func add(_ name: String, _ value: Double, _ unit: String, aim: String? = nil) {
    if values[name] == nil {
      order.append(name)
      values[name] = ([], unit, aim)
    }
    values[name]?.values.append(value)
  }

  /// The means.
  func report(as prefix: String, into report: inout Report) {
    for name in order {
      guard let (values, unit, aim) = values[name] else { continue }
      report.add(
        "\(prefix): \(name)", values.reduce(0, +) / Double(values.count), unit, aim: aim)
    }
  }
}
