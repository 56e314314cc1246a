package import Foundations
import OrderedCollections

/// How broadcasts get round: Plumtree (Leitão, Pereira, Rodrigues, "Epidemic broadcast trees", SRDS
/// 2007).
///
/// A broadcast is pushed whole to *eager* neighbours and announced to *lazy* ones. Neighbours begin
/// eager; one that pushes a copy is made lazy, on both sides, until the eager links form a tree. What is
/// announced and doesn't arrive is grafted from its announcer, whose link thereby becomes part of the
/// tree again.
///
/// Deviations. Where the tree is formed, a neighbour that comes later begins lazy: views change all the
/// time, and each change would cost copies. Who loses the neighbour that broadcasts came from grafts
/// another at once. A new neighbour is told of the latest broadcasts, so that whoever was cut off for a
/// moment misses nothing. And an announcement that comes after its broadcast counts for shortening the
/// tree, too.
package struct Plumtree: Machine {
  package enum Input: Sendable {
    case neighborUp(PeerID)
    case neighborDown(PeerID)
    /// One of our own.
    case broadcast(MessageID)
    /// A push that is new here. Nothing says whether the bearer is a neighbour still.
    case push(Announcement, from: PeerID)
    /// A push that isn't.
    case copy(Announcement, from: PeerID)
    /// Announcements of what isn't here, or not known to be.
    case iHave([Announcement], from: PeerID)
    case graft([MessageID], from: PeerID)
    case prune(from: PeerID)
  }

  package enum Output: Sendable {
    case send(PlumtreeMessage, to: PeerID)
    /// Somebody grafts a broadcast that isn't among the recent ones here; the driver may have it.
    case recall(MessageID, for: PeerID)
  }

  private struct Neighbor: Sendable {
    let peer: PeerID
    var isEager: Bool
    /// How far from its author the latest broadcast was that it announced.
    var round = UInt32.max
  }

  private struct Recent: Sendable {
    let message: MessageID
    let round: UInt32
    /// `nil` for our own.
    var source: PeerID?
    let arrived: Moment
  }

  private struct Missing: Sendable {
    var announcers: [(peer: PeerID, round: UInt32)]
    var due: Moment
  }

  private let bounds: PlumtreeBounds
  /// Whether the loss of a neighbour in the tree makes all others eager, and the next broadcast forms the
  /// tree anew: where everybody is a neighbour that costs little, and no broadcast waits for a timer.
  package var refloods = false
  private var neighbors: [Neighbor] = []
  /// A ring; `oldest` is the place of the next.
  private var recent: [Recent] = []
  private var oldest = 0
  private var missing: OrderedDictionary<MessageID, Missing> = [:]
  /// Whence the latest broadcast of others came, and how far.
  private var parent: (peer: PeerID, round: UInt32)?
  /// Whether the neighbour that broadcasts came from is gone, and no other took its place: the next
  /// announcement is believed at once.
  private var isOrphan = false
  private var nextShortcut = Moment(nanoseconds: .min)
  package private(set) var deadline: Moment?

  package init(bounds: PlumtreeBounds = .init()) {
    self.bounds = bounds
  }

  package var neighborCount: Int { neighbors.count }
  package var eager: [PeerID] { neighbors.filter(\.isEager).map(\.peer) }
  package var lazy: [PeerID] { neighbors.compactMap { $0.isEager ? nil : $0.peer } }
  /// Whether broadcasts went through here, and so decided who is eager.
  private var isFormed = false

  /// Neighbours that the tree does without.
  var expendable: [PeerID] { isFormed ? lazy : neighbors.map(\.peer) }

  /// Whether the broadcast is among the recent ones.
  package func has(_ message: MessageID) -> Bool { index(of: message) != nil }

  package mutating func handle(_ input: Input, at now: Moment, into outputs: inout [Output]) {
    switch input {
    case .neighborUp(let peer): neighborUp(peer, at: now, into: &outputs)
    case .neighborDown(let peer): neighborDown(peer, into: &outputs)
    case .broadcast(let message):
      isFormed = true
      spread(Announcement(message, round: 0), from: nil, at: now, into: &outputs)
    case .push(let announcement, let peer):
      push(announcement, from: peer, at: now, into: &outputs)
    case .copy(let announcement, let peer): copy(announcement, from: peer, into: &outputs)
    case .iHave(let announcements, let peer):
      for one in announcements.prefix(bounds.announcements) {
        iHave(one, from: peer, at: now, into: &outputs)
      }
    case .graft(let messages, let peer): graft(messages, from: peer, into: &outputs)
    case .prune(let peer): setEager(false, peer)
    }
  }

  package mutating func wake(at now: Moment, into outputs: inout [Output]) {
    guard let deadline, deadline <= now else { return }
    var asked: OrderedDictionary<PeerID, [MessageID]> = [:]
    var next: Moment?
    var count = 0
    var given: [MessageID] = []
    for (message, known) in missing {
      var waits = known
      if known.due <= now {
        waits.announcers.removeAll { index(ofNeighbor: $0.peer) == nil }
        guard !waits.announcers.isEmpty else {
          given.append(message)
          continue
        }
        if count < bounds.graftsAtOnce {
          asked[waits.announcers.removeFirst().peer, default: []].append(message)
          count += 1
        }
        waits.due = now + bounds.graftAgainAfter
        missing[message] = waits
      }
      next = min(next ?? waits.due, waits.due)
    }
    for message in given { missing[message] = nil }
    self.deadline = next
    for (peer, messages) in asked {
      setEager(true, peer)
      outputs.append(.send(.graft(messages), to: peer))
    }
  }

  // MARK: Neighbours

  private mutating func neighborUp(
    _ peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    guard index(ofNeighbor: peer) == nil else { return }
    let isCutOff = isOrphan || !neighbors.contains(where: \.isEager)
    neighbors.append(Neighbor(peer: peer, isEager: isCutOff || !isFormed))
    if isCutOff { outputs.append(.send(.graft([]), to: peer)) }
    isOrphan = false
    let told = recent.filter { $0.source != peer && now - $0.arrived < bounds.recall }
    guard !told.isEmpty else { return }
    outputs.append(
      .send(.iHave(told.map { Announcement($0.message, round: $0.round) }), to: peer))
  }

  private mutating func neighborDown(_ peer: PeerID, into outputs: inout [Output]) {
    guard let place = index(ofNeighbor: peer) else { return }
    let wasEager = neighbors.remove(at: place).isEager
    guard wasEager, isFormed else { return }
    if refloods {
      for lazy in lazy {
        setEager(true, lazy)
        outputs.append(.send(.graft([]), to: lazy))
      }
      return
    }
    let isCutOff = !neighbors.contains(where: \.isEager)
    guard isCutOff || parent?.peer == peer else { return }
    isOrphan = true
    // Two links further away than we are, it may hear everything through us.
    guard let next = neighbors.filter({ !$0.isEager }).min(by: { $0.round < $1.round }),
      isCutOff || next.round <= (parent?.round ?? 0) + 1
    else { return }
    isOrphan = false
    setEager(true, next.peer)
    outputs.append(.send(.graft([]), to: next.peer))
  }

  private var newestPlace: Int? {
    recent.isEmpty ? nil : (oldest == 0 ? recent.count : oldest) - 1
  }

  private func index(ofNeighbor peer: PeerID) -> Int? {
    neighbors.firstIndex { $0.peer == peer }
  }

  /// Whether that changed anything.
  @discardableResult
  private mutating func setEager(_ isEager: Bool, _ peer: PeerID) -> Bool {
    guard let place = index(ofNeighbor: peer), neighbors[place].isEager != isEager else {
      return false
    }
    neighbors[place].isEager = isEager
    return true
  }

  // MARK: Broadcasts

  private mutating func push(
    _ announcement: Announcement, from peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    let waited = missing.isEmpty ? nil : missing.removeValue(forKey: announcement.message)
    if missing.isEmpty { deadline = nil }
    // What is told outside the tree says nothing about it.
    if announcement.round > 0 {
      isFormed = true
      isOrphan = false
      parent = (peer, announcement.round)
      setEager(true, peer)
    }
    spread(announcement, from: peer, at: now, into: &outputs)
    if let shorter = waited?.announcers.min(by: { $0.round < $1.round }) {
      shorten(announcement, to: shorter.peer, round: shorter.round, at: now, into: &outputs)
    }
  }

  /// Remembers a broadcast and passes it on.
  private mutating func spread(
    _ announcement: Announcement, from source: PeerID?, at now: Moment,
    into outputs: inout [Output]
  ) {
    let known = Recent(
      message: announcement.message, round: announcement.round, source: source, arrived: now)
    if recent.count < bounds.recent {
      recent.append(known)
    } else {
      recent[oldest] = known
      oldest = (oldest + 1) % bounds.recent
    }
    let passed = Announcement(announcement.message, round: announcement.round &+ 1)
    for neighbor in neighbors where neighbor.peer != source {
      outputs.append(
        .send(neighbor.isEager ? .push(passed) : .iHave([announcement]), to: neighbor.peer))
    }
  }

  private mutating func copy(
    _ announcement: Announcement, from peer: PeerID, into outputs: inout [Output]
  ) {
    // Who grafted from two gets two; the first stays in the tree.
    guard let place = index(of: announcement.message), recent[place].source != peer,
      // What came outside the tree first says nothing about the tree.
      recent[place].source == nil || recent[place].round > 0
    else { return }
    setEager(false, peer)
    outputs.append(.send(.prune, to: peer))
  }

  private mutating func iHave(
    _ announcement: Announcement, from peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    if let place = index(ofNeighbor: peer) { neighbors[place].round = announcement.round }
    if let place = index(of: announcement.message) {
      let mine = Announcement(announcement.message, round: recent[place].round)
      return shorten(mine, to: peer, round: announcement.round, at: now, into: &outputs)
    }
    if var known = missing[announcement.message] {
      guard known.announcers.count < bounds.announcers,
        !known.announcers.contains(where: { $0.peer == peer })
      else { return }
      known.announcers.append((peer, announcement.round))
      missing[announcement.message] = known
      return
    }
    guard missing.count < bounds.missing else { return }
    let due = isOrphan ? now : now + bounds.missingAfter
    isOrphan = false
    missing[announcement.message] = Missing(announcers: [(peer, announcement.round)], due: due)
    deadline = min(deadline ?? due, due)
  }

  /// Takes the way over `peer` instead of the one that a broadcast came by, if it is so much shorter.
  private mutating func shorten(
    _ announcement: Announcement, to peer: PeerID, round: UInt32, at now: Moment,
    into outputs: inout [Output]
  ) {
    guard announcement.round > round, announcement.round - round > bounds.shortcut,
      nextShortcut <= now,
      // Only the latest says where broadcasts come from now.
      let place = newestPlace, recent[place].message == announcement.message,
      let source = recent[place].source,
      source != peer, index(ofNeighbor: source) != nil, setEager(true, peer)
    else { return }
    nextShortcut = now + bounds.shortcutAfter
    recent[place].source = peer
    parent = (peer, round &+ 1)
    outputs.append(.send(.graft([]), to: peer))
    setEager(false, source)
    outputs.append(.send(.prune, to: source))
  }

  private mutating func graft(
    _ messages: [MessageID], from peer: PeerID, into outputs: inout [Output]
  ) {
    setEager(true, peer)
    for message in messages.prefix(bounds.announcements) {
      if let place = index(of: message) {
        outputs.append(
          .send(.push(Announcement(message, round: recent[place].round &+ 1)), to: peer))
      } else {
        outputs.append(.recall(message, for: peer))
      }
    }
  }

  /// Newest first: what is looked for is nearly always among the latest.
  private func index(of message: MessageID) -> Int? {
    var place = oldest
    for _ in recent.indices {
      place = (place == 0 ? recent.count : place) - 1
      if recent[place].message == message { return place }
    }
    return nil
  }
}
