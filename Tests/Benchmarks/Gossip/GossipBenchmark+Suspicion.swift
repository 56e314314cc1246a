import Foundations
import Simulation

extension GossipBenchmark {
  /// More would verify signatures for hours: each member checks those of all who come.
  private static let mostWholeMembers = 500
  /// Beyond it a tenth of all members a second makes so many frames that they take hours.
  private static let mostInStorm = 100

  /// Whole members, signatures and all, not only their overlays.
  func measureSuspicion(_ counts: [Int], into report: inout Report) {
    for count in Set(counts.map { min($0, Self.mostWholeMembers) }).sorted() {
      for percent in count > Self.mostInStorm ? [0, 1] : [0, 1, 10] {
        var samples = Samples()
        for seed in 0..<seeds {
          suspect(count, percent, seed: seed, into: &samples)
        }
        samples.report(as: "n = \(count), \(percent) % a second", into: &report)
      }
    }
  }

  /// For 100 s members crash, each of them back in another run five seconds later, when all have missed it.
  private func suspect(_ count: Int, _ percent: Int, seed: Int, into samples: inout Samples) {
    let title = "suspicion: \(count) members, \(percent) % a second, seed \(seed)"
    let world = MeetingWorld(seed: UInt64(seed))
    for number in 1...count { _ = world.add(Identity(number)) }
    Progress.say("\(title): joining")
    for host in 1..<count {
      world.join(host, through: Int.random(in: 0..<host, using: &world.chance))
      world.run(for: .milliseconds(20))
    }
    world.run(for: .seconds(20))
    let (accused, lost) = (world.falseAccusations, world.falseLosses)
    world.forgetSent()
    var gone: [[Int]] = []
    var runs = [UInt8](repeating: 0, count: count)
    for second in 0..<100 {
      if second % 20 == 0 { Progress.say("\(title): second \(second) of 100") }
      var crashed: [Int] = []
      // One per cent of fifty is one every other second.
      let steps = (second + 1) * count * percent / 100 - second * count * percent / 100
      for _ in 0..<steps {
        let alive = world.hosts.indices.filter { world.hosts[$0].isRunning }
        let victim = alive.randomElement(using: &world.chance)!
        world.crash(victim)
        crashed.append(victim)
        world.run(for: .seconds(1) / steps)
      }
      if steps == 0 { world.run(for: .seconds(1)) }
      gone.append(crashed)
      guard gone.count > 5 else { continue }
      for host in gone.removeFirst() {
        runs[host] &+= 1
        let alive = world.hosts.indices.filter { world.hosts[$0].isRunning }
        world.restart(host, as: Identity(host + 1, run: runs[host]))
        world.join(host, through: alive.randomElement(using: &world.chance)!)
      }
    }
    let memberSeconds = Double(count) * 100
    samples.add(
      "sent", Double(world.sent.values.reduce(0) { $0 + $1.bytes }) / memberSeconds,
      "bytes per member and second")
    samples.add(
      "asked directly", Double(world.probes) * 60 / memberSeconds, "times per member and minute")
    samples.add("dialled", Double(world.dials) * 60 / memberSeconds, "times per member and minute")
    let memberHours = Double(count) * 100 / 3600
    samples.add(
      "accused though there", Double(world.falseAccusations - accused) / memberHours,
      "per member and hour")
    samples.add(
      "taken for lost though there", Double(world.falseLosses - lost) / memberHours,
      "by each other, per member and hour")
  }
}
