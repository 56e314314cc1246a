import Crypto
import Foundation
package import Foundations
import SwiftProtobuf

/// What a signature is for. Put before the payload, so that a signature made for one purpose is void
/// for every other.
package enum SignatureContext: Sendable {
  case memberRecord
  case grant
  case revocation
  case entry
  case broadcast(MeetingID)
  case directed(MeetingID)

  var prefix: [UInt8] {
    switch self {
    case .memberRecord: Array("virtue/1 member-record".utf8)
    case .grant: Array("virtue/1 grant".utf8)
    case .revocation: Array("virtue/1 revocation".utf8)
    case .entry: Array("virtue/1 entry".utf8)
    case .broadcast(let meeting): Array("virtue/1 broadcast".utf8) + meeting.bytes
    case .directed(let meeting): Array("virtue/1 directed".utf8) + meeting.bytes
    }
  }
}

/// An Ed25519 key (RFC 8032) that signs: a member's, or a meeting's genesis key.
package struct SigningKey: Sendable {
  private let key: Curve25519.Signing.PrivateKey
  /// 32 bytes.
  package let publicKey: [UInt8]

  package init(from source: SecretSource) {
    // Any 32 bytes are an Ed25519 secret key.
    try! self.init(secret: source.bytes(32))
  }

  /// - Parameter secret: 32 bytes, as ``secret`` gave them.
  package init(secret: [UInt8]) throws {
    key = try Curve25519.Signing.PrivateKey(rawRepresentation: secret)
    publicKey = Array(key.publicKey.rawRepresentation)
  }

  /// For keeping in a file that only its owner reads.
  package var secret: [UInt8] { Array(key.rawRepresentation) }

  package func signature(of payload: [UInt8], for context: SignatureContext) -> [UInt8] {
    do {
      return Array(try key.signature(for: context.prefix + payload))
    } catch {
      preconditionFailure("Ed25519 signing failed: \(error)")
    }
  }

  package func sign(_ payload: [UInt8], for context: SignatureContext) -> WireSigned {
    .with {
      $0.payload = Data(payload)
      $0.signature = Data(signature(of: payload, for: context))
    }
  }
}

package func isSignature(
  _ signature: [UInt8], of payload: [UInt8], for context: SignatureContext, by publicKey: [UInt8]
) -> Bool {
  guard signature.count == 64, publicKey.count == 32,
    let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey)
  else { return false }
  return key.isValidSignature(signature, for: context.prefix + payload)
}

extension WireSigned {
  package func isSigned(by publicKey: [UInt8], for context: SignatureContext) -> Bool {
    isSignature(Array(signature), of: Array(payload), for: context, by: publicKey)
  }
}

extension Identifier {
  /// The identifier of the holder of this public key: the first 16 bytes of its SHA-256.
  package init(publicKey: [UInt8]) {
    self.init(Array(SHA256.hash(data: publicKey)).prefix(16))!
  }
}

/// SHA-256, 32 bytes.
package func digest(_ bytes: [UInt8]) -> [UInt8] {
  Array(SHA256.hash(data: bytes))
}
