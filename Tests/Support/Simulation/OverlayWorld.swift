package import Foundations
package import Gossip

/// Thousands of overlays, links between them and a driver for each, in simulated time.
///
/// The same seed and calls give the same run to the last event (``trace``). Broadcasts are names, as
/// they are to an overlay; what signatures would keep out, `Liar` doesn't send.
package final class OverlayWorld {
  enum Event {
    case deliver(link: Int, side: Int, OverlayMessage)
    case opened(link: Int)
    case closed(link: Int, side: Int)
    case dialEnds(node: Int, life: Int, peer: Int)
    case wake(node: Int, life: Int)
    case breakLinks
    case lie(node: Int)
  }

  package struct Node {
    package let id: PeerID
    package var overlay: Overlay
    package var isAlive = true
    package var isLiar = false
    package var slowness = Duration.zero
    /// Which side of a partition it is on.
    package var side = 0
    var clock = SkewedClock()
    /// Counts restarts, so that what was meant for an earlier life is dropped.
    var life = 0
    /// When this life began.
    package fileprivate(set) var born: Moment
    var links: [(peer: PeerID, link: Int)] = []
    var scheduled: Moment?
  }

  struct Link {
    /// Of its two nodes; the initiator is the first.
    let nodes: (Int, Int)
    var isOpen = (true, true)
    var lastArrival = (Moment.zero, Moment.zero)

    func node(_ side: Int) -> Int { side == 0 ? nodes.0 : nodes.1 }
    func isOpen(_ side: Int) -> Bool { side == 0 ? isOpen.0 : isOpen.1 }
    mutating func close(_ side: Int) { if side == 0 { isOpen.0 = false } else { isOpen.1 = false } }
  }

  package private(set) var now = Moment(nanoseconds: 1_000_000_000)
  package internal(set) var nodes: [Node] = []
  package var network: Network
  package var chance: SeededGenerator
  package internal(set) var broadcasts: [BroadcastRecord] = []
  package internal(set) var counts = Counts()
  package private(set) var trace = Trace()
  /// What a checker found wrong.
  package internal(set) var problems: [String] = []
  package var checksEveryEvent: Bool
  let bounds: OverlayBounds
  var indices: [PeerID: Int] = [:]
  private(set) var links: [Link] = []
  private var freeLinks: [Int] = []
  var heap = EventHeap<Event>()
  /// The side that hears the other one still, where a partition is asymmetric.
  private var partition: (isOn: Bool, hearing: Int?) = (false, nil)
  private var outputs: [Overlay.Output] = []

  package init(
    seed: UInt64, network: Network = .init(), bounds: OverlayBounds = .init(), checks: Bool = true
  ) {
    chance = SeededGenerator(seed: seed)
    self.network = network
    self.bounds = bounds
    checksEveryEvent = checks
  }

  /// The same world once more, from where it stands.
  package init(copying other: OverlayWorld) {
    now = other.now
    nodes = other.nodes
    network = other.network
    chance = other.chance
    broadcasts = other.broadcasts
    counts = other.counts
    trace = other.trace
    problems = other.problems
    checksEveryEvent = other.checksEveryEvent
    bounds = other.bounds
    indices = other.indices
    links = other.links
    freeLinks = other.freeLinks
    heap = other.heap
    partition = other.partition
  }

  // MARK: Nodes

  package func add(
    capacity: Int, clock: SkewedClock = .init(), slowness: Duration = .zero, isLiar: Bool = false
  ) -> Int {
    let index = nodes.count
    let high = chance.next()
    let low = UInt64(index)
    let bytes = [high, low].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * (7 - $0))) }
    }
    let id = PeerID(bytes)!
    let overlay = Overlay(
      me: id, capacity: capacity, seed: chance.next(), bounds: bounds)
    var node = Node(id: id, overlay: overlay, born: now)
    node.clock = clock
    node.slowness = slowness
    node.isLiar = isLiar
    nodes.append(node)
    indices[id] = index
    schedule(index)
    if isLiar { heap.insert(.lie(node: index), at: now + .seconds(1)) }
    return index
  }

  package func join(_ node: Int, through contact: Int) {
    drive(node, .view(.join(contact: nodes[contact].id)))
  }

  package func resize(_ node: Int, to capacity: Int) { drive(node, .view(.resized(capacity))) }

  package func crash(_ node: Int) {
    nodes[node].isAlive = false
    let own = nodes[node].links
    nodes[node].links = []
    for (_, link) in own {
      let side = links[link].nodes.0 == node ? 0 : 1
      links[link].close(side)
      guard network.breaksAtOnce else { continue }
      end(link, heardBy: 1 - side)
    }
  }

  /// The node starts anew, knowing nothing, under its old name.
  package func restart(_ node: Int, capacity: Int) {
    nodes[node].life += 1
    nodes[node].isAlive = true
    nodes[node].born = now
    nodes[node].links = []
    nodes[node].scheduled = nil
    nodes[node].overlay = Overlay(
      me: nodes[node].id, capacity: capacity, seed: chance.next(), bounds: bounds)
    schedule(node)
  }

  /// Cuts the nodes into two sides that don't reach each other, or one of which hears the other only.
  package func part(_ isOnSecondSide: (Int) -> Bool, hearing side: Int? = nil) {
    for node in nodes.indices { nodes[node].side = isOnSecondSide(node) ? 1 : 0 }
    partition = (true, side)
    heap.insert(.breakLinks, at: now + network.silence)
  }

  package func heal() { partition = (false, nil) }

  /// Whether a message from one to the other is lost in a partition.
  func isCut(from one: Int, to other: Int) -> Bool {
    partition.isOn && nodes[one].side != nodes[other].side
      && nodes[other].side != partition.hearing
  }

  /// Whether no link holds between the two: TCP needs both ways.
  private func isCut(_ one: Int, _ other: Int) -> Bool {
    partition.isOn && nodes[one].side != nodes[other].side
  }

  // MARK: Time

  package func run(for duration: Duration) {
    let end = now + duration
    while let (moment, event) = heap.popFirst(by: end) {
      now = max(now, moment)
      perform(event)
    }
    now = end
  }

  private func perform(_ event: Event) {
    counts.events += 1
    trace.note(UInt64(bitPattern: now.nanoseconds))
    switch event {
    case .deliver(let link, let side, let message):
      guard links[link].isOpen(side) else { return }
      let node = links[link].node(side)
      guard nodes[node].isAlive else { return }
      let peer = nodes[links[link].node(1 - side)].id
      trace.note(UInt64(node) << 8 | 1)
      receive(message, at: node, from: peer)
    case .opened(let link):
      let (_, node) = links[link].nodes
      guard links[link].isOpen.1, nodes[node].isAlive else { return }
      trace.note(UInt64(node) << 8 | 2)
      drive(node, .view(.linked(nodes[links[link].nodes.0].id, isInitiator: false)))
    case .closed(let link, let side):
      let node = links[link].node(side)
      guard links[link].isOpen(side) else { return }
      links[link].close(side)
      nodes[node].links.removeAll { $0.link == link }
      trace.note(UInt64(node) << 8 | 3)
      guard nodes[node].isAlive else { return }
      drive(node, .view(.unlinked(nodes[links[link].node(1 - side)].id)))
    case .dialEnds(let node, let life, let peer):
      guard nodes[node].isAlive, nodes[node].life == life else { return }
      trace.note(UInt64(node) << 8 | 4)
      endDial(node, peer)
    case .wake(let node, let life):
      guard nodes[node].isAlive, nodes[node].life == life else { return }
      wake(node)
    case .breakLinks: breakLinks()
    case .lie(let node):
      guard nodes[node].isAlive else { return }
      lie(node)
      heap.insert(.lie(node: node), at: now + .milliseconds(300))
    }
  }

  private func wake(_ node: Int) {
    nodes[node].scheduled = nil
    let local = local(node)
    if let deadline = nodes[node].overlay.deadline, deadline <= local {
      trace.note(UInt64(node) << 8 | 5)
      nodes[node].overlay.wake(at: local, into: &outputs)
      carryOut(node)
    }
    schedule(node)
  }

  private func local(_ node: Int) -> Moment { nodes[node].clock.local(now) }

  private func schedule(_ node: Int) {
    guard let deadline = nodes[node].overlay.deadline else { return }
    // Rounding must not wake a node before its time for ever.
    let moment = max(nodes[node].clock.global(deadline) + .microseconds(1), now)
    if let scheduled = nodes[node].scheduled, scheduled <= moment { return }
    nodes[node].scheduled = moment
    heap.insert(.wake(node: node, life: nodes[node].life), at: moment)
  }

  func drive(_ node: Int, _ input: Overlay.Input) {
    guard nodes[node].isAlive else { return }
    nodes[node].overlay.handle(input, at: local(node), into: &outputs)
    carryOut(node)
    schedule(node)
  }

  // MARK: The driver of a node

  private func carryOut(_ node: Int) {
    var sought: Int?
    for output in outputs {
      switch output {
      case .link(let peer): dial(node, indices[peer])
      case .unlink(let peer): unlink(node, from: peer)
      case .send(let message, let peer): send(message, from: node, to: peer)
      case .seek(let count): sought = count
      case .neighborUp, .neighborDown, .recall: break
      }
    }
    outputs.removeAll(keepingCapacity: true)
    if checksEveryEvent { check(node) }
    guard let sought else { return }
    // The roster: everybody who ever was here, dead or alive.
    let found = (0..<sought).map { _ in
      nodes[Int.random(in: nodes.indices, using: &chance)].id
    }
    drive(node, .view(.learned(found, isSought: true)))
  }

  private func delay(for node: Int) -> Duration {
    let range = network.latency
    let nanoseconds = Int64.random(
      in: range.lowerBound.nanoseconds...range.upperBound.nanoseconds, using: &chance)
    return .nanoseconds(nanoseconds) + nodes[node].slowness
  }

  private func dial(_ node: Int, _ peer: Int?) {
    // A name that a liar made up has no address.
    let target = peer ?? node
    let isSilent = isCut(node, target)
    let delay =
      isSilent ? network.deadDial : delay(for: target) + delay(for: node) + delay(for: target)
    counts.dials += 1
    guard let peer else { return }
    heap.insert(.dialEnds(node: node, life: nodes[node].life, peer: peer), at: now + delay)
  }

  private func endDial(_ node: Int, _ peer: Int) {
    guard nodes[peer].isAlive, !isCut(node, peer), node != peer else {
      drive(node, .view(.unlinked(nodes[peer].id)))
      return
    }
    let id = nodes[peer].id
    if !nodes[node].links.contains(where: { $0.peer == id }) {
      let link = freeLinks.popLast() ?? links.count
      let made = Link(nodes: (node, peer), lastArrival: (now, now))
      if link == links.count { links.append(made) } else { links[link] = made }
      nodes[node].links.append((id, link))
      nodes[peer].links.append((nodes[node].id, link))
      let moment = now + delay(for: peer)
      links[link].lastArrival.1 = moment
      heap.insert(.opened(link: link), at: moment)
    }
    drive(node, .view(.linked(id, isInitiator: true)))
  }

  private func unlink(_ node: Int, from peer: PeerID) {
    guard let place = nodes[node].links.firstIndex(where: { $0.peer == peer }) else { return }
    let link = nodes[node].links.remove(at: place).link
    let side = links[link].nodes.0 == node ? 0 : 1
    links[link].close(side)
    end(link, heardBy: 1 - side)
  }

  /// The end of a link arrives after what was sent on it.
  private func end(_ link: Int, heardBy side: Int) {
    let last = side == 0 ? links[link].lastArrival.0 : links[link].lastArrival.1
    heap.insert(
      .closed(link: link, side: side), at: max(now + delay(for: links[link].node(side)), last))
  }

  func send(_ message: OverlayMessage, from node: Int, to peer: PeerID) {
    guard let link = nodes[node].links.first(where: { $0.peer == peer })?.link else { return }
    counts.count(message)
    let side = links[link].nodes.0 == node ? 1 : 0
    let target = links[link].node(side)
    guard nodes[target].isAlive, links[link].isOpen(side) else {
      // Nobody there: the kernel answers with a reset.
      if links[link].isOpen(1 - side) { end(link, heardBy: 1 - side) }
      return
    }
    if isCut(from: node, to: target) { return }
    if network.loss > 0, Double.random(in: 0..<1, using: &chance) < network.loss { return }
    var copies = 1
    if network.duplication > 0, Double.random(in: 0..<1, using: &chance) < network.duplication {
      copies = 2
    }
    for _ in 0..<copies {
      var moment = now + delay(for: target)
      let overtakes =
        network.reordering > 0 && Double.random(in: 0..<1, using: &chance) < network.reordering
      if !overtakes {
        moment = max(moment, side == 0 ? links[link].lastArrival.0 : links[link].lastArrival.1)
        if side == 0 {
          links[link].lastArrival.0 = moment
        } else {
          links[link].lastArrival.1 = moment
        }
      }
      heap.insert(.deliver(link: link, side: side, message), at: moment)
    }
  }

  /// Links across a partition break on both sides, once nothing was heard for long enough.
  private func breakLinks() {
    guard partition.isOn else { return }
    for link in links.indices {
      let (one, other) = links[link].nodes
      guard isCut(one, other) else { continue }
      for side in 0...1 where links[link].isOpen(side) && nodes[links[link].node(side)].isAlive {
        end(link, heardBy: side)
      }
    }
  }
}
