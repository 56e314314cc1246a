import Admission
import Capture
import Foundation
import Foundations
import Links
import Roster
import SwiftProtobuf
import Testing
import Wire

@testable import Meeting

/// A whole meeting in this process, on loopback, and somebody at its door who has no grant.
@Suite("Strangers at a meeting's door", .serialized)
struct StrangerTests {
  private let path = NSTemporaryDirectory() + "virtue-" + SecretSource.system.bytes(8).hexadecimal
  private let clock = HostClock()

  /// What the stranger says first on a link, and says it is.
  enum Claim: String, CaseIterable, Sendable {
    case nothing
    case garbage
    /// A hello at once, with no proof that it knows the meeting.
    case noOpening
    /// A proof made with another genesis key.
    case wrongOpening
    /// A right proof, as somebody removed can still make; then a hello with a membership that holds,
    /// of a meeting of its own.
    case otherMeeting
    /// The same, as if it were this meeting's: its grant is signed by another genesis key.
    case forgedGrant
    /// The host's own membership, as a member would know it, over the stranger's certificate.
    case hostsMembership
    case otherVersion
  }

  @Test(
    "Whoever has no grant is told nothing on a link, and nobody hears of it",
    arguments: Claim.allCases)
  func link(claim: Claim) async throws {
    try await withMeeting { session in
      let certificate = try RunCertificate.make(now: clock.wallTime())
      let links = try Links(certificate: certificate)
      let stream = try await links.connect(
        to: NetworkAddress(host: "127.0.0.1", port: await session.parts.listener.port),
        purpose: .link)
      let frames = try await frames(claim, of: session, on: stream, certificate: certificate)
      for frame in frames { stream.send(frame) }
      if frames.isEmpty {
        // Who says nothing is waited for, and told nothing.
        let heard = Task { await stream.next() }
        try await Task.sleep(for: .milliseconds(300))
        stream.close()
        #expect(await heard.value == nil)
      }
      if frames.count == 2 {
        // Who knows the genesis key is shown that this is its meeting, and no more.
        let opened = try #require(await stream.next())
        #expect(try WireLinkOpened(wire: opened).proof.count == 32 && opened.count < 40)
      }
      #expect(await stream.next() == nil, "the stream closes without a word")
      #expect(await session.roster.people.count == 1)
      #expect(await session.streams.isEmpty)
      await links.close()
    }
  }

  @Test("Who answers where a copied tag points is not told who dials it")
  func copiedTag() async throws {
    try await withMeeting { session in
      let links = try Links(certificate: RunCertificate.make(now: clock.wallTime()))
      let listener = try await links.listen(interfaces: ["lo"])
      await session.dial([NetworkAddress(host: "127.0.0.1", port: listener.port)])
      var incoming = listener.incoming.makeAsyncIterator()
      let stream = try #require(await incoming.next())
      let opening = try #require(await stream.next())
      // A nonce and a proof, and nothing that is the same another time.
      #expect(opening.count == 16 + 32 + 4)
      let (key, genesis) = await (session.parts.key.publicKey, session.ticket.chain.genesisKey)
      #expect(!opening.containsSequence(key) && !opening.containsSequence(genesis))
      stream.send(
        WireLinkOpened.with { $0.proof = Data(repeating: 7, count: 32) }.wire)
      #expect(await stream.next() == nil)
      await links.close()
    }
  }

  @Test("Garbage on an admission stream learns neither title, name nor key")
  func admission() async throws {
    try await withMeeting { session in
      let links = try Links(certificate: RunCertificate.make(now: clock.wallTime()))
      let stream = try await links.connect(
        to: NetworkAddress(host: "127.0.0.1", port: await session.parts.listener.port),
        purpose: .admission)
      stream.send((0..<200).map { UInt8($0) })
      var said: [[UInt8]] = []
      while let frame = await stream.next() { said.append(frame) }
      let text = said.map { String(decoding: $0, as: UTF8.self) }.joined()
      #expect(!text.contains("Quarterly figures") && !text.contains("Ada"))
      let key = await session.parts.key.publicKey
      #expect(!said.joined().containsSequence(key))
      await links.close()
    }
  }

  // MARK: -

  private func withMeeting(_ body: (MeetingSession) async throws -> Void) async throws {
    var options = MeetingOptions(name: "Ada", dataDirectory: path)
    options.interfaces = ["lo"]
    let session = try await MeetingSession.host(
      HostOptions(title: "Quarterly figures", uses: 1, life: .seconds(600), isVisible: false),
      options: options)
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      try await body(session)
    } catch {
      await session.leave()
      throw error
    }
    await session.leave()
  }

  private func frames(
    _ claim: Claim, of session: MeetingSession, on stream: FramedStream,
    certificate: RunCertificate
  ) async throws -> [[UInt8]] {
    let key = SigningKey(from: .system)
    let genesis = SigningKey(from: .system)
    let known = await session.ticket.chain.genesisKey
    let record = try MemberRecord(
      key: key, name: "Mallory", certificateFingerprint: certificate.fingerprint,
      sealingKey: SealingKey(from: .system).publicKey, addresses: [], capabilities: [],
      issued: clock.wallTime())
    var membership = WireMembership.with {
      $0.record = record.signed
      $0.chain =
        GrantChain.issue(
          genesis: genesis, member: key.publicKey, role: .host, mayAdmit: true,
          at: clock.wallTime()
        ).wire
    }
    func opening(_ genesisKey: [UInt8]) -> [UInt8] {
      LinkProof(
        genesisKey: genesisKey, initiator: certificate.fingerprint,
        responder: stream.peerFingerprint
      ).opening(secrets: .system).wire
    }
    switch claim {
    case .nothing: return []
    case .garbage: return [[UInt8](repeating: 0x5A, count: 3000)]
    case .noOpening: return [hello(await session.membership, version: protocolVersion)]
    case .wrongOpening: return [opening(genesis.publicKey)]
    case .otherMeeting: break
    case .forgedGrant: membership.chain.genesisKey = Data(known)
    case .hostsMembership: membership = await session.membership
    case .otherVersion: return [opening(known), hello(membership, version: 99)]
    }
    return [opening(known), hello(membership, version: protocolVersion)]
  }

  private func hello(_ membership: WireMembership, version: UInt32) -> [UInt8] {
    WireLinkFrame.with {
      $0.hello = .with {
        $0.version = version
        $0.membership = membership
      }
    }.wire
  }
}

extension Sequence<UInt8> {
  fileprivate func containsSequence(_ other: [UInt8]) -> Bool {
    let own = Array(self)
    guard own.count >= other.count else { return false }
    return (0...(own.count - other.count)).contains {
      Array(own[$0..<$0 + other.count]) == other
    }
  }
}
