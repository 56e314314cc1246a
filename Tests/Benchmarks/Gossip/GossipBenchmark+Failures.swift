import Foundations
import Gossip
import Simulation

extension GossipBenchmark {
  private static let shares = [10, 30, 50, 70, 80, 90, 95]

  func measureFailures(_ counts: [Int], into report: inout Report) {
    for count in counts {
      for degree in degrees(of: count) {
        var samples: [String: Samples] = [:]
        var order: [String] = []
        for seed in 0..<seeds {
          let whole = Self.world(count, degree: degree, seed: seed)
          // A tree first.
          for _ in 0..<5 {
            whole.broadcast(from: 0)
            whole.run(for: .seconds(1))
          }
          for breaksAtOnce in [true, false] {
            for share in Self.shares {
              let name =
                "\(share) % failed, breaks noticed \(breaksAtOnce ? "at once" : "on sending")"
              if samples[name] == nil { order.append(name) }
              Progress.say("failures: \(count) members, degree \(degree), seed \(seed), \(name)")
              let world = OverlayWorld(copying: whole)
              world.network.breaksAtOnce = breaksAtOnce
              fail(
                share, in: world, degree: degree, breaksAtOnce,
                into: &samples[name, default: Samples()])
            }
          }
        }
        for name in order {
          samples[name]?.report(as: "n = \(count), degree \(degree), \(name)", into: &report)
        }
      }
    }
  }

  private func fail(
    _ share: Int, in world: OverlayWorld, degree: Int, _ breaksAtOnce: Bool,
    into samples: inout Samples
  ) {
    let count = world.nodes.count
    let gone = (1..<count).shuffled(using: &world.chance).prefix(count * share / 100)
    for node in gone { world.crash(node) }
    let failed = world.now
    let isAimed = degree == 5 && count == 10_000 && breaksAtOnce
    var healed: Double?
    var numbers: [Int] = []
    let alive = world.nodes.indices.filter { world.nodes[$0].isAlive }
    let cycle = HyParViewBounds().cycle
    for index in 0..<messages {
      numbers.append(world.broadcast(from: alive.randomElement(using: &world.chance)!))
      world.run(for: .milliseconds(100))
      if healed == nil, index % 5 == 4, world.components().count <= 1 {
        healed = (world.now - failed).inSeconds / cycle.inSeconds
      }
    }
    while healed == nil, world.now - failed < cycle * 60 {
      world.run(for: cycle / 10)
      if world.components().count <= 1 {
        healed = (world.now - failed).inSeconds / cycle.inSeconds
      }
    }
    world.run(for: .seconds(2))
    let reliabilities = numbers.map { 100 * world.reliability(of: $0) }
    samples.add("reliability of the first broadcast", reliabilities.first ?? 100, "%")
    samples.add(
      "mean reliability of \(messages)", reliabilities.reduce(0, +) / Double(reliabilities.count),
      "%", aim: isAimed && share == 80 ? "100.00" : nil)
    let aim = isAimed ? [90: "at most 2", 95: "at most 10"][share] : nil
    samples.add("healed after", healed ?? .infinity, "cycles", aim: aim)
  }
}
