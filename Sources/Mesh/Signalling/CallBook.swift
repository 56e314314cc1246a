package import Foundations

/// Which members have a call, where more are here than can have one.
///
/// A call costs an agent with its sockets, and goes on for as long as its member is here; a membership
/// costs whoever may admit a signature. So a member that has shown that it is there has a call, and of
/// those that never did a few at a time are tried. Where there is no room, the sponsor with the most calls
/// makes it (push-out of the longest queue): nobody fills this member's room with keys that it made up.
package struct CallBook: Machine {
  package enum Input: Sendable {
    /// The member is here, and media may flow between us. `sponsor` answers for it.
    case wanted(PeerID, sponsor: PeerID)
    /// It has shown that it is there: a signal of it came, or there is a link to it.
    case heard(PeerID)
    /// It isn't here any more.
    case unwanted(PeerID)
  }

  package enum Output: Hashable, Sendable {
    case begin(PeerID)
    /// It makes room for another, or is here no more.
    case end(PeerID)
    /// The member is there, and there is no room for it until another's call ends.
    case leftOut(PeerID)
  }

  /// Calls at once: each sends to each, and pictures of 1.5 Mbit/s to 64 fill an Ethernet of 100 Mbit/s.
  /// With an IPv4 and an IPv6 address they take 128 of the 200 ports that `--port` has for media.
  package static let most = 64
  /// Members that never were heard and are tried at once, beside those: as many where we offer, which takes
  /// an agent, as where they do, which takes a message. Who is there answers within a few round trips, so
  /// that thirty are through within a second.
  package static let mostTried = 8
  /// The same, of one sponsor: others have a turn whatever it makes up.
  package static let mostTriedOfSponsor = 4
  /// How long a try lasts where others wait for theirs: no second offer is made in it, but the side that
  /// waits for an offer asks for one (``Signalling/answerLimit``, ``Signalling/offerLimit``).
  package static let turn = Duration.seconds(4)

  private enum Standing: Sendable {
    /// Never heard, and not its turn. Exits: tried, calling or left out (heard).
    case waiting
    /// Never heard. Exits: waiting (its turn is over), calling or left out (heard).
    case tried(until: Moment)
    /// Exits: left out (another's call goes before).
    case calling
    /// Heard, without room. Exits: calling.
    case leftOut
  }

  private struct Member: Sendable {
    let sponsor: PeerID
    var standing = Standing.waiting
    /// Who waits the longest is next.
    var place: UInt64
  }

  private struct Sponsor: Sendable {
    var members = 0
    /// When one of its members was tried last: sponsors take turns.
    var served: UInt64 = 0
  }

  private let me: PeerID
  private var members: [PeerID: Member] = [:]
  private var sponsors: [PeerID: Sponsor] = [:]
  /// In the order in which they began, as `calling`.
  private var tried: [PeerID] = []
  private var calling: [PeerID] = []
  private var waitingCount = 0
  private var leftOutCount = 0
  private var nextPlace: UInt64 = 1

  package init(me: PeerID) {
    self.me = me
  }

  /// Nobody's turn ends while nobody else waits.
  package var deadline: Moment? {
    waitingCount > 0 ? tried.compactMap(turnEnd).min() : nil
  }

  package mutating func handle(_ input: Input, at now: Moment, into outputs: inout [Output]) {
    switch input {
    case .wanted(let id, let sponsor):
      guard members[id] == nil else { return }
      sponsors[sponsor, default: Sponsor()].members += 1
      members[id] = Member(sponsor: sponsor, place: takePlace())
      waitingCount += 1
      if mayTry(of: sponsor, asOfferer: me < id) { begin(trying: id, at: now, into: &outputs) }
    case .heard(let id): heard(id, at: now, into: &outputs)
    case .unwanted(let id): forget(id, at: now, into: &outputs)
    }
  }

  package mutating func wake(at now: Moment, into outputs: inout [Output]) {
    guard waitingCount > 0 else { return }
    for id in tried {
      guard let end = turnEnd(of: id), end <= now else { continue }
      endTurn(of: id, at: now, into: &outputs)
    }
  }

  // MARK: - Those that were heard

  private mutating func heard(_ id: PeerID, at now: Moment, into outputs: inout [Output]) {
    guard let member = members[id] else { return }
    let wasTried: Bool
    switch member.standing {
    case .calling, .leftOut: return
    case .waiting: wasTried = false
    case .tried: wasTried = true
    }
    if wasTried { tried.removeAll { $0 == id } } else { waitingCount -= 1 }
    if makeRoom(for: member.sponsor, into: &outputs) {
      call(id)
      if !wasTried { outputs.append(.begin(id)) }
    } else {
      leaveOut(id, into: &outputs)
      if wasTried { outputs.append(.end(id)) }
    }
    if wasTried { tryNext(asOfferer: me < id, at: now, into: &outputs) }
  }

  private mutating func makeRoom(for sponsor: PeerID, into outputs: inout [Output]) -> Bool {
    guard calling.count >= Self.most else { return true }
    guard let last = lastOfLargest(besides: sponsor) else { return false }
    calling.removeAll { $0 == last }
    leaveOut(last, into: &outputs)
    outputs.append(.end(last))
    return true
  }

  /// The latest call of the sponsor that has the most, if it has more than `sponsor` will have: so nobody is
  /// pushed out to and fro.
  private func lastOfLargest(besides sponsor: PeerID) -> PeerID? {
    let counts = counts(of: calling)
    guard let most = counts.values.max(), most > counts[sponsor, default: 0] + 1 else { return nil }
    return calling.last { members[$0].map { counts[$0.sponsor] == most } ?? false }
  }

  private mutating func call(_ id: PeerID) {
    members[id]?.standing = .calling
    calling.append(id)
  }

  private mutating func leaveOut(_ id: PeerID, into outputs: inout [Output]) {
    let place = takePlace()
    members[id]?.standing = .leftOut
    members[id]?.place = place
    leftOutCount += 1
    outputs.append(.leftOut(id))
  }

  private mutating func callNext(into outputs: inout [Output]) {
    while calling.count < Self.most, leftOutCount > 0 {
      let counts = counts(of: calling)
      let next = members.filter { if case .leftOut = $0.value.standing { true } else { false } }
        .min { rank($0.value, counts) < rank($1.value, counts) }
      guard let next else { return }
      leftOutCount -= 1
      call(next.key)
      outputs.append(.begin(next.key))
    }
  }

  private func rank(_ member: Member, _ counts: [PeerID: Int]) -> (Int, UInt64) {
    (counts[member.sponsor, default: 0], member.place)
  }

  // MARK: - Those that weren't

  private func mayTry(of sponsor: PeerID, asOfferer: Bool) -> Bool {
    let others = tried.filter { (me < $0) == asOfferer }
    return others.count < Self.mostTried
      && counts(of: others)[sponsor, default: 0] < Self.mostTriedOfSponsor
      && (calling.count < Self.most || lastOfLargest(besides: sponsor) != nil)
  }

  private mutating func begin(
    trying id: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    start(trying: id, at: now)
    outputs.append(.begin(id))
  }

  private mutating func start(trying id: PeerID, at now: Moment) {
    guard let sponsor = members[id]?.sponsor else { return }
    let place = takePlace()
    members[id]?.standing = .tried(until: now + Self.turn)
    sponsors[sponsor]?.served = place
    tried.append(id)
    waitingCount -= 1
  }

  private mutating func endTurn(of id: PeerID, at now: Moment, into outputs: inout [Output]) {
    let place = takePlace()
    tried.removeAll { $0 == id }
    members[id]?.standing = .waiting
    members[id]?.place = place
    waitingCount += 1
    guard let next = nextToTry(asOfferer: me < id) else { return outputs.append(.end(id)) }
    // Nobody else may: it goes on.
    if next == id { return start(trying: id, at: now) }
    outputs.append(.end(id))
    begin(trying: next, at: now, into: &outputs)
  }

  private mutating func tryNext(
    asOfferer: Bool, at now: Moment, into outputs: inout [Output]
  ) {
    while let next = nextToTry(asOfferer: asOfferer) {
      begin(trying: next, at: now, into: &outputs)
    }
  }

  private func nextToTry(asOfferer: Bool) -> PeerID? {
    guard waitingCount > 0, tried.count(where: { (me < $0) == asOfferer }) < Self.mostTried else {
      return nil
    }
    let eligible = sponsors.filter { mayTry(of: $0.key, asOfferer: asOfferer) }
    var best: (id: PeerID, served: UInt64, place: UInt64)?
    for (id, member) in members where (me < id) == asOfferer {
      guard case .waiting = member.standing, let served = eligible[member.sponsor]?.served else {
        continue
      }
      if let best, (best.served, best.place) < (served, member.place) { continue }
      best = (id, served, member.place)
    }
    return best?.id
  }

  private func turnEnd(of id: PeerID) -> Moment? {
    guard case .tried(let until)? = members[id]?.standing else { return nil }
    return until
  }

  // MARK: -

  private mutating func forget(_ id: PeerID, at now: Moment, into outputs: inout [Output]) {
    guard let member = members.removeValue(forKey: id) else { return }
    sponsors[member.sponsor]?.members -= 1
    if sponsors[member.sponsor]?.members == 0 { sponsors[member.sponsor] = nil }
    switch member.standing {
    case .waiting: waitingCount -= 1
    case .leftOut: leftOutCount -= 1
    case .tried:
      tried.removeAll { $0 == id }
      outputs.append(.end(id))
      tryNext(asOfferer: me < id, at: now, into: &outputs)
    case .calling:
      calling.removeAll { $0 == id }
      outputs.append(.end(id))
      callNext(into: &outputs)
      // Who had no prospect of room may have some now.
      for asOfferer in [true, false] { tryNext(asOfferer: asOfferer, at: now, into: &outputs) }
    }
  }

  private func counts(of ids: [PeerID]) -> [PeerID: Int] {
    var counts: [PeerID: Int] = [:]
    for id in ids { if let sponsor = members[id]?.sponsor { counts[sponsor, default: 0] += 1 } }
    return counts
  }

  private mutating func takePlace() -> UInt64 {
    defer { nextPlace += 1 }
    return nextPlace
  }
}
