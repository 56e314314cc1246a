import Admission
import Foundation
import Foundations
import Gossip
import Links
import SwiftProtobuf
import Testing
import Wire

@testable import Meeting

/// Members who were there when a host removed many, and others who come later.
@Suite("Removals told over links", .serialized, .timeLimit(.minutes(1)))
struct RemovalExchangeTests {
  private let genesis = SigningKey(from: .system)
  private let host = SigningKey(from: .system)
  private let path = NSTemporaryDirectory() + "virtue-" + SecretSource.system.bytes(8).hexadecimal
  private let now = HostClock().wallTime()

  private func chain(of key: SigningKey, _ role: MemberRole = .member) -> GrantChain {
    GrantChain.issue(
      genesis: genesis, member: key.publicKey, role: role, mayAdmit: role == .host, at: now)
  }

  private func removals(of keys: [SigningKey]) throws -> RevocationSet {
    var set = RevocationSet(genesisKey: genesis.publicKey)
    let chain = chain(of: host, .host)
    for key in keys {
      try set.insert(
        Revocation(
          of: key.publicKey, by: host, chain: chain, lastEntry: nil, standing: [], at: now))
    }
    return set
  }

  private func session(_ name: String, removals: RevocationSet) async throws -> MeetingSession {
    var options = MeetingOptions(name: name, dataDirectory: "\(path)/\(name)")
    options.interfaces = ["lo"]
    let parts = try await SessionParts.open(options)
    let chain = chain(of: parts.key)
    let events = EventChannel()
    return try MeetingSession(
      parts: parts,
      ticket: MeetingTicket(
        meeting: chain.meeting, title: "Many", chain: chain, securityWords: nil),
      stored: [], removals: removals.removals, firstSteps: [], visible: nil,
      media: MeetingMedia(parts: parts, emit: events.emit), events: events)
  }

