package import Foundation
package import Foundations
package import Gossip
import SwiftProtobuf
import Wire

/// Members, the streams between them and the driver of each, in simulated time.
///
/// Streams behave as TCP does: in order, nothing lost while they last. What is sent into a cut waits
/// for the cable; a crash is heard of at once, a hang or a cut is not.
package final class MeetingWorld {
  enum Event {
    case arrive(stream: Int, side: Int, Item)
    case input(host: Int, incarnation: Int, Gossip.Input)
    case wake(host: Int, incarnation: Int)
    case dialEnds(host: Int, incarnation: Int, peer: PeerID)
    case probeEnds(host: Int, incarnation: Int, peer: PeerID, run: [UInt8]?)
    case act((MeetingWorld) -> Void)
  }

  enum Item {
    case up
    case frame(WireLinkFrame)
    case end(orderly: Bool)
  }

  package struct Host {
    package var identity: Identity
    package var gossip: Gossip
    package var incarnation = 0
    package var isRunning = true
    package var isHung = false
    var missed: [Event] = []
    package var up: [PeerID: Moment] = [:]
    /// Of each member that is up, the run of the program that is.
    var runs: [PeerID: [UInt8]] = [:]
    /// The number below which nothing of this run is.
    var firstNumber: UInt64 = 0
    package var neighbors: Set<PeerID> = []
    package var delivered: [String: Int] = [:]
    package var directed: [Data: Int] = [:]
    package var downs: [(member: PeerID, reason: Gossip.DownReason, at: Moment)] = []
    package var complaints: [String] = []
    var scheduled: Moment?
    /// The number of its latest broadcast that was looked at.
    var latestSent: UInt64 = 0
  }

  struct Stream {
    let hosts: [Int]
    /// Whether a side takes part still.
    var open = [true, true]
    var lastArrival = [Moment.zero, Moment.zero]
    var waiting: [(side: Int, item: Item)] = []
  }

  package static let meeting = MeetingID([UInt8](repeating: 7, count: 16))!

  package var now = Moment(nanoseconds: 1_000_000_000)
  package var hosts: [Host] = []
  private var numbers: [PeerID: Int] = [:]
  var streams: [Stream] = []
  package var chance: SeededGenerator
  package var problems: [String] = []
  package private(set) var dials = 0
  /// Connections that only asked whether somebody is there.
  package private(set) var probes = 0
  /// Frames sent since ``forgetSent()`` and their bytes, by kind.
  package private(set) var sent: [String: (count: Int, bytes: Int)] = [:]
  /// How often somebody who was there was accused of being gone, and was taken for lost; that a former
  /// run is gone is true.
  package private(set) var falseAccusations = 0
  package private(set) var falseLosses = 0
  /// Grows with every event, so that two runs can be compared.
  package private(set) var trace: UInt64 = 14_695_981_039_346_656_037
  private var heap = EventHeap<Event>()
  private var cuts: Set<Int> = []
  private let latency: ClosedRange<Int64>
  private let bounds: GossipBounds

  package init(
    seed: UInt64, latency: ClosedRange<Int64> = 200_000...3_000_000,
    bounds: GossipBounds = GossipBounds()
  ) {
    chance = SeededGenerator(seed: seed)
    self.latency = latency
    self.bounds = bounds
  }

  // MARK: Members

  package func add(_ identity: Identity) -> Int {
    let gossip = Gossip(
      me: identity.id, meeting: Self.meeting, key: identity.key, membership: identity.membership,
      firstNumber: UInt64(now.nanoseconds), seed: chance.next(), bounds: bounds)
    hosts.append(
      Host(identity: identity, gossip: gossip, firstNumber: UInt64(now.nanoseconds)))
    numbers[identity.id] = hosts.count - 1
    return hosts.count - 1
  }

  /// The host starts anew with another record of the same key.
  package func restart(_ host: Int, as identity: Identity) {
    hosts[host].incarnation += 1
    hosts[host].identity = identity
    hosts[host].gossip = Gossip(
      me: identity.id, meeting: Self.meeting, key: identity.key, membership: identity.membership,
      firstNumber: UInt64(now.nanoseconds), seed: chance.next(), bounds: bounds)
    hosts[host].isRunning = true
    hosts[host].firstNumber = UInt64(now.nanoseconds)
    hosts[host].up = [:]
    hosts[host].runs = [:]
    hosts[host].scheduled = nil
  }

  /// What admission does: `contact` tells the newcomer of itself and some others.
  package func join(_ host: Int, through contact: Int) {
    admit(hosts[contact].identity.record, at: host)
    for record in hosts[contact].gossip.present.prefix(15) {
      admit(record, at: host)
    }
  }

  /// Everybody was let in by a host, and so answers for itself.
  private func admit(_ record: MemberRecord, at host: Int) {
    input(host, .admitted(record, sponsor: record.id))
  }

  package func crash(_ host: Int) {
    hosts[host].isRunning = false
    for stream in streams.indices where streams[stream].hosts.contains(host) {
      let side = streams[stream].hosts[0] == host ? 0 : 1
      finish(stream, side: side, orderly: false)
    }
  }

  package func hang(_ host: Int) { hosts[host].isHung = true }

  package func resume(_ host: Int) {
    hosts[host].isHung = false
    let missed = hosts[host].missed
    hosts[host].missed = []
    for event in missed { heap.insert(event, at: now) }
    schedule(host)
  }

  package func leave(_ host: Int) {
    input(host, .leave)
    hosts[host].isRunning = false
  }

  package func cut(_ left: some Sequence<Int>, from right: some Sequence<Int>) {
    for one in left { for other in right { cuts.insert(Self.pair(one, other)) } }
  }

  package func heal() {
    cuts = []
    for stream in streams.indices {
      let waiting = streams[stream].waiting
      streams[stream].waiting = []
      for (side, item) in waiting { transmit(item, on: stream, to: side) }
    }
  }

  private static func pair(_ one: Int, _ other: Int) -> Int {
    min(one, other) << 32 | max(one, other)
  }

  private func areCut(_ one: Int, _ other: Int) -> Bool {
    !cuts.isEmpty && cuts.contains(Self.pair(one, other))
  }

  // MARK: Time

  package func after(_ duration: Duration, _ act: @escaping (MeetingWorld) -> Void) {
    heap.insert(.act(act), at: now + duration)
  }

  package func run(for duration: Duration) {
    let end = now + duration
    while let (moment, event) = heap.popFirst(by: end) {
      now = max(now, moment)
      perform(event)
    }
    now = end
  }

  private func perform(_ event: Event) {
    switch event {
    case .act(let act): act(self)
    case .arrive(let stream, let side, let item):
      arrive(item, on: stream, side: side, event)
    case .input(let host, let incarnation, let input):
      guard isAwake(host, incarnation, event) else { return }
      self.input(host, input)
    case .wake(let host, let incarnation):
      guard isAwake(host, incarnation, event) else { return }
      hosts[host].scheduled = nil
      guard let deadline = hosts[host].gossip.deadline, deadline <= now else {
        schedule(host)
        return
      }
      note(host, 1)
      var outputs: [Gossip.Output] = []
      hosts[host].gossip.wake(at: now, into: &outputs)
      carryOut(outputs, of: host)
    case .dialEnds(let host, let incarnation, let peer):
      guard isAwake(host, incarnation, event) else { return }
      endDial(host, peer)
    case .probeEnds(let host, let incarnation, let peer, let run):
      guard isAwake(host, incarnation, event) else { return }
      let isThere = reached(peer, from: host).map {
        hosts[$0].identity.record.certificateFingerprint == run
      }
      input(host, .probed(peer, isThere: isThere ?? false))
    }
  }

  private func isAwake(_ host: Int, _ incarnation: Int, _ event: Event) -> Bool {
    guard hosts[host].isRunning, hosts[host].incarnation == incarnation else { return false }
    if hosts[host].isHung { hosts[host].missed.append(event) }
    return !hosts[host].isHung
  }

  package func input(_ host: Int, _ input: Gossip.Input) {
    guard hosts[host].isRunning else { return }
    note(host, 2)
    var outputs: [Gossip.Output] = []
    hosts[host].gossip.handle(input, at: now, into: &outputs)
    carryOut(outputs, of: host)
  }

  private func schedule(_ host: Int) {
    guard let deadline = hosts[host].gossip.deadline else { return }
    let moment = max(deadline, now)
    if let scheduled = hosts[host].scheduled, scheduled <= moment, scheduled >= now { return }
    hosts[host].scheduled = moment
    heap.insert(.wake(host: host, incarnation: hosts[host].incarnation), at: moment)
  }

  private func note(_ host: Int, _ kind: Int) {
    for value in [UInt64(bitPattern: now.nanoseconds), UInt64(host), UInt64(kind)] {
      trace = (trace ^ value) &* 1_099_511_628_211
    }
  }

  // MARK: Drivers

  private func carryOut(_ outputs: [Gossip.Output], of host: Int) {
    for output in outputs { carryOut(output, of: host) }
    schedule(host)
  }

  private func carryOut(_ output: Gossip.Output, of host: Int) {
    let incarnation = hosts[host].incarnation
    switch output {
    case .dial(let peer, _):
      dials += 1
      note(host, 3)
      heap.insert(
        .dialEnds(host: host, incarnation: incarnation, peer: peer), at: now + handshake(host, peer)
      )
    case .probe(let peer, _):
      probes += 1
      note(host, 5)
      let run = hosts[host].runs[peer]
      heap.insert(
        .probeEnds(host: host, incarnation: incarnation, peer: peer, run: run),
        at: now + handshake(host, peer))
    case .send(let link, let frame):
      note(host, 4)
      count(frame)
      if case .broadcast(let broadcast) = frame.kind { note(broadcast, by: host) }
      transmit(.frame(frame), on: Int(link / 2), to: 1 - Int(link % 2))
    case .close(let link, _):
      finish(Int(link / 2), side: Int(link % 2), orderly: true)
    case .deliver(let payload, let author):
      let text = String(decoding: payload.entry.entry, as: UTF8.self)
      hosts[host].delivered[text, default: 0] += 1
      if author == hosts[host].identity.id { problems.append("a broadcast came back") }
    case .introduction(_, let record):
      heap.insert(
        .input(host: host, incarnation: incarnation, .admitted(record, sponsor: record.id)),
        at: now + .microseconds(Int64.random(in: 0...3000, using: &chance)))
    case .compareRemovals, .deliverRemovals: break
    case .deliverDirected(let directed): hosts[host].directed[directed.ciphertext, default: 0] += 1
    case .memberUp(let record):
      if hosts[host].up.updateValue(now, forKey: record.id) != nil { problems.append("up twice") }
      hosts[host].runs[record.id] = record.certificateFingerprint
    case .memberChanged(let record):
      if hosts[host].up[record.id] == nil { problems.append("changed while away") }
    case .memberDown(let id, let reason):
      if hosts[host].up.removeValue(forKey: id) == nil { problems.append("down twice") }
      if hosts[host].neighbors.contains(id) { problems.append("down while a neighbour") }
      hosts[host].downs.append((id, reason, now))
      let run = hosts[host].runs.removeValue(forKey: id)
      if reason == .lost, isThere(id, { $0.identity.record.certificateFingerprint == run }) {
        falseLosses += 1
      }
    case .neighborUp(let id):
      if hosts[host].up[id] == nil { problems.append("a neighbour that isn't here") }
      hosts[host].neighbors.insert(id)
    case .neighborDown(let id):
      if hosts[host].neighbors.remove(id) == nil { problems.append("no neighbour twice") }
    case .misbehaviour(_, let what): hosts[host].complaints.append(what)
    }
  }

  /// Whether the member is there, in the run that is meant.
  private func isThere(_ member: PeerID, _ isMeant: (Host) -> Bool) -> Bool {
    guard let host = numbers[member].map({ hosts[$0] }) else { return false }
    return host.isRunning && !host.isHung && isMeant(host)
  }

  /// Counts whom the host's own broadcasts accuse, each once.
  private func note(_ broadcast: WireBroadcast, by host: Int) {
    guard broadcast.number > hosts[host].latestSent,
      Array(broadcast.authorKey) == hosts[host].identity.key.publicKey,
      let payload = try? WirePayload(wire: Array(broadcast.payload)),
      case .suspicion(let suspicion) = payload.kind
    else { return }
    hosts[host].latestSent = broadcast.number
    falseAccusations += suspicion.suspects.count { suspect in
      PeerID(suspect.member).map { id in
        isThere(id) { suspect.statement >= $0.firstNumber }
      } ?? false
    }
  }

  /// A handshake is some round trips; a dead address doesn't answer.
  private func handshake(_ host: Int, _ peer: PeerID) -> Duration {
    let isSilent = numbers[peer].map { areCut(host, $0) || hosts[$0].isHung } ?? false
    return isSilent ? .milliseconds(1500) : delay() + delay() + delay()
  }

  private func reached(_ peer: PeerID, from host: Int) -> Int? {
    numbers[peer].flatMap { target in
      hosts[target].isRunning && !hosts[target].isHung && !areCut(host, target) ? target : nil
    }
  }

  private func endDial(_ host: Int, _ peer: PeerID) {
    guard let target = reached(peer, from: host) else { return input(host, .dialFailed(peer)) }
    streams.append(Stream(hosts: [host, target]))
    let stream = streams.count - 1
    transmit(.up, on: stream, to: 0)
    transmit(.up, on: stream, to: 1)
  }

  // MARK: Streams

  /// With what a frame's length and a TLS record take.
  private static let recordOverhead = 4 + 22

  private func count(_ frame: WireLinkFrame) {
    let kind = frame.kind.flatMap { Mirror(reflecting: $0).children.first?.label } ?? "empty"
    let former = sent[kind] ?? (0, 0)
    sent[kind] = (former.count + 1, former.bytes + frame.wire.count + Self.recordOverhead)
  }

  package func forgetSent() {
    sent = [:]
    dials = 0
    probes = 0
  }

  private func delay() -> Duration {
    .nanoseconds(Int64.random(in: latency, using: &chance))
  }

  private func transmit(_ item: Item, on stream: Int, to side: Int) {
    if areCut(streams[stream].hosts[0], streams[stream].hosts[1]) {
      streams[stream].waiting.append((side, item))
      return
    }
    let moment = max(now + delay(), streams[stream].lastArrival[side])
    streams[stream].lastArrival[side] = moment
    heap.insert(.arrive(stream: stream, side: side, item), at: moment)
  }

  private func finish(_ stream: Int, side: Int, orderly: Bool) {
    guard streams[stream].open[side] else { return }
    streams[stream].open[side] = false
    transmit(.end(orderly: orderly), on: stream, to: 1 - side)
  }

  private func arrive(_ item: Item, on stream: Int, side: Int, _ event: Event) {
    let host = streams[stream].hosts[side]
    guard streams[stream].open[side], hosts[host].isRunning else { return }
    if hosts[host].isHung {
      hosts[host].missed.append(event)
      return
    }
    if areCut(streams[stream].hosts[0], streams[stream].hosts[1]) {
      streams[stream].waiting.append((side, item))
      return
    }
    let link = LinkID(stream * 2 + side)
    switch item {
    case .up:
      let peer = hosts[streams[stream].hosts[1 - side]].identity
      admit(peer.record, at: host)
      input(host, .linkUp(link, peer.id, isInitiator: side == 0))
    case .frame(let frame): input(host, .received(link, frame))
    case .end(let orderly):
      streams[stream].open[side] = false
      input(host, .linkDown(link, orderly: orderly))
    }
  }

  // MARK: What is to be seen

  /// Streams that both ends keep, between each pair.
  package func openStreams(_ one: Int, _ other: Int) -> Int {
    streams.count { $0.open == [true, true] && Set($0.hosts) == [one, other] }
  }

  /// Members to which a host has a link.
  package func neighbours(of host: Int) -> Int {
    hosts.indices.count { $0 != host && hosts[$0].isRunning && openStreams(host, $0) > 0 }
  }

  package func isComplete(_ group: some Collection<Int>) -> Bool {
    group.allSatisfy { host in
      let others = group.filter { $0 != host }.map { hosts[$0].identity.id }
      return Set(hosts[host].up.keys) == Set(others)
        && Set(hosts[host].gossip.present.map(\.id)) == Set(others)
    }
  }
}
