import Admission
import Foundation
import Foundations
import Links
import SwiftProtobuf
import Testing
import Wire

@testable import Meeting

/// A member that may admit, at the end of a link, and those that it makes up.
final class Sponsor: Sendable {
  let key: SigningKey
  let links: Links
  let chain: GrantChain
  private let name: String
  private let fingerprint: [UInt8]
  private let now = HostClock().wallTime()

  var id: PeerID { PeerID(publicKey: key.publicKey) }

  init(grantedBy genesis: SigningKey, named name: String = "Mallory") throws {
    self.name = name
    let certificate = try RunCertificate.make(now: now)
    fingerprint = certificate.fingerprint
    links = try Links(certificate: certificate)
    key = SigningKey(from: .system)
    chain = GrantChain.issue(
      genesis: genesis, member: key.publicKey, role: .cohost, mayAdmit: true, at: now)
  }

  private func membership(
    of key: SigningKey, by chain: GrantChain, named name: String
  ) throws -> WireMembership {
    let record = try MemberRecord(
      key: key, name: name, certificateFingerprint: fingerprint,
      sealingKey: SealingKey(from: .system).publicKey, addresses: [],
      capabilities: [MemberRecord.sendsMedia], issued: now)
    return .with {
      $0.record = record.signed
      $0.chain = chain.wire
    }
  }

  /// A member of nobody's, with pictures to send.
  func makeUp(_ number: Int) throws -> (id: PeerID, frame: WireLinkFrame) {
    let made = SigningKey(from: .system)
    let membership = try membership(
      of: made, by: chain.extended(by: key, to: made.publicKey, mayAdmit: false, at: now),
      named: "Made up \(number)")
    return (PeerID(publicKey: made.publicKey), broadcast(membership, by: made))
  }

  /// Its own membership.
  func broadcast() throws -> WireLinkFrame {
    broadcast(try membership(of: key, by: chain, named: name), by: key)
  }

  private func broadcast(_ membership: WireMembership, by key: SigningKey) -> WireLinkFrame {
    .with {
      $0.broadcast = makeBroadcast(
        payload: .with { $0.membership = membership }, number: 1, key: key, meeting: chain.meeting)
    }
  }

  /// A link to the session, once both hellos are said. Until it is closed it answers pings, and
  /// vouches for whomever it is asked about.
  func link(to session: MeetingSession) async throws -> FramedStream {
    let stream = try await links.connect(
      to: NetworkAddress(host: "127.0.0.1", port: await session.parts.listener.port),
      purpose: .link)
    let proof = LinkProof(
      genesisKey: chain.genesisKey, initiator: fingerprint, responder: stream.peerFingerprint)
    stream.send(proof.opening(secrets: .system).wire)
    _ = try #require(await stream.next())
    let own = try membership(of: key, by: chain, named: name)
    stream.send(
      WireLinkFrame.with {
        $0.hello = .with {
          $0.version = protocolVersion
          $0.membership = own
        }
      }.wire)
    _ = try #require(await stream.next())
    Task {
      while let bytes = await stream.next() {
        switch try? WireLinkFrame(wire: bytes).kind {
        case .ping(let ping): stream.send(WireLinkFrame.with { $0.pong.number = ping.number }.wire)
        case .probe(let probe):
          stream.send(
            WireLinkFrame.with {
              $0.probeReply.member = probe.member
              $0.probeReply.number = probe.number
              $0.probeReply.heard = true
            }.wire)
        case _: break
        }
      }
    }
    return stream
  }
}
