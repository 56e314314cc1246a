import Foundations
import Gossip
import Testing

private func id(_ number: Int) -> PeerID {
  PeerID([UInt8](repeating: 0, count: 15) + [UInt8(number)])!
}

private func ids(_ numbers: ClosedRange<Int>) -> [PeerID] { numbers.map(id) }

@Suite("A member's views")
struct HyParViewTests {
  /// With so many neighbours of so many.
  private func view(
    neighbours count: Int, capacity: Int = 5
  ) -> (view: HyParView, outputs: [HyParView.Output]) {
    var view = HyParView(me: id(0), capacity: capacity, seed: 1)
    var outputs: [HyParView.Output] = []
    for number in 1...count {
      view.handle(.linked(id(number), isInitiator: true), at: .zero, into: &outputs)
    }
    return (view, [])
  }

  private func sent(_ outputs: [HyParView.Output]) -> [(HyParViewMessage, PeerID)] {
    outputs.compactMap {
      if case .send(let message, let peer) = $0 { (message, peer) } else { nil }
    }
  }

  @Test("A newcomer is taken in by its contact, which passes its name to all others")
  func joins() {
    var (view, outputs) = view(neighbours: 5)
    view.handle(.linked(id(9), isInitiator: false), at: .zero, into: &outputs)
    #expect(outputs.isEmpty, "nothing before it says what for")
    view.handle(.received(.join, from: id(9)), at: .zero, into: &outputs)
    #expect(view.active.count == 5 && view.active.contains(id(9)))
    let messages = sent(outputs)
    #expect(messages.count { $0.0 == .disconnect } == 1)
    let walks = messages.filter { $0.0 == .forwardJoin(newcomer: id(9), timeToLive: 6) }
    #expect(Set(walks.map(\.1)) == Set(view.active).subtracting([id(9)]))
    #expect(view.passive.count == 1, "who made room is remembered")
  }

  @Test("A full view refuses a request without urgency, and makes room for an urgent one")
  func grants() {
    for priority in [HyParViewMessage.Priority.low, .high] {
      var (view, outputs) = view(neighbours: 5)
      view.handle(.linked(id(9), isInitiator: false), at: .zero, into: &outputs)
      view.handle(.received(.neighbor(priority), from: id(9)), at: .zero, into: &outputs)
      #expect(view.active.contains(id(9)) == (priority == .high))
      #expect(view.active.count == 5)
      #expect(sent(outputs).count == 1, "one is turned away")
    }
  }

  @Test("However long nothing changes, views are shuffled and a free place is asked for")
  func staysAwake() {
    var (view, outputs) = view(neighbours: 4)
    view.handle(.learned(ids(20...22), isSought: false), at: .zero, into: &outputs)
    var (shuffles, requests) = (0, 0)
    // Six hours of it, of which the last counts.
    var now = Moment.zero
    while now < .zero + .seconds(6 * 3600), let next = view.deadline {
      now = next
      outputs = []
      view.wake(at: now, into: &outputs)
      let isLate = now > .zero + .seconds(5 * 3600)
      let isShuffling = sent(outputs).contains { if case .shuffle = $0.0 { true } else { false } }
      if isLate, isShuffling { shuffles += 1 }
      for case .link(let peer) in outputs {
        if isLate { requests += 1 }
        // It has no room, and never will; nor has anybody else.
        view.handle(.linked(peer, isInitiator: false), at: now, into: &outputs)
        view.handle(.received(.disconnect, from: peer), at: now, into: &outputs)
      }
    }
    #expect((60...120).contains(shuffles), "\(shuffles)")
    #expect(requests > 30, "\(requests)")
  }

  @Test("The end of a walk opens a link to the newcomer, and a lost neighbour's place is filled")
  func promotes() {
    var (view, outputs) = view(neighbours: 3)
    let walk = HyParViewMessage.forwardJoin(newcomer: id(9), timeToLive: 0)
    view.handle(.received(walk, from: id(1)), at: .zero, into: &outputs)
    guard case .link(id(9))? = outputs.last else {
      Issue.record("\(outputs)")
      return
    }
    outputs = []
    view.handle(.learned(ids(20...22), isSought: false), at: .zero, into: &outputs)
    view.handle(.unlinked(id(1)), at: .zero, into: &outputs)
    let dialled = outputs.compactMap { if case .link(let peer) = $0 { peer } else { nil } }
    #expect(dialled.count == 2 && Set(dialled).isSubset(of: ids(20...22)))
  }

