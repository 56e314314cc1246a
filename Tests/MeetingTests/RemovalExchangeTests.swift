import Admission
import Foundation
import Foundations
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

  @Test("All of them are told once over each link, a part a second, and nothing to who holds them")
  func turns() throws {
    let keys = (0..<256).map { _ in SigningKey(from: .system) }
    var held = try removals(of: keys)
    let cohost = SigningKey(from: .system)
    let chain = chain(of: cohost, .cohost)
    for key in keys.prefix(44) {
      try held.insert(
        Revocation(
          of: key.publicKey, by: cohost, chain: chain, lastEntry: nil, standing: [], at: now))
    }
    var exchange = RemovalExchange()
    let own = Array(held.digest)
    #expect(exchange.compare(own, on: 1, with: held).isEmpty)
    #expect(exchange.compare([], on: 1, with: held).isEmpty, "it was asked before")
    let some = exchange.compare([1, 2, 3], on: 2, with: held)
    #expect(exchange.compare([4], on: 2, with: held).isEmpty)
    let rest = exchange.turn(of: 2)
    #expect(some.count == RemovalExchange.framesATurn && rest.count == 1)
    #expect(exchange.turn(of: 2).isEmpty && exchange.turn(of: 3).isEmpty)
    let told = (some + rest).flatMap(\.removals.revocations)
    #expect((some + rest).allSatisfy { $0.removals.revocations.count <= WireBounds.revocations })
    var other = RevocationSet(genesisKey: genesis.publicKey)
    other.insert(contentsOf: told)
    #expect(told.count == 300 && other.digest == held.digest)
    // What is to be told over a link that ended is forgotten.
    _ = exchange.compare([], on: 4, with: held)
    exchange.end(4)
    #expect(exchange.turn(of: 4).isEmpty)
  }
}
