import Foundations
import Simulation

extension GossipBenchmark {
  func measureTopology(_ counts: [Int], into report: inout Report) {
    for count in counts {
      for degree in degrees(of: count) {
        var samples = Samples()
        for seed in 0..<seeds {
          Progress.say("topology: \(count) members, degree \(degree), seed \(seed)")
          let topology = Self.world(count, degree: degree, seed: seed).topology(sources: 500)
          samples.add("components", Double(topology.components.count), "", aim: "1")
          let isPaper = count == 10_000 && degree == 5
          samples.add(
            "clustering coefficient ×1000", topology.clustering * 1000, "",
            aim: isPaper ? "0.92 in the paper" : nil)
          samples.add(
            "average shortest path", topology.averagePath, "links",
            aim: isPaper ? "6.385 in the paper" : nil)
          let all = topology.degrees.map { Double($0.key * $0.value) }.reduce(0, +)
          samples.add("mean degree", all / Double(count), "neighbours")
          samples.add("least degree", Double(topology.degrees.keys.min() ?? 0), "neighbours")
          samples.add("largest degree", Double(topology.degrees.keys.max() ?? 0), "neighbours")
          samples.add(
            "with a full view", 100 * Double(topology.degrees[degree] ?? 0) / Double(count), "%")
        }
        samples.report(as: "n = \(count), degree \(degree)", into: &report)
      }
    }
  }

  func measureBroadcasts(_ counts: [Int], into report: inout Report) {
    for count in counts {
      for degree in degrees(of: count) {
        var samples = Samples()
        for seed in 0..<seeds {
          Progress.say("broadcast: \(count) members, degree \(degree), seed \(seed)")
          let world = Self.world(count, degree: degree, seed: seed)
          measure(world, count: count, degree: degree, into: &samples)
        }
        samples.report(as: "n = \(count), degree \(degree)", into: &report)
      }
    }
  }

  /// One sender first, a second apart, then ten others in turn.
  private func measure(
    _ world: OverlayWorld, count: Int, degree: Int, into samples: inout Samples
  ) {
    func send(from node: Int) -> OverlayWorld.BroadcastRecord {
      let number = world.broadcast(from: node)
      world.run(for: .seconds(1))
      return world.broadcasts[number]
    }
    let first = send(from: 0)
    samples.add("redundancy of the first broadcast", first.redundancy, "")
    samples.add("last hop of the first broadcast", Double(first.lastHop), "links")
    for _ in 0..<20 { _ = send(from: 0) }
    let steady = (0..<20).map { _ in send(from: 0) }
    let all = steady.map(\.redundancy).reduce(0, +) / Double(steady.count)
    samples.add("redundancy in the steady state", all, "", aim: "0.00")
    let bound = mooreBound(count, degree: degree)
    samples.add(
      "last hop in the steady state, at most", Double(steady.map(\.lastHop).max() ?? 0), "links",
      aim: "at most \(bound + 4): Moore bound \(bound) + 4")
    samples.add(
      "last delivery in the steady state, median",
      steady.map(\.time.milliseconds).quantile(0.5), "ms")
    samples.add(
      "i-haves a node and broadcast",
      Double(steady.map(\.announcements).reduce(0, +)) / Double(steady.count * count), "")
    let senders = (0..<10).map { $0 * count / 10 }
    for node in senders { _ = send(from: node) }
    let many = (0..<4).flatMap { _ in senders.map { send(from: $0) } }
    samples.add(
      "redundancy, ten senders", many.map(\.redundancy).reduce(0, +) / Double(many.count), "")
    samples.add(
      "last hop, ten senders, median", many.map { Double($0.lastHop) }.quantile(0.5), "links")
    samples.add(
      "last delivery, ten senders, median", many.map(\.time.milliseconds).quantile(0.5), "ms")
    let missed = world.broadcasts.indices.count { world.reliability(of: $0) < 1 }
    samples.add("broadcasts that somebody missed", Double(missed), "", aim: "0")
  }

  /// The least diameter of any graph of so many nodes and this degree (Hoffman, Singleton 1960).
  private func mooreBound(_ count: Int, degree: Int) -> Int {
    var (reached, ring, distance) = (1, degree, 0)
    while reached < count {
      reached += ring
      ring *= degree - 1
      distance += 1
    }
    return distance
  }
}
