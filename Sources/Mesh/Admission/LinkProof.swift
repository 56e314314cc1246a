import Crypto
import Foundation
package import Foundations
package import Wire

/// Shows the other end of a link that one knows the meeting, and nobody else anything: see
/// `opening.proto`.
///
/// Members dial addresses that they found by a tag on mDNS, and a tag can be copied. Only who passes
/// this is told a name, a key or a grant.
package struct LinkProof: Sendable {
  private static let nonceLength = 16

  private enum Role: UInt8 {
    case initiator = 1
    case responder = 2
  }

  private let key: SymmetricKey
  private let initiator: [UInt8]
  private let responder: [UInt8]

  /// - Parameters:
  ///   - genesisKey: of the meeting, 32 bytes.
  ///   - initiator: SHA-256 of the certificate of who opened the stream.
  ///   - responder: the same of who took it.
  package init(genesisKey: [UInt8], initiator: [UInt8], responder: [UInt8]) {
    key = SymmetricKey(data: genesisKey)
    self.initiator = initiator
    self.responder = responder
  }

  /// The initiator's first frame.
  package func opening(secrets: SecretSource) -> WireLinkOpening {
    var opening = WireLinkOpening()
    let nonce = secrets.bytes(Self.nonceLength)
    opening.nonce = Data(nonce)
    opening.proof = Data(proof(of: .initiator, nonce: nonce))
    return opening
  }

  /// What the responder answers; `nil` when the initiator doesn't know the meeting.
  package func answer(to opening: WireLinkOpening) -> WireLinkOpened? {
    guard opening.nonce.count == Self.nonceLength,
      isValid(opening.proof, of: .initiator, nonce: Array(opening.nonce))
    else { return nil }
    var opened = WireLinkOpened()
    opened.proof = Data(proof(of: .responder, nonce: Array(opening.nonce)))
    return opened
  }

  /// Whether the responder knows the meeting.
  package func accepts(_ opened: WireLinkOpened, after opening: WireLinkOpening) -> Bool {
    isValid(opened.proof, of: .responder, nonce: Array(opening.nonce))
  }

  private func proof(of role: Role, nonce: [UInt8]) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: message(role, nonce), using: key))
  }

  /// Compares in constant time.
  private func isValid(_ proof: Data, of role: Role, nonce: [UInt8]) -> Bool {
    HMAC<SHA256>.isValidAuthenticationCode(
      proof, authenticating: message(role, nonce), using: key)
  }

  private func message(_ role: Role, _ nonce: [UInt8]) -> Data {
    Data("virtue link opening".utf8) + [role.rawValue] + nonce + initiator + responder
  }
}
