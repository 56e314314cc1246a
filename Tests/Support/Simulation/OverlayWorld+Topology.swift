import Foundations
import Gossip

/// What an overlay looks like from above.
package struct Topology: Sendable {
  /// Sizes of connected components, the largest first.
  package let components: [Int]
  /// Watts and Strogatz: how many of a node's neighbours are each other's, on average.
  package let clustering: Double
  package let averagePath: Double
  /// How many nodes have so many neighbours.
  package let degrees: [Int: Int]

  package var isConnected: Bool { components.count <= 1 }
}

extension OverlayWorld {
  /// Holds for a node after every event: what no message may break.
  func check(_ node: Int) {
    let view = nodes[node].overlay.view
    let id = nodes[node].id
    if view.active.count > max(view.capacity, lastCapacity) {
      problems.append("too many neighbours")
    }
    if view.passive.count > bounds.view.passive { problems.append("too large a passive view") }
    if view.active.contains(id) || view.passive.contains(id) { problems.append("itself in a view") }
    for (place, peer) in view.active.enumerated() {
      if view.active[..<place].contains(peer) { problems.append("a neighbour twice") }
      if view.passive.contains(peer) { problems.append("in both views") }
    }
    if nodes[node].overlay.tree.neighborCount != view.active.count {
      problems.append("neighbours of the tree aren't those of the view")
    }
  }

  /// Views may be larger than they should for some cycles after a meeting grew.
  private var lastCapacity: Int { 9 }

  /// The honest nodes alive, and links that both ends hold for one between neighbours.
  package func graph() -> (nodes: [Int], neighbors: [[Int]]) {
    var neighbors = [[Int]](repeating: [], count: nodes.count)
    let here = nodes.indices.filter { nodes[$0].isAlive && !nodes[$0].isLiar }
    for node in here {
      neighbors[node] = nodes[node].overlay.view.active.compactMap { indices[$0] }.filter {
        nodes[$0].isAlive && !nodes[$0].isLiar
          && nodes[$0].overlay.view.active.contains(nodes[node].id)
      }
    }
    return (here, neighbors)
  }

  /// Sizes of connected components, the largest first.
  package func components() -> [Int] {
    let (here, neighbors) = graph()
    var seen = [Bool](repeating: false, count: nodes.count)
    var sizes: [Int] = []
    for start in here where !seen[start] {
      seen[start] = true
      var front = [start]
      var size = 0
      while let node = front.popLast() {
        size += 1
        for next in neighbors[node] where !seen[next] {
          seen[next] = true
          front.append(next)
        }
      }
      sizes.append(size)
    }
    return sizes.sorted(by: >)
  }

  /// - Parameter sources: nodes from which paths are measured; their average stands for all.
  package func topology(sources: Int = 200) -> Topology {
    let (here, neighbors) = graph()
    var clustering = 0.0
    var degrees: [Int: Int] = [:]
    for node in here {
      let own = neighbors[node]
      degrees[own.count, default: 0] += 1
      guard own.count > 1 else { continue }
      var pairs = 0
      for place in own.indices {
        for other in own[..<place] where neighbors[own[place]].contains(other) { pairs += 1 }
      }
      clustering += Double(pairs) * 2 / Double(own.count * (own.count - 1))
    }
    let step = max(here.count / max(sources, 1), 1)
    var (total, paths) = (0, 0)
    for start in stride(from: 0, to: here.count, by: step).map({ here[$0] }) {
      var distance = [Int](repeating: -1, count: nodes.count)
      distance[start] = 0
      var queue = [start]
      var head = 0
      while head < queue.count {
        let node = queue[head]
        head += 1
        for next in neighbors[node] where distance[next] < 0 {
          distance[next] = distance[node] + 1
          total += distance[next]
          paths += 1
          queue.append(next)
        }
      }
    }
    return Topology(
      components: components(), clustering: clustering / Double(max(here.count, 1)),
      averagePath: Double(total) / Double(max(paths, 1)), degrees: degrees)
  }
}
