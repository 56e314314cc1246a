import Foundations
package import Gossip

extension OverlayWorld {
  /// `count` nodes, each of which joins through a random one of those before it, and the time that views
  /// take to settle.
  package static func joined(
    _ count: Int, degree: Int, seed: UInt64, network: Network = .init(),
    bounds: OverlayBounds = .init(), spread: Duration = .milliseconds(10),
    settling cycles: Int = 6, checks: Bool = true
  ) -> OverlayWorld {
    let world = OverlayWorld(seed: seed, network: network, bounds: bounds, checks: checks)
    for index in 0..<count {
      let node = world.add(capacity: degree)
      if index > 0 {
        world.join(node, through: Int.random(in: 0..<index, using: &world.chance))
      }
      world.run(for: spread)
    }
    world.run(for: bounds.view.cycle * cycles)
    return world
  }
}
