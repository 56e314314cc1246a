import Crypto
import Foundation
package import Foundations
import SwiftProtobuf

/// Names a broadcast: the first 16 bytes of SHA-256 over what its author signed, so that a copy is
/// recognised before its signature is checked anew.
package typealias BroadcastID = Identifier<BroadcastKind>

package enum BroadcastKind {}

extension WireBounds {
  /// A payload in an envelope: a frame, less room for keys, numbers and signatures.
  package static let payload = frame - 1024
  /// The same of what is said to everybody: an entry of a log with its body, a removal, or a membership.
  package static let broadcast = 16 << 10
}

// MARK: - To everybody

/// `payload` to everybody in `meeting`, signed.
///
/// - Parameter number: larger than that of every envelope that `key` signed before, over restarts too.
package func makeBroadcast(
  payload: WirePayload, number: UInt64, key: SigningKey, meeting: MeetingID
) -> WireBroadcast {
  let bytes = payload.wire
  return .with {
    $0.authorKey = Data(key.publicKey)
    $0.number = number
    $0.payload = Data(bytes)
    $0.signature = Data(
      key.signature(
        of: signedBytes(authorKey: key.publicKey, number: number, payload: bytes),
        for: .broadcast(meeting)))
  }
}

extension WireBroadcast {
  /// What names this broadcast. Says nothing about its signature.
  package var identity: BroadcastID {
    let signed = signedBytes(
      authorKey: Array(authorKey), number: number, payload: Array(payload))
    return BroadcastID(digest(signed).prefix(BroadcastID.byteCount))!
  }
}

/// A broadcast whose signature holds. Whether its author is a member is for others to say.
package struct Envelope: Sendable {
  package let author: PeerID
  /// Ed25519, 32 bytes.
  package let authorKey: [UInt8]
  package let number: UInt64
  package let payload: WirePayload
  /// As it travels.
  package let wire: WireBroadcast

  /// - Throws: ``WireError`` for a bad signature, a field out of bounds, a payload that can't be read.
  package init(verifying wire: WireBroadcast, meeting: MeetingID) throws(WireError) {
    guard wire.authorKey.count == 32 else { throw .outOfBounds("author_key") }
    guard wire.payload.count <= WireBounds.payload else { throw .tooLarge }
    let key = Array(wire.authorKey)
    let bytes = Array(wire.payload)
    let signed = signedBytes(authorKey: key, number: wire.number, payload: bytes)
    guard isSignature(Array(wire.signature), of: signed, for: .broadcast(meeting), by: key) else {
      throw .badSignature
    }
    payload = try WirePayload(wire: bytes, limit: WireBounds.payload)
    author = PeerID(publicKey: key)
    authorKey = key
    number = wire.number
    self.wire = wire
  }
}

private func signedBytes(authorKey: [UInt8], number: UInt64, payload: [UInt8]) -> [UInt8] {
  authorKey + bigEndian(number) + payload
}

private func bigEndian(_ number: UInt64) -> [UInt8] {
  stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> UInt64($0)) }
}

// MARK: - To one member

/// HPKE (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305.
private let suite = HPKE.Ciphersuite.Curve25519_SHA256_ChachaPoly

/// `bytes` as a point, unless it is one of the few whose product with any key is zero: what is sealed
/// to those, everybody can open. RFC 9180 §7.1.4 wants the check; swift-crypto leaves it to its callers.
private func usablePoint(
  _ bytes: [UInt8]
) throws -> Curve25519.KeyAgreement.PublicKey {
  let point = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes)
  // Secret keys are multiples of eight, the order of those points: any one finds them.
  let any = try Curve25519.KeyAgreement.PrivateKey(
    rawRepresentation: [UInt8](repeating: 1, count: 32))
  let product = try any.sharedSecretFromKeyAgreement(with: point)
  guard product.withUnsafeBytes({ bytes in bytes.contains { $0 != 0 } }) else {
    throw WireError.outOfBounds("point")
  }
  return point
}

/// The key that directed payloads are sealed to; drawn anew for every run.
package struct SealingKey: Sendable {
  fileprivate let key: Curve25519.KeyAgreement.PrivateKey
  /// X25519, 32 bytes: the member record's `sealing_key`.
  package let publicKey: [UInt8]

  package init(from source: SecretSource) {
    // Any 32 bytes are an X25519 secret key (RFC 7748 §5).
    key = try! Curve25519.KeyAgreement.PrivateKey(rawRepresentation: source.bytes(32))
    publicKey = Array(key.publicKey.rawRepresentation)
  }
}

