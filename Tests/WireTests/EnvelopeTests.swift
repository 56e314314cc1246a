import Foundation
import Foundations
import SwiftProtobuf
import Testing
import Wire

@Suite("Signed and sealed envelopes")
struct EnvelopeTests {
  private let meeting = MeetingID([UInt8](repeating: 1, count: 16))!
  private let other = MeetingID([UInt8](repeating: 2, count: 16))!
  private let author = try! SigningKey(secret: [UInt8](repeating: 3, count: 32))
  private let reader = try! SigningKey(secret: [UInt8](repeating: 4, count: 32))
  private let sealing = SealingKey(from: SecretSource { [UInt8](repeating: 5, count: $0) })
  private let payload = WirePayload.with { $0.entry.entry = Data("hello".utf8) }

  private func record(sealingKey: [UInt8]) throws -> MemberRecord {
    try MemberRecord(
      key: reader, name: "Reader", certificateFingerprint: digest([1]), sealingKey: sealingKey,
      addresses: [], capabilities: [], issued: WallTime(milliseconds: 1))
  }

  @Test("A broadcast verifies, names its author and keeps its payload")
  func verifies() throws {
    let wire = makeBroadcast(payload: payload, number: 7, key: author, meeting: meeting)
    let envelope = try Envelope(verifying: wire, meeting: meeting)
    #expect(envelope.author == PeerID(publicKey: author.publicKey))
    #expect(envelope.authorKey == author.publicKey)
    #expect(envelope.number == 7)
    #expect(envelope.payload == payload)
  }

  @Test("A broadcast's identity depends on author, number and payload, not on the signature")
  func identifies() {
    let wire = makeBroadcast(payload: payload, number: 7, key: author, meeting: meeting)
    var unsigned = wire
    unsigned.signature = Data()
    #expect(unsigned.identity == wire.identity)
    let signed = author.publicKey + [0, 0, 0, 0, 0, 0, 0, 7] + Array(wire.payload)
    #expect(wire.identity.bytes == Array(digest(signed).prefix(16)))
    let next = makeBroadcast(payload: payload, number: 8, key: author, meeting: meeting)
    #expect(next.identity != wire.identity)
  }

  @Test("Whatever is altered in a broadcast is found out")
  func findsAlterations() {
    let wire = makeBroadcast(payload: payload, number: 7, key: author, meeting: meeting)
    #expect(throws: WireError.badSignature) { try Envelope(verifying: wire, meeting: other) }
    let alterations: [(inout WireBroadcast) -> Void] = [
      { $0.number += 1 }, { $0.payload.append(0) }, { $0.payload[0] ^= 1 },
      { $0.authorKey = Data(repeating: 9, count: 32) }, { $0.signature[9] ^= 1 },
      { $0.signature = Data() }, { $0.authorKey = Data() }, { $0.authorKey.append(0) },
    ]
    for alter in alterations {
      var altered = wire
      alter(&altered)
      #expect(throws: WireError.self) { try Envelope(verifying: altered, meeting: meeting) }
    }
  }

  @Test("A sealed payload opens for its recipient and says who wrote it")
  func opens() throws {
    let sealed = try seal(
      payload, to: record(sealingKey: sealing.publicKey), number: 3, key: author, meeting: meeting)
    let opened = try open(
      sealed, with: sealing, me: PeerID(publicKey: reader.publicKey), meeting: meeting)
    #expect(opened.authorKey == author.publicKey)
    #expect(opened.payload == payload)
    #expect(sealed.ciphertext.range(of: Data("hello".utf8)) == nil)
    let passed = try DirectedEnvelope(verifying: sealed, meeting: meeting)
    #expect(passed.author == PeerID(publicKey: author.publicKey))
    #expect(passed.recipient == PeerID(publicKey: reader.publicKey))
    #expect(passed.number == 3)
  }

  @Test("Nobody else opens it, nor this recipient in another run or meeting")
  func staysSealed() throws {
    let me = PeerID(publicKey: reader.publicKey)
    let sealed = try seal(
      payload, to: record(sealingKey: sealing.publicKey), number: 3, key: author, meeting: meeting)
    let later = SealingKey(from: SecretSource { [UInt8](repeating: 6, count: $0) })
    #expect(throws: WireError.outOfBounds("ciphertext")) {
      try open(sealed, with: later, me: me, meeting: meeting)
    }
    #expect(throws: WireError.badSignature) {
      try open(sealed, with: sealing, me: me, meeting: other)
    }
    #expect(throws: WireError.outOfBounds("recipient")) {
      try open(sealed, with: sealing, me: PeerID(publicKey: author.publicKey), meeting: meeting)
    }
  }

  @Test("Whatever is altered in a directed message is found out, by those who pass it on too")
  func findsDirectedAlterations() throws {
    let sealed = try seal(
      payload, to: record(sealingKey: sealing.publicKey), number: 3, key: author, meeting: meeting)
    let alterations: [(inout WireDirected) -> Void] = [
      { $0.number += 1 }, { $0.ciphertext.append(0) }, { $0.ciphertext = Data() },
      { $0.encapsulatedKey = Data(repeating: 1, count: 32) }, { $0.encapsulatedKey = Data() },
      { $0.recipient = Data(repeating: 0, count: 16) }, { $0.recipient = Data() },
      { $0.authorKey = Data(repeating: 9, count: 32) }, { $0.authorKey = Data() },
      { $0.signature = Data() }, { $0.signature[0] ^= 1 },
    ]
    for alter in alterations {
      var altered = sealed
      alter(&altered)
      #expect(throws: WireError.self) {
        try DirectedEnvelope(verifying: altered, meeting: meeting)
      }
    }
  }

  @Test("A key that is no usable point is refused, not used")
  func refusesBadKeys() throws {
    let zero = try record(sealingKey: [UInt8](repeating: 0, count: 32))
    #expect(throws: WireError.outOfBounds("sealing_key")) {
      try seal(payload, to: zero, number: 1, key: author, meeting: meeting)
    }
  }

  @Test("A payload that fills a frame travels; a larger one is refused")
  func bounds() throws {
    let to = try record(sealingKey: sealing.publicKey)
    let big = WirePayload.with {
      $0.entry.entry = Data(repeating: 1, count: WireBounds.payload - 16)
    }
    let sealed = try seal(big, to: to, number: 1, key: author, meeting: meeting)
    #expect(WireLinkFrame.with { $0.directed = sealed }.wire.count <= WireBounds.frame)
    let broadcast = makeBroadcast(payload: big, number: 1, key: author, meeting: meeting)
    #expect(WireLinkFrame.with { $0.broadcast = broadcast }.wire.count <= WireBounds.frame)
    #expect((try? Envelope(verifying: broadcast, meeting: meeting)) != nil)
    let bigger = WirePayload.with {
      $0.entry.entry = Data(repeating: 1, count: WireBounds.payload)
    }
    #expect(throws: WireError.tooLarge) {
      try seal(bigger, to: to, number: 1, key: author, meeting: meeting)
    }
  }
}
