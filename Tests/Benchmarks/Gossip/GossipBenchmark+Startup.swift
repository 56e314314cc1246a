import Foundations
import Gossip
import Simulation

extension GossipBenchmark {
  private static let startupSizes = [7, 10, 20, 50, 100, 200, 500, 1000, 2000]

  /// Everybody starts within a second and joins through somebody at random, started or not: what mDNS
  /// gives. In parts after twelve cycles is in parts for good, by the textbook.
  func measureStartup(into report: inout Report) {
    for count in Self.startupSizes {
      for isTextbook in [true, false] {
        var parted = 0
        var bounds = OverlayBounds()
        if isTextbook { bounds.view.rendezvousCycles = 0 }
        Progress.say(
          "start-up: \(builds) of \(count), \(isTextbook ? "textbook" : "with the cure")")
        for seed in 0..<builds {
          let world = OverlayWorld(seed: UInt64(seed), bounds: bounds, checks: false)
          for _ in 0..<count { _ = world.add(capacity: 5) }
          for node in (0..<count).shuffled(using: &world.chance) {
            var contact = Int.random(in: 0..<count - 1, using: &world.chance)
            if contact >= node { contact += 1 }
            world.join(node, through: contact)
            world.run(for: .seconds(1) / count)
          }
          world.run(for: bounds.view.cycle * 12)
          if world.components().count > 1 { parted += 1 }
        }
        report.add(
          "n = \(count), \(isTextbook ? "textbook" : "with the cure"): in parts, of \(builds)",
          Double(parted), "builds", aim: isTextbook ? nil : "0")
      }
    }
  }

  func measureChurn(_ counts: [Int], into report: inout Report) {
    for count in counts {
      for degree in degrees(of: count) {
        for percent in [1, 10] {
          var samples = Samples()
          for seed in 0..<seeds {
            Progress.say(
              "churn: \(count) members, degree \(degree), \(percent) % a second, seed \(seed)")
            churn(Self.world(count, degree: degree, seed: seed), percent, degree, into: &samples)
          }
          samples.report(
            as: "n = \(count), degree \(degree), \(percent) % a second", into: &report)
        }
      }
    }
  }

  /// For 100 s members crash and others come; each comes back a second later, knowing nothing.
  private func churn(
    _ world: OverlayWorld, _ percent: Int, _ degree: Int, into samples: inout Samples
  ) {
    let count = world.nodes.count
    let steps = max(count * percent / 100, 1)
    var reliabilities: [Double] = []
    var sent: [Int] = []
    var gone: [[Int]] = []
    for second in 0..<100 {
      if sent.count > 2 { reliabilities.append(100 * world.reliability(of: sent[second - 3])) }
      var crashed: [Int] = []
      for step in 0..<steps {
        let alive = world.nodes.indices.filter { world.nodes[$0].isAlive }
        if let victim = alive.randomElement(using: &world.chance), count > steps || step == 0 {
          world.crash(victim)
          crashed.append(victim)
        }
        world.run(for: .milliseconds(900) / steps)
      }
      gone.append(crashed)
      if gone.count > 1 {
        for node in gone.removeFirst() {
          world.restart(node, capacity: degree)
          let alive = world.nodes.indices.filter { world.nodes[$0].isAlive && $0 != node }
          world.join(node, through: alive.randomElement(using: &world.chance)!)
        }
      }
      world.run(for: .milliseconds(100))
      let alive = world.nodes.indices.filter { world.nodes[$0].isAlive }
      sent.append(world.broadcast(from: alive.randomElement(using: &world.chance)!))
    }
    samples.add(
      "mean reliability", reliabilities.reduce(0, +) / Double(reliabilities.count), "%")
    samples.add("least reliability", reliabilities.min() ?? 100, "%")
    world.run(for: HyParViewBounds().cycle * 2)
    samples.add("components two cycles later", Double(world.components().count), "", aim: "1")
  }

  func measureSpeed(into report: inout Report) {
    let clock = HostClock()
    let began = clock.now()
    let processor = clock.processorTime()
    let world = Self.world(10_000, degree: 5, seed: 0)
    for index in 0..<300 {
      world.broadcast(from: index * 33)
      world.run(for: .milliseconds(100))
    }
    world.run(for: .seconds(2))
    report.add(
      "10,000 nodes built, 300 broadcasts", (clock.now() - began).inSeconds, "s",
      aim: "under 120")
    report.add("processor time", (clock.processorTime() - processor).inSeconds, "s")
    report.add("events", Double(world.counts.events) / 1e6, "million")
  }
}