/// `payload` for `recipient` alone, signed.
///
/// Draws an ephemeral key from the system inside swift-crypto, so drivers call it, not cores.
/// - Parameter number: larger than that of every envelope that `key` signed before, over restarts too.
/// - Throws: ``WireError/tooLarge``, or ``WireError/outOfBounds(_:)`` when the recipient's sealing key
///   is no usable point.
package func seal(
  _ payload: WirePayload, to recipient: MemberRecord, number: UInt64, key: SigningKey,
  meeting: MeetingID
) throws(WireError) -> WireDirected {
  let bytes = payload.wire
  guard bytes.count <= WireBounds.payload else { throw .tooLarge }
  var directed = WireDirected.with {
    $0.authorKey = Data(key.publicKey)
    $0.number = number
    $0.recipient = Data(recipient.id.bytes)
  }
  do {
    let point = try usablePoint(recipient.sealingKey)
    var sender = try HPKE.Sender(
      recipientKey: point, ciphersuite: suite,
      info: Data(SignatureContext.directed(meeting).prefix))
    directed.ciphertext = try sender.seal(bytes, authenticating: directed.associatedBytes)
    directed.encapsulatedKey = sender.encapsulatedKey
  } catch {
    throw .outOfBounds("sealing_key")
  }
  directed.signature = Data(key.signature(of: directed.signedBytes, for: .directed(meeting)))
  return directed
}

extension WireDirected {
  /// recipient ‖ author_key ‖ number.
  fileprivate var associatedBytes: [UInt8] {
    Array(recipient) + Array(authorKey) + bigEndian(number)
  }

  fileprivate var signedBytes: [UInt8] {
    associatedBytes + Array(encapsulatedKey) + Array(ciphertext)
  }
}

/// A directed message whose signature holds; still sealed. Those who pass it on see no more of it.
package struct DirectedEnvelope: Sendable {
  package let author: PeerID
  /// Ed25519, 32 bytes.
  package let authorKey: [UInt8]
  package let number: UInt64
  package let recipient: PeerID
  /// As it travels.
  package let wire: WireDirected

  /// - Throws: ``WireError`` for a bad signature or a field out of bounds.
  package init(verifying wire: WireDirected, meeting: MeetingID) throws(WireError) {
    guard wire.authorKey.count == 32 else { throw .outOfBounds("author_key") }
    guard let recipient = PeerID(wire.recipient) else { throw .outOfBounds("recipient") }
    guard wire.encapsulatedKey.count == 32 else { throw .outOfBounds("encapsulated_key") }
    // Poly1305's tag comes on top of the payload.
    guard wire.ciphertext.count <= WireBounds.payload + 16 else { throw .tooLarge }
    authorKey = Array(wire.authorKey)
    guard
      isSignature(
        Array(wire.signature), of: wire.signedBytes, for: .directed(meeting), by: authorKey)
    else { throw .badSignature }
    author = PeerID(publicKey: authorKey)
    number = wire.number
    self.recipient = recipient
    self.wire = wire
  }
}

/// Who wrote `directed`, and what it says to `me`.
///
/// - Throws: ``WireError`` for a bad signature, another recipient, a ciphertext that `key` doesn't open
///   (sealed to the key of an earlier run, say), or a payload that can't be read.
package func open(
  _ directed: WireDirected, with key: SealingKey, me: PeerID, meeting: MeetingID
) throws(WireError) -> (authorKey: [UInt8], payload: WirePayload) {
  let envelope = try DirectedEnvelope(verifying: directed, meeting: meeting)
  guard envelope.recipient == me else { throw .outOfBounds("recipient") }
  let bytes: [UInt8]
  do {
    _ = try usablePoint(Array(directed.encapsulatedKey))
    var recipient = try HPKE.Recipient(
      privateKey: key.key, ciphersuite: suite,
      info: Data(SignatureContext.directed(meeting).prefix),
      encapsulatedKey: directed.encapsulatedKey)
    bytes = Array(
      try recipient.open(directed.ciphertext, authenticating: directed.associatedBytes))
  } catch {
    throw .outOfBounds("ciphertext")
  }
  return (envelope.authorKey, try WirePayload(wire: bytes, limit: WireBounds.payload))
}
