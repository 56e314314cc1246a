import Chat
import Foundation
import Foundations
import Testing
import Wire

/// Twenty members under every fault at once, first for safety and then for liveness.
@Suite("Conversation under faults")
struct FaultTests {
  /// `VIRTUE_WORLDS` asks for more of them, `VIRTUE_SEED` for one.
  static let seeds: Range<UInt64> = {
    let environment = ProcessInfo.processInfo.environment
    if let seed = environment["VIRTUE_SEED"].flatMap(UInt64.init) { return seed..<seed + 1 }
    return 0..<(environment["VIRTUE_WORLDS"].flatMap(UInt64.init) ?? 4)
  }()

  @Test(
    "Whatever crashes at whatever write, all end with one history and lose nothing acknowledged",
    arguments: seeds)
  func everything(seed: UInt64) {
    var world = World(members: 20, seed: seed)
    world.crashAtWrite = 0.01
    world.loss = 0.1
    world.duplication = 0.05
    world.act(40, over: .seconds(20))
    world.fault(12, over: .seconds(20))
    world.runThroughFaults()
    let kept = Set(world.members[0].log.ordered.map(\.hash))
    let lost = world.acknowledged.subtracting(kept)
    #expect(lost.isEmpty, "seed \(seed): \(lost.count) of \(world.acknowledged.count) lost")
    #expect(!world.acknowledged.isEmpty, "seed \(seed): nothing was said")
    #expect(world.crashes > 0, "seed \(seed): nothing went wrong")
  }

  @Test(
    "Whoever hears of a removal when, all count the same of what the removed member signs",
    arguments: seeds)
  func removed(seed: UInt64) {
    var world = World(members: 12, seed: seed &+ 5000)
    world.crashAtWrite = 0.01
    world.loss = 0.1
    world.act(60, over: .seconds(20))
    world.remove(4, over: .seconds(15))
    world.fault(6, over: .seconds(20))
    world.runThroughFaults()
    let log = world.members[0].log
    for (key, ends) in world.ends {
      let counted = log.counted.filter { $0.authorKey == key }
      let last = ends.compactMap { if case .after(let last) = $0 { log.entry(last) } else { nil } }
      #expect(ends.contains(.beforeAll) ? counted.isEmpty : true, "seed \(seed)")
      #expect(counted.count <= last.map { Int($0.sequence) }.min() ?? 0, "seed \(seed)")
    }
  }

  @Test(
    "Members that were restored from an older copy fetch their logs and don't contradict themselves",
    arguments: 0..<6 as Range<UInt64>)
  func restored(seed: UInt64) {
    var world = World(members: 5, seed: seed)
    world.act(60, over: .seconds(30))
    for time in 1...6 {
      // Between its lines, when others have all that it said.
      world.run(until: seconds(Double(time) * 5))
      world.restore(time)
    }
    world.run(until: seconds(120))
    world.expectOneHistory()
    for member in world.members {
      #expect(world.members.allSatisfy { !$0.log.isEquivocator(member.log.me) }, "seed \(seed)")
    }
  }

  @Test("The same seed gives the same run")
  func repeatable() {
    let runs = (0..<2).map { _ in
      var world = World(members: 6, seed: 7)
      world.crashAtWrite = 0.05
      world.loss = 0.1
      world.act(20, over: .seconds(10))
      world.fault(5, over: .seconds(10))
      world.run(until: seconds(40))
      return world.members.map { [$0.shown, $0.stored.map(\.hash)] }
    }
    let isSame = runs[0] == runs[1]
    #expect(isSame)
  }
}
