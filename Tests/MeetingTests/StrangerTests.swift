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
    /// A membership that holds, of a meeting of its own.
    case otherMeeting
    /// The same, as if it were this meeting's: its grant is signed by another genesis key.
    case forgedGrant
    /// The host's own membership, as a member would know it, over the stranger's certificate.
    case hostsMembership
    case otherVersion
  }

  @Test(
    "Whoever has no grant gets not one byte on a link, and nobody hears of it",
    arguments: Claim.allCases)
  func link(claim: Claim) async throws {
    try await withMeeting { session in
      let certificate = try RunCertificate.make(now: clock.wallTime())
      let links = try Links(certificate: certificate)
      let stream = try await links.connect(
        to: NetworkAddress(host: "127.0.0.1", port: await session.parts.listener.port),
        purpose: .link)
      if let frame = try await firstFrame(claim, of: session, certificate: certificate) {
        stream.send(frame)
        #expect(await stream.next() == nil, "the stream closes without a word")
      } else {
        // Who says nothing is waited for, and told nothing.
        let heard = Task { await stream.next() }
        try await Task.sleep(for: .milliseconds(300))
        stream.close()
        #expect(await heard.value == nil)
      }
      #expect(await session.roster.people.count == 1)
      #expect(await session.streams.isEmpty)
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

  private func firstFrame(
    _ claim: Claim, of session: MeetingSession, certificate: RunCertificate
  ) async throws -> [UInt8]? {
    switch claim {
    case .nothing: return nil
    case .garbage: return [UInt8](repeating: 0x5A, count: 3000)
    case .otherMeeting, .forgedGrant, .otherVersion:
      let key = SigningKey(from: .system)
      let genesis = SigningKey(from: .system)
      var chain = GrantChain.issue(
        genesis: genesis, member: key.publicKey, role: .host, mayAdmit: true,
        at: clock.wallTime()
      ).wire
      if claim == .forgedGrant {
        chain.genesisKey = Data(await session.ticket.chain.genesisKey)
      }
      let record = try MemberRecord(
        key: key, name: "Mallory", certificateFingerprint: certificate.fingerprint,
        sealingKey: SealingKey(from: .system).publicKey, addresses: [], capabilities: [],
        issued: clock.wallTime())
      return hello(
        WireMembership.with {
          $0.record = record.signed
          $0.chain = chain
        }, version: claim == .otherVersion ? 99 : protocolVersion)
    case .hostsMembership:
      return hello(await session.membership, version: protocolVersion)
    }
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
