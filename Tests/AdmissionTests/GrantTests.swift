import Foundation
import Foundations
import SwiftProtobuf
import Testing
import Wire

@testable import Admission

@Suite("Grants")
struct GrantTests {
  private let meeting = Meeting()
  private let guest = Person("guest")

  private func chain(to person: Person, by issuer: Person, _ chain: GrantChain) throws -> GrantChain
  {
    try chain.extended(by: issuer.key, to: person.key.publicKey, mayAdmit: true, at: newYear)
  }

  @Test("A chain reads back from the wire and holds for its meeting and member only")
  func readsBack() throws {
    let chain = try chain(to: guest, by: meeting.host, meeting.hostChain)
    let read = try GrantChain(verifying: WireGrantChain(wire: chain.wire.wire))
    #expect(read == chain)
    try read.verify(meeting: meeting.id, member: guest.id, revocations: meeting.noRevocations)
    #expect(throws: AdmissionError.otherMember) {
      try read.verify(
        meeting: meeting.id, member: meeting.host.id, revocations: meeting.noRevocations)
    }
    #expect(throws: AdmissionError.otherMeeting) {
      try read.verify(
        meeting: Meeting("x").id, member: guest.id, revocations: meeting.noRevocations)
    }
  }

  @Test("Who may not admit can issue nothing, and what it signs all the same doesn't hold")
  func mayNotAdmit() throws {
    let plain = try meeting.hostChain.extended(
      by: meeting.host.key, to: guest.key.publicKey, mayAdmit: false, at: newYear)
    #expect(throws: AdmissionError.mayNotAdmit) {
      try chain(to: Person("next"), by: guest, plain)
    }
    let forged = sign(to: Person("next"), by: guest)
    #expect(throws: AdmissionError.mayNotAdmit) { try read(plain.wire, adding: forged) }
  }

  @Test("Only the genesis key makes hosts and co-hosts", arguments: [MemberRole.host, .cohost])
  func roles(role: MemberRole) throws {
    let forged = sign(to: guest, by: meeting.host, role: role)
    #expect(throws: AdmissionError.mayNotModerate) {
      try read(meeting.hostChain.wire, adding: forged)
    }
    #expect(meeting.appoint(guest, role).role == role)
  }

  @Test("Whoever admits answers for all below it; a host answers for itself alone")
  func sponsors() throws {
    let (keen, made, deep) = (Person("keen"), Person("made up"), Person("made up by that"))
    let ofKeen = try chain(to: keen, by: meeting.host, meeting.hostChain)
    let ofMade = try chain(to: made, by: keen, ofKeen)
    let cohost = meeting.appoint(guest, .cohost)
    #expect(meeting.hostChain.sponsor == meeting.host.id)
    #expect(ofKeen.sponsor == keen.id)
    #expect(ofMade.sponsor == keen.id)
    #expect(try chain(to: deep, by: made, ofMade).sponsor == keen.id)
    #expect(cohost.sponsor == guest.id)
    #expect(try chain(to: deep, by: guest, cohost).sponsor == guest.id)
  }

  @Test("A chain is at most eight long, and nobody can extend it further")
  func depth() throws {
    var chain = meeting.hostChain
    var last = meeting.host
    for number in 2...8 {
      let next = Person("guest \(number)")
      chain = try self.chain(to: next, by: last, chain)
      last = next
    }
    #expect(chain.grants.count == 8)
    #expect(throws: AdmissionError.chainTooLong) {
      try self.chain(to: Person("ninth"), by: last, chain)
    }
    let forged = sign(to: Person("ninth"), by: last)
    #expect(throws: AdmissionError.chainTooLong) { try read(chain.wire, adding: forged) }
  }

  @Test("Links left out, swapped, repeated, of another meeting or another signer break a chain")
  func broken() throws {
    let other = Meeting("other")
    let chain = try chain(to: guest, by: meeting.host, meeting.hostChain)
    func reads(_ change: (inout WireGrantChain) -> Void) -> Bool {
      var wire = chain.wire
      change(&wire)
      return (try? GrantChain(verifying: wire)) != nil
    }
    #expect(reads { _ in })
    #expect(!reads { $0.grants.removeFirst() })
    #expect(!reads { $0.grants.removeAll() })
    #expect(!reads { $0.grants.swapAt(0, 1) })
    #expect(!reads { $0.grants.append($0.grants[1]) })
    #expect(!reads { $0.genesisKey = Data(other.genesis.publicKey) })
    #expect(!reads { $0.genesisKey = Data() })
    #expect(!reads { $0.grants[0] = other.hostChain.wire.grants[0] })
    #expect(!reads { $0.grants[1].signature = $0.grants[0].signature })
    #expect(!reads { $0.grants[1].payload[5] ^= 1 })
    // A circle, and the genesis key as a member.
    for member in [meeting.host.key.publicKey, meeting.genesis.publicKey] {
      let wire = Grant(
        meeting: meeting.id, member: member, role: .member, mayAdmit: true, issued: newYear,
        by: guest.key
      ).signed
      #expect(!reads { $0.grants.append(wire) })
      #expect(throws: AdmissionError.self) {
        try chain.extended(by: guest.key, to: member, mayAdmit: true, at: newYear)
      }
    }
    #expect(throws: AdmissionError.self) {
      try chain.extended(by: meeting.host.key, to: [1], mayAdmit: true, at: newYear)
    }
  }

  @Test("A signature made for another purpose is void")
  func contexts() throws {
    let grant = meeting.hostChain.grants[0]
    let resigned = meeting.genesis.sign(Array(grant.signed.payload), for: .revocation)
    #expect(throws: AdmissionError.badSignature) { try Grant(verifying: resigned) }
  }

  @Test("A membership holds with its certificate, and not with another or another's chain")
  func membership() throws {
    let chain = try chain(to: guest, by: meeting.host, meeting.hostChain)
    let member = try AdmittedMember(
      record: guest.record, chain: chain, meeting: meeting.id, revocations: meeting.noRevocations)
    func verify(_ wire: WireMembership, _ fingerprint: [UInt8]?) throws(AdmissionError) -> PeerID {
      try AdmittedMember(
        verifying: wire, meeting: meeting.id, revocations: meeting.noRevocations,
        fingerprint: fingerprint
      ).id
    }
    #expect(try verify(member.wire, guest.fingerprint) == guest.id)
    #expect(try verify(member.wire, nil) == guest.id)
    #expect(throws: AdmissionError.otherCertificate) {
      try verify(member.wire, meeting.host.fingerprint)
    }
    var borrowed = member.wire
    borrowed.chain = meeting.hostChain.wire
    #expect(throws: AdmissionError.otherMember) { try verify(borrowed, nil) }
    #expect(throws: AdmissionError.self) { try verify(WireMembership(), nil) }
  }

  // MARK: - Forging

  /// A grant that nobody asked whether it may be signed.
  private func sign(to person: Person, by issuer: Person, role: MemberRole = .member) -> WireSigned
  {
    Grant(
      meeting: meeting.id, member: person.key.publicKey, role: role, mayAdmit: true,
      issued: newYear, by: issuer.key
    ).signed
  }

  private func read(_ wire: WireGrantChain, adding grant: WireSigned) throws(AdmissionError) {
    var longer = wire
    longer.grants.append(grant)
    _ = try GrantChain(verifying: longer)
  }
}
