import Foundations
import Gossip
import Simulation
import Testing

/// Safety first, with every fault there is, then liveness: left in peace, the overlay is whole again and
/// broadcasts reach everybody.
@Suite("An overlay of many members")
struct OverlayTests {
  private static let bounds: OverlayBounds = {
    var bounds = OverlayBounds()
    // Shorter than the program's, so that a simulated minute sees more of them.
    bounds.view.cycle = .seconds(2)
    return bounds
  }()

  private func world(_ count: Int, seed: UInt64, degree: Int = 5) -> OverlayWorld {
    OverlayWorld.joined(count, degree: degree, seed: seed, bounds: Self.bounds)
  }

  /// The liveness phase.
  private func expectWhole(_ world: OverlayWorld, after limit: Duration, seed: UInt64) {
    let peace = world.now
    while world.components().count > 1, world.now - peace < limit { world.run(for: .seconds(1)) }
    #expect(world.components().count == 1, "seed \(seed): \(world.components())")
    world.run(for: .seconds(5))
    let honest = world.nodes.indices.filter { world.nodes[$0].isAlive && !world.nodes[$0].isLiar }
    var numbers: [Int] = []
    for node in honest.prefix(5) {
      numbers.append(world.broadcast(from: node))
      world.run(for: .milliseconds(300))
    }
    world.run(for: .seconds(5))
    for number in numbers {
      #expect(world.reliability(of: number) == 1, "seed \(seed)")
    }
    #expect(world.problems.isEmpty, "seed \(seed): \(world.problems.prefix(3))")
  }

  @Test("The same seed gives the same run, and another seed another one")
  func repeats() {
    let traces = ([7, 7, 8] as [UInt64]).map { seed in
      let world = world(60, seed: seed)
      world.network.loss = 0.05
      world.crash(3)
      world.broadcast(from: 0)
      world.run(for: .seconds(20))
      return world.trace
    }
    #expect(traces[0] == traces[1])
    #expect(traces[0] != traces[2])
  }

  @Test("Everybody gets every broadcast, and hardly anybody gets one twice", arguments: seeds(6))
  func spreads(seed: UInt64) {
    let count = [2, 5, 9, 12, 30, 60][Int(seed % 6)]
    let degree = HyParViewBounds.activeView(ofMeetingOf: count)
    let world = world(count, seed: seed, degree: degree)
    for number in 0..<20 {
      world.broadcast(from: number % min(count, 3))
      world.run(for: .milliseconds(300))
    }
    world.run(for: .seconds(3))
    for number in 0..<20 { #expect(world.reliability(of: number) == 1, "seed \(seed)") }
    let late = world.broadcasts.suffix(5).map(\.redundancy)
    #expect(late.allSatisfy { $0 < 0.05 }, "seed \(seed): \(late)")
    #expect(world.topology().isConnected)
    #expect(world.problems.isEmpty, "seed \(seed): \(world.problems.prefix(3))")
  }

  @Test(
    "Messages lost, doubled and overtaking each other, skewed clocks and slow members: once that ends, all is well",
    arguments: seeds(3))
  func survivesFaults(seed: UInt64) {
    var chance = SeededGenerator(seed: seed ^ 0xFA17)
    let world = OverlayWorld(seed: seed, bounds: Self.bounds)
    for index in 0..<30 {
      let node = world.add(
        capacity: 5,
        clock: SkewedClock(
          offset: .seconds(Int64.random(in: 0...1_000_000, using: &chance)),
          drift: Int64.random(in: -200...200, using: &chance)),
        slowness: index % 7 == 0 ? .milliseconds(150) : .zero)
      if index > 0 { world.join(node, through: Int.random(in: 0..<index, using: &chance)) }
      world.run(for: .milliseconds(50))
    }
    world.network.loss = 0.1
    world.network.duplication = 0.05
    world.network.reordering = 0.1
    for _ in 0..<20 {
      let node = Int.random(in: 0..<30, using: &chance)
      switch Int.random(in: 0..<3, using: &chance) {
      case 0 where world.nodes.count(where: \.isAlive) > 20: world.crash(node)
      case 1 where !world.nodes[node].isAlive:
        world.restart(node, capacity: 5)
        world.join(node, through: (node + 1) % 30)
      case _: if world.nodes[node].isAlive { world.broadcast(from: node) }
      }
      world.run(for: .milliseconds(Int64.random(in: 10...1500, using: &chance)))
    }
    world.network.loss = 0
    world.network.duplication = 0
    world.network.reordering = 0
    expectWhole(world, after: .seconds(30), seed: seed)
  }

  @Test(
    "Both sides of a partition, one-way or whole, are one again once it heals", arguments: seeds(3))
  func heals(seed: UInt64) {
    let world = world(30, seed: seed)
    world.part({ $0 % 2 == 0 }, hearing: [nil, 0, 1][Int(seed % 3)])
    world.run(for: .seconds(60))
    #expect(world.components().count >= 2, "seed \(seed)")
    world.heal()
    expectWhole(world, after: .seconds(30), seed: seed)
  }

  @Test("Most may fail at once, and the rest find together", arguments: seeds(3))
  func survivesFailures(seed: UInt64) {
    let world = world(60, seed: seed)
    world.network.breaksAtOnce = seed % 2 == 0
    for node in (0..<60).shuffled(using: &world.chance).prefix(seed % 3 == 0 ? 54 : 48) {
      world.crash(node)
    }
    for node in world.nodes.indices.filter({ world.nodes[$0].isAlive }) {
      world.broadcast(from: node)
      world.run(for: .milliseconds(50))
    }
    expectWhole(world, after: .seconds(20), seed: seed)
  }

  @Test("Joining through anybody at all leaves nobody out", arguments: seeds(8))
  func joinsAnyhow(seed: UInt64) {
    let count = [7, 12, 20, 30][Int(seed % 4)]
    let world = OverlayWorld(seed: seed, bounds: Self.bounds)
    for _ in 0..<count { _ = world.add(capacity: 5) }
    for node in 0..<count {
      let contact = (node + Int.random(in: 1..<count, using: &world.chance)) % count
      world.join(node, through: contact)
      world.run(for: .milliseconds(20))
    }
    expectWhole(world, after: .seconds(24), seed: seed)
  }

  @Test("Members that lie don't cut honest ones off from each other", arguments: seeds(2))
  func survivesLiars(seed: UInt64) {
    let world = OverlayWorld(seed: seed, bounds: Self.bounds)
    for index in 0..<40 {
      let node = world.add(capacity: 5, isLiar: index % 10 == 9)
      if index > 0 {
        let honest = (0..<index).filter { !world.nodes[$0].isLiar }
        world.join(node, through: honest.randomElement(using: &world.chance)!)
      }
      world.run(for: .milliseconds(20))
    }
    world.run(for: .seconds(30))
    expectWhole(world, after: .seconds(30), seed: seed)
  }
}