  @Test("Views stay within their bounds whatever is said", arguments: 0..<20 as Range<UInt64>)
  func staysBounded(seed: UInt64) {
    var chance = SeededGenerator(seed: seed)
    var (view, outputs) = view(neighbours: 5)
    for step in 0..<2000 {
      let peer = id(Int.random(in: 0...40, using: &chance))
      let others = (0..<Int.random(in: 0...20, using: &chance)).map { _ in
        id(Int.random(in: 0...200, using: &chance))
      }
      let message: HyParViewMessage =
        switch Int.random(in: 0..<7, using: &chance) {
        case 0: .join
        case 1:
          .forwardJoin(
            newcomer: others.first ?? peer, timeToLive: .random(in: -3...99, using: &chance))
        case 2: .neighbor(.high)
        case 3: .neighbor(.rendezvous)
        case 4: .disconnect
        case 5: .shuffle(path: others + [peer], sample: others, timeToLive: step)
        case _: .shuffleReply(path: others, sample: others)
        }
      let now = Moment(nanoseconds: Int64(step) * 10_000_000)
      switch Int.random(in: 0..<6, using: &chance) {
      case 0:
        view.handle(.linked(peer, isInitiator: .random(using: &chance)), at: now, into: &outputs)
      case 1: view.handle(.unlinked(peer), at: now, into: &outputs)
      case 2: view.wake(at: now, into: &outputs)
      case _: view.handle(.received(message, from: peer), at: now, into: &outputs)
      }
      #expect(view.active.count <= 5 && view.passive.count <= 30)
      #expect(!view.active.contains(id(0)) && Set(view.active).isDisjoint(with: view.passive))
    }
  }
}

@Suite("A broadcast tree")
struct PlumtreeTests {
  private let message = MessageID(author: id(50), number: 1)

  private func tree(neighbours count: Int) -> Plumtree {
    var tree = Plumtree()
    var outputs: [Plumtree.Output] = []
    for number in 1...count { tree.handle(.neighborUp(id(number)), at: .zero, into: &outputs) }
    return tree
  }

  private func sent(_ outputs: [Plumtree.Output]) -> [PeerID: PlumtreeMessage] {
    var sent: [PeerID: PlumtreeMessage] = [:]
    for case .send(let message, let peer) in outputs { sent[peer] = message }
    return sent
  }

  @Test("A broadcast is pushed to eager neighbours and announced to lazy ones")
  func spreads() {
    var tree = tree(neighbours: 3)
    var outputs: [Plumtree.Output] = []
    tree.handle(.prune(from: id(3)), at: .zero, into: &outputs)
    tree.handle(.push(Announcement(message, round: 4), from: id(1)), at: .zero, into: &outputs)
    #expect(
      sent(outputs) == [
        id(2): .push(Announcement(message, round: 5)),
        id(3): .iHave([Announcement(message, round: 4)]),
      ])
  }

  @Test("Who pushes a copy is pruned, but not who was first")
  func prunes() {
    var tree = tree(neighbours: 3)
    var outputs: [Plumtree.Output] = []
    tree.handle(.push(Announcement(message, round: 4), from: id(1)), at: .zero, into: &outputs)
    outputs = []
    tree.handle(.copy(Announcement(message, round: 4), from: id(1)), at: .zero, into: &outputs)
    tree.handle(.copy(Announcement(message, round: 4), from: id(2)), at: .zero, into: &outputs)
    #expect(sent(outputs) == [id(2): .prune])
    #expect(tree.lazy == [id(2)])
  }

  @Test("What is announced and doesn't come is grafted, from one announcer after the other")
  func grafts() throws {
    var tree = tree(neighbours: 3)
    var outputs: [Plumtree.Output] = []
    for number in 2...3 {
      tree.handle(.prune(from: id(number)), at: .zero, into: &outputs)
      tree.handle(
        .iHave([Announcement(message, round: 2)], from: id(number)), at: .zero, into: &outputs)
    }
    outputs = []
    for announcer in 2...3 {
      let due = try #require(tree.deadline)
      tree.wake(at: due, into: &outputs)
      #expect(sent(outputs) == [id(announcer): .graft([message])])
      #expect(tree.eager.contains(id(announcer)))
      outputs = []
    }
    let last = try #require(tree.deadline)
    tree.wake(at: last, into: &outputs)
    #expect(outputs.isEmpty && tree.deadline == nil, "nobody is left to ask")
  }

  @Test("A new neighbour is told of the latest broadcasts, and begins outside the tree")
  func tellsNewNeighbours() {
    var tree = tree(neighbours: 2)
    var outputs: [Plumtree.Output] = []
    tree.handle(.push(Announcement(message, round: 1), from: id(1)), at: .zero, into: &outputs)
    outputs = []
    tree.handle(.neighborUp(id(7)), at: .zero, into: &outputs)
    #expect(sent(outputs) == [id(7): .iHave([Announcement(message, round: 1)])])
    #expect(tree.lazy == [id(7)])
  }

  @Test("Announcements without end take bounded room")
  func staysBounded() {
    var tree = tree(neighbours: 2)
    var outputs: [Plumtree.Output] = []
    for number in 0..<100_000 as Range<UInt64> {
      let one = Announcement(MessageID(author: id(9), number: number), round: 0)
      tree.handle(.iHave([one], from: id(1)), at: .zero, into: &outputs)
    }
    tree.wake(at: Moment(nanoseconds: 1_000_000_000), into: &outputs)
    #expect(outputs.count == 1)
    guard case .send(.graft(let asked), id(1))? = outputs.first else {
      Issue.record("\(outputs)")
      return
    }
    #expect(asked.count == 64)
  }
}
