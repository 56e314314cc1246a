package import Foundations

/// Who is a neighbour of whom: HyParView (Leitão, Pereira, Rodrigues, "HyParView: a membership protocol
/// for reliable gossip-based broadcast", DSN 2007).
///
/// The *active view* holds the few members that this one has links to and passes everything on to; links
/// go both ways, and a broken one is noticed. The *passive view* holds others, to take their place. The
/// driver opens and closes links; all messages go over links.
///
/// Three deviations. A `neighbor` request needs no answer if it is granted, since the link is there
/// already. A view that isn't full is filled whenever it can be, not only after a failure. And who runs
/// out of members to ask looks outside its views, as everybody does now and then: the textbook's overlay
/// can end in parts when members join through random contacts.
package struct HyParView: Machine {
  package enum Input: Sendable {
    /// Becomes part of the overlay through `contact`.
    case join(contact: PeerID)
    /// There is a link to the member. Who opened it unasked wants it for a neighbour.
    case linked(PeerID, isInitiator: Bool)
    /// The last link to the member is gone, or it couldn't be opened.
    case unlinked(PeerID)
    case received(HyParViewMessage, from: PeerID)
    /// Members that might be neighbours. `isSought` when they answer ``Output/seek(_:)``.
    case learned([PeerID], isSought: Bool)
    /// The member left or was removed.
    case forgotten(PeerID)
    /// The size of the active view from now on.
    case resized(Int)
  }

  package enum Output: Sendable {
    /// Answered by `linked` or `unlinked`.
    case link(PeerID)
    case send(HyParViewMessage, to: PeerID)
    /// Closes the link after what was sent; no `unlinked` is expected.
    case unlink(PeerID)
    case neighborUp(PeerID)
    case neighborDown(PeerID)
    /// Wants so many members from outside its views, drawn at random: answered by `learned` or not at all.
    case seek(Int)
  }

  /// Why a link is being opened.
  enum Purpose: Sendable {
    case join
    case neighbor(HyParViewMessage.Priority)
  }

  struct Attempt: Sendable {
    let peer: PeerID
    var purpose: Purpose
    let began: Moment
  }

  let me: PeerID
  let bounds: HyParViewBounds
  package private(set) var capacity: Int
  package internal(set) var active: [PeerID] = []
  package internal(set) var passive: [PeerID] = []
  /// Neighbours whose place is given away first: those outside the broadcast tree, so that the views'
  /// steady change doesn't tear it.
  var expendable: [PeerID] = []
  /// Links whose opener hasn't said what for.
  private var idle: [(peer: PeerID, since: Moment)] = []
  private var attempts: [Attempt] = []
  /// Asked in this cycle already.
  private var tried: [PeerID] = []
  private var refusals = 0
  /// Cycles left in which nobody is asked for a place that isn't urgent to fill, and cycles in a row that
  /// ended with all who were asked refusing.
  private var fillPause = 0
  private var vainCycles = 0
  /// The same of shuffles, and how many in a row brought nobody new.
  var shufflePause = 0
  var dullShuffles = 0
  /// Sent in the latest shuffle: the first to go where its reply needs room (paper §4.4).
  var shuffled: [PeerID] = []
  /// `nil` until anything happens.
  private var nextCycle: Moment?
  private var nextSeek = Moment(nanoseconds: .min)
  /// Whether a place is free and nobody is left to ask for it.
  private var isSeeking = false
  /// Whether who comes next from outside is to be asked urgently.
  private var isRendezvousDue = false
  var chance: SeededGenerator

  package init(
    me: PeerID, capacity: Int, seed: UInt64, bounds: HyParViewBounds = .init()
  ) {
    self.me = me
    self.bounds = bounds
    self.capacity = capacity
    chance = SeededGenerator(seed: seed)
  }

  package var deadline: Moment? {
    guard let nextCycle else { return nil }
    return isSeeking ? min(nextSeek, nextCycle) : nextCycle
  }

  package mutating func handle(_ input: Input, at now: Moment, into outputs: inout [Output]) {
    if nextCycle == nil {
      nextCycle = now + bounds.cycle * Double.random(in: 0..<1, using: &chance)
    }
    switch input {
    case .join(let contact): attempt(contact, .join, at: now, into: &outputs)
    case .linked(let peer, let isInitiator):
      if isInitiator, !active.contains(peer), !attempts.contains(where: { $0.peer == peer }) {
        attempts.append(Attempt(peer: peer, purpose: .neighbor(.rendezvous), began: now))
      }
      linked(peer, at: now, into: &outputs)
    case .unlinked(let peer): unlinked(peer, at: now, into: &outputs)
    case .received(let message, let peer): receive(message, from: peer, at: now, into: &outputs)
    case .learned(let peers, let isSought):
      learn(peers, isSought: isSought, at: now, into: &outputs)
    case .forgotten(let peer): forget(peer, at: now, into: &outputs)
    case .resized(let size):
      guard size != capacity else { return }
      capacity = size
      endPause()
      fill(at: now, into: &outputs)
    }
  }

  package mutating func wake(at now: Moment, into outputs: inout [Output]) {
    guard let nextCycle else { return }
    guard nextCycle <= now else {
      if isSeeking, nextSeek <= now { fill(at: now, into: &outputs) }
      return
    }
    let jitter = Double.random(in: 0.9...1.1, using: &chance)
    self.nextCycle = now + bounds.cycle * jitter
    tried.removeAll(keepingCapacity: true)
    if fillPause > 0 {
      fillPause -= 1
    } else if refusals >= bounds.refusals {
      vainCycles += 1
      fillPause = Self.pause(after: vainCycles, bounds)
    }
    refusals = 0
    attempts.removeAll { $0.began + bounds.attemptLimit <= now }
    for (peer, since) in idle where since + bounds.idleLink <= now {
      outputs.append(.send(.disconnect, to: peer))
      outputs.append(.unlink(peer))
    }
    idle.removeAll { $0.since + bounds.idleLink <= now }
    // One a cycle: a meeting that grows past a step doesn't cut its links all at once.
    if active.count > capacity { dropRandom(into: &outputs) }
    shuffleInTurn(into: &outputs)
    fill(at: now, into: &outputs)
    // Where the passive view has room it holds nearly everybody, and its own members are asked.
    let rarely = passive.count < bounds.passive ? bounds.rarely : 1
    if bounds.rendezvousCycles > 0,
      Int.random(in: 0..<bounds.rendezvousCycles * rarely, using: &chance) == 0
    {
      isRendezvousDue = true
      outputs.append(.seek(1))
    }
  }

  /// Cycles to sit out: more each time, up to the longest.
  static func pause(after vain: Int, _ bounds: HyParViewBounds) -> Int {
    // What is shifted out in a meeting that lasts would leave nothing, or less.
    min(1 << min(vain, 16), bounds.longestPause) - 1
  }

  /// Whether it has neighbours, or is on the way to some.
  var hasBegun: Bool { !active.isEmpty || !attempts.isEmpty }

  // MARK: Links

  private mutating func attempt(
    _ peer: PeerID, _ purpose: Purpose, at now: Moment, into outputs: inout [Output]
  ) {
    guard peer != me, !active.contains(peer) else { return }
    if let place = attempts.firstIndex(where: { $0.peer == peer }) {
      if case .neighbor(.low) = attempts[place].purpose { attempts[place].purpose = purpose }
      return
    }
    // The other side opened a link already: no second is needed.
    if idle.contains(where: { $0.peer == peer }) {
      attempts.append(Attempt(peer: peer, purpose: purpose, began: now))
      return linked(peer, at: now, into: &outputs)
    }
    attempts.append(Attempt(peer: peer, purpose: purpose, began: now))
    outputs.append(.link(peer))
  }

  private mutating func linked(
    _ peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    guard !active.contains(peer) else { return }
    guard let place = attempts.firstIndex(where: { $0.peer == peer }) else {
      if !idle.contains(where: { $0.peer == peer }) { idle.append((peer, now)) }
      return
    }
    let purpose = attempts.remove(at: place).purpose
    switch purpose {
    case .join:
      outputs.append(.send(.join, to: peer))
      add(peer, into: &outputs)
    case .neighbor(let priority):
      guard grants(priority) else {
        remember(peer)
        // Opened for nothing; what the other side opened it for it will say.
        if !idle.contains(where: { $0.peer == peer }) { outputs.append(.unlink(peer)) }
        return
      }
      outputs.append(.send(.neighbor(active.isEmpty ? .high : priority), to: peer))
      add(peer, into: &outputs)
    }
  }

  private mutating func unlinked(
    _ peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    attempts.removeAll { $0.peer == peer }
    idle.removeAll { $0.peer == peer }
    passive.removeAll { $0 == peer }
    if active.contains(peer) { endPause() }
    remove(peer, into: &outputs)
    fill(at: now, into: &outputs)
  }

  private mutating func forget(
    _ peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    let wasActive = active.contains(peer)
    attempts.removeAll { $0.peer == peer }
    idle.removeAll { $0.peer == peer }
    passive.removeAll { $0 == peer }
    shuffled.removeAll { $0 == peer }
    remove(peer, into: &outputs)
    guard wasActive else { return }
    endPause()
    fill(at: now, into: &outputs)
  }

  /// Somebody is gone, and others have lost it too: there are places.
  private mutating func endPause() {
    fillPause = 0
    vainCycles = 0
  }

  // MARK: Messages

  private mutating func receive(
    _ message: HyParViewMessage, from peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    if message.isForNeighbors, !active.contains(peer) {
      // It takes us for its neighbour: a message of ours or its own was lost.
      idle.removeAll { $0.peer == peer }
      outputs.append(.send(.disconnect, to: peer))
      outputs.append(.unlink(peer))
      return
    }
    switch message {
    case .join:
      add(peer, into: &outputs)
      for other in active where other != peer {
        outputs.append(
          .send(.forwardJoin(newcomer: peer, timeToLive: bounds.activeWalk), to: other))
      }
    case .forwardJoin(let newcomer, let timeToLive):
      forwardJoin(newcomer, timeToLive, from: peer, at: now, into: &outputs)
    case .neighbor(let priority):
      guard active.contains(peer) || grants(priority) else {
        idle.removeAll { $0.peer == peer }
        remember(peer)
        outputs.append(.send(.disconnect, to: peer))
        outputs.append(.unlink(peer))
        return
      }
      add(peer, into: &outputs)
    case .disconnect:
      let wasActive = active.contains(peer)
      idle.removeAll { $0.peer == peer }
      remove(peer, into: &outputs)
      outputs.append(.unlink(peer))
      remember(peer)
      if wasActive {
        tried.append(peer)
        refusals += 1
        fill(at: now, into: &outputs)
      }
    case .shuffle(let path, let sample, let timeToLive):
      receiveShuffle(path, sample, timeToLive, from: peer, at: now, into: &outputs)
    case .shuffleReply(let path, let sample):
      guard path.count < bounds.activeWalk, sample.count <= sampleLimit else { return }
      guard let next = path.last else {
        learn(sample: sample)
        return fill(at: now, into: &outputs)
      }
      guard active.contains(next) else { return }
      outputs.append(.send(.shuffleReply(path: path.dropLast(), sample: sample), to: next))
    }
  }

  private mutating func forwardJoin(
    _ newcomer: PeerID, _ timeToLive: Int, from peer: PeerID, at now: Moment,
    into outputs: inout [Output]
  ) {
    guard newcomer != me, !active.contains(newcomer) else { return }
    let timeToLive = min(timeToLive, bounds.activeWalk)
    let next = active.filter { $0 != peer && $0 != newcomer }.randomElement(using: &chance)
    guard timeToLive > 0, let next else {
      let urgent = attempts.count {
        if case .neighbor(.high) = $0.purpose { true } else { false }
      }
      guard urgent < bounds.urgentAttempts else {
        remember(newcomer)
        return
      }
      return attempt(newcomer, .neighbor(.high), at: now, into: &outputs)
    }
    if timeToLive == bounds.passiveWalk { remember(newcomer) }
    outputs.append(
      .send(.forwardJoin(newcomer: newcomer, timeToLive: timeToLive - 1), to: next))
  }

  // MARK: Views

  private mutating func add(_ peer: PeerID, into outputs: inout [Output]) {
    idle.removeAll { $0.peer == peer }
    attempts.removeAll { $0.peer == peer }
    guard peer != me, !active.contains(peer) else { return }
    if active.count >= capacity { dropRandom(into: &outputs) }
    passive.removeAll { $0 == peer }
    active.append(peer)
    outputs.append(.neighborUp(peer))
  }

  /// Whether there is room for who asks with this priority, or room is made.
  private func grants(_ priority: HyParViewMessage.Priority) -> Bool {
    if active.count < capacity { return true }
    return switch priority {
    case .low: false
    case .rendezvous: active.contains { expendable.contains($0) }
    case .high: true
    }
  }

  private mutating func dropRandom(into outputs: inout [Output]) {
    let candidates = active.filter { expendable.contains($0) }
    guard let peer = (candidates.isEmpty ? active : candidates).randomElement(using: &chance)
    else { return }
    outputs.append(.send(.disconnect, to: peer))
    remove(peer, into: &outputs)
    outputs.append(.unlink(peer))
    remember(peer)
  }

  private mutating func remove(_ peer: PeerID, into outputs: inout [Output]) {
    guard let place = active.firstIndex(of: peer) else { return }
    active.remove(at: place)
    outputs.append(.neighborDown(peer))
  }

  /// - Returns: whether it wasn't in a view.
  @discardableResult
  mutating func remember(_ peer: PeerID) -> Bool {
    guard peer != me, !active.contains(peer), !passive.contains(peer) else { return false }
    if passive.count >= bounds.passive {
      let known = passive.firstIndex { shuffled.contains($0) }
      passive.remove(at: known ?? Int.random(in: 0..<passive.count, using: &chance))
    }
    passive.append(peer)
    return true
  }

  private mutating func learn(
    _ peers: [PeerID], isSought: Bool, at now: Moment, into outputs: inout [Output]
  ) {
    if isSought, isRendezvousDue {
      isRendezvousDue = false
      if let peer = peers.first(where: { $0 != me && !active.contains($0) }) {
        attempt(peer, .neighbor(.rendezvous), at: now, into: &outputs)
      }
    }
    for peer in peers { remember(peer) }
    fill(at: now, into: &outputs)
  }

  /// Asks members of the passive view for the places that are free.
  mutating func fill(at now: Moment, into outputs: inout [Output]) {
    isSeeking = false
    while active.count + attempts.count < capacity, isUrgent || mayAsk {
      let candidate = passive.filter { one in
        !tried.contains(one) && !attempts.contains { $0.peer == one }
      }.randomElement(using: &chance)
      guard let candidate else {
        return seek(at: now, into: &outputs)
      }
      tried.append(candidate)
      attempt(candidate, .neighbor(.low), at: now, into: &outputs)
    }
  }

  /// Few neighbours are left.
  private var isUrgent: Bool { active.isEmpty || capacity - active.count > capacity / 2 }

  private var mayAsk: Bool { refusals < bounds.refusals && fillPause == 0 }

  private mutating func seek(at now: Moment, into outputs: inout [Output]) {
    guard bounds.rendezvousCycles > 0 else { return }
    isSeeking = true
    guard nextSeek <= now else { return }
    nextSeek = now + bounds.seekAgainAfter
    outputs.append(.seek(bounds.seek))
  }
}