  @Test(
    "A newcomer that meets a plain member refuses the last of two hundred that were removed",
    arguments: [true, false])
  func newcomer(dials: Bool) async throws {
    let keys = (0..<200).map { _ in SigningKey(from: .system) }
    let held = try removals(of: keys)
    let last = try #require(
      keys.max { PeerID(publicKey: $0.publicKey) < PeerID(publicKey: $1.publicKey) })
    #expect(held.wire().count == 64, "what a hello holds")
    let ben = try await session("Ben", removals: held)
    let cleo = try await session("Cleo", removals: RevocationSet(genesisKey: genesis.publicKey))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let (first, second) = dials ? (ben, cleo) : (cleo, ben)
    await first.start(members: [], peers: [])
    let port = await first.parts.listener.port
    await second.start(members: [], peers: [NetworkAddress(host: "127.0.0.1", port: port)])
    let start = ContinuousClock.now
    while await cleo.revocations != held, start.duration(to: .now) < .seconds(5) {
      try await Task.sleep(for: .milliseconds(10))
    }
    let count = await cleo.revocations.wire(limit: .max).count
    print("\(count) removals after \(start.duration(to: .now))")
    #expect(await cleo.revocations == held)
    let eve = try FileMember(grantedBy: genesis, key: last)
    let stream = try await eve.open(to: cleo)
    #expect(await stream.next() == nil, "who was removed is told nothing")
    let friend = try FileMember(grantedBy: genesis)
    _ = try await friend.connect(to: cleo)
    await eve.links.close()
    await friend.links.close()
    await cleo.leave()
    await ben.leave()
  }

  @Test("What one neighbour tells goes on over a link that was there before")
  func older() async throws {
    let keys = (0..<100).map { _ in SigningKey(from: .system) }
    let held = try removals(of: keys)
    let none = RevocationSet(genesisKey: genesis.publicKey)
    let ben = try await session("Ben", removals: none)
    let cleo = try await session("Cleo", removals: none)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let journal = EventJournal(cleo.events)
    await ben.start(members: [], peers: [])
    let port = await ben.parts.listener.port
    await cleo.start(members: [], peers: [NetworkAddress(host: "127.0.0.1", port: port)])
    await journal.count(reaches: 1) { if case .memberJoined = $0 { true } else { false } }
    // It reaches Ben alone, and tells nothing by broadcast.
    let friend = try FileMember(grantedBy: genesis)
    let stream = try await friend.connect(to: ben, purpose: .link)
    for some in [held.wire(limit: .max).prefix(64), held.wire(limit: .max).dropFirst(64)] {
      stream.send(WireLinkFrame.with { $0.removals.revocations = Array(some) }.wire)
    }
    let start = ContinuousClock.now
    while await cleo.revocations != held, start.duration(to: .now) < .seconds(10) {
      try await Task.sleep(for: .milliseconds(10))
    }
    print("went on after \(start.duration(to: .now))")
    #expect(await cleo.revocations == held)
    await friend.links.close()
    await cleo.leave()
    await ben.leave()
  }

  /// 300, told in five frames.
  private func many() throws -> RevocationSet {
    let keys = (0..<256).map { _ in SigningKey(from: .system) }
    var held = try removals(of: keys)
    let cohost = SigningKey(from: .system)
    let chain = chain(of: cohost, .cohost)
    for key in keys.prefix(44) {
      try held.insert(
        Revocation(
          of: key.publicKey, by: cohost, chain: chain, lastEntry: nil, standing: [], at: now))
    }
    return held
  }

  private let other = [UInt8](repeating: 1, count: 32)

  @Test("All of them are told over each link, a part a second, and nothing to who holds them")
  func turns() throws {
    let held = try many()
    var exchange = RemovalExchange()
    for link: LinkID in 1...2 {
      #expect(exchange.begin(link, with: held).removalsDigest.digest == Data(held.digest))
    }
    #expect(exchange.compare(held.digest, on: 1, with: held).isEmpty)
    let some = exchange.compare(other, on: 2, with: held)
    #expect(exchange.compare([4], on: 2, with: held).isEmpty, "it was asked before")
    let rest = exchange.turn(of: 2, with: held)
    #expect(some.count == RemovalExchange.framesATurn && rest.count == 1)
    #expect(exchange.turn(of: 2, with: held).isEmpty && exchange.turn(of: 3, with: held).isEmpty)
    let told = (some + rest).flatMap(\.removals.revocations)
    #expect((some + rest).allSatisfy { $0.removals.revocations.count <= WireBounds.revocations })
    var taken = RevocationSet(genesisKey: genesis.publicKey)
    taken.insert(contentsOf: told)
    #expect(told.count == 300 && taken.digest == held.digest)
    // What is to be told over a link that ended is forgotten.
    _ = exchange.begin(4, with: held)
    _ = exchange.compare(other, on: 4, with: held)
    exchange.end(4)
    #expect(exchange.turn(of: 4, with: held).isEmpty)
  }

  @Test("News is said to who lacks it and not to who has it by then")
  func news() throws {
    let none = RevocationSet(genesisKey: genesis.publicKey)
    let held = try many()
    var exchange = RemovalExchange()
    for link: LinkID in 1...2 {
      _ = exchange.begin(link, with: none)
      #expect(exchange.compare(none.digest, on: link, with: none).isEmpty)
      #expect(exchange.turn(of: link, with: none).isEmpty)
      let said = exchange.turn(of: link, with: held)
      #expect(said.map(\.removalsDigest.digest) == [Data(held.digest)])
    }
    #expect(exchange.compare(held.digest, on: 1, with: held).isEmpty)
    #expect(exchange.turn(of: 1, with: held).isEmpty)
    #expect(exchange.turn(of: 2, with: held).count == RemovalExchange.framesATurn)
  }

  @Test("Who says another digest all the time is told again ever more seldom")
  func again() throws {
    let held = try many()
    var exchange = RemovalExchange()
    _ = exchange.begin(1, with: held)
    _ = exchange.compare(other, on: 1, with: held)
    var turns: [Int] = []
    for turn in 1...600 {
      var said = other
      said[0] = UInt8(turn % 251)
      #expect(exchange.compare(said, on: 1, with: held).isEmpty)
      let digest = exchange.turn(of: 1, with: held).first?.removalsDigest.digest
      if digest == Data(held.digest) { turns.append(turn) }
    }
    print("told again after \(turns) s")
    #expect(turns.count == 6 && turns[0] >= RemovalExchange.patience)
    // Who has all at last isn't.
    #expect(exchange.compare(held.digest, on: 1, with: held).isEmpty)
    #expect((1...2000).allSatisfy { _ in exchange.turn(of: 1, with: held).isEmpty })
  }
}
