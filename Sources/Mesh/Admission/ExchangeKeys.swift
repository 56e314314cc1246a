import Crypto
import Foundation
import Foundations
import Wire

/// What both sides of an admission stream know of it before the PAKE (`admission.proto`).
struct AdmissionChannel: Hashable, Sendable {
  static let joinerData = Array("joiner".utf8)
  static let inviterData = Array("inviter".utf8)

  let nameplate: Int
  /// SHA-256 of the TLS certificates, so that a stranger between the two makes the proof fail.
  let joinerFingerprint: [UInt8]
  let inviterFingerprint: [UInt8]

  /// CI.
  var identifier: [UInt8] {
    withLengths(
      Array("virtue".utf8),
      stride(from: 24, through: 0, by: -8).map {
        UInt8(truncatingIfNeeded: protocolVersion >> UInt32($0))
      },
      [UInt8(truncatingIfNeeded: nameplate >> 8), UInt8(truncatingIfNeeded: nameplate)],
      joinerFingerprint, inviterFingerprint)
  }

  func setting(code: InviteCode, session: [UInt8]) -> CPace.Setting {
    CPace.Setting(password: code.passwordBytes, channel: identifier, session: session)
  }
}

/// The frames that passed so far, in order, exactly as they were sent.
struct Transcript: Hashable, Sendable {
  private var bytes: [UInt8] = []

  mutating func append(_ frame: [UInt8]) {
    bytes += frame.withLength
  }

  var digest: [UInt8] { Wire.digest(bytes) }
}

/// Seals one message under the PAKE's key and all that was said before.
struct Sealing {
  enum Message {
    case joinerIdentity
    case welcome

    var info: [UInt8] {
      switch self {
      case .joinerIdentity: Array("virtue/1 joiner".utf8)
      case .welcome: Array("virtue/1 welcome".utf8)
      }
    }
  }

  private let key: SymmetricKey
  /// All zero: each key seals one message.
  private static let nonce = [UInt8](repeating: 0, count: 12)
  private static let tagBytes = 16

  init(_ message: Message, session: [UInt8], transcript: Transcript) {
    key = HKDF<SHA512>.deriveKey(
      inputKeyMaterial: SymmetricKey(data: session), salt: transcript.digest, info: message.info,
      outputByteCount: 32)
  }

  /// The ciphertext and its tag.
  func seal(_ bytes: [UInt8]) -> [UInt8] {
    do {
      let box = try ChaChaPoly.seal(bytes, using: key, nonce: ChaChaPoly.Nonce(data: Self.nonce))
      return Array(box.ciphertext) + Array(box.tag)
    } catch {
      preconditionFailure("sealing failed: \(error)")
    }
  }

  /// `nil` for anything but what ``seal(_:)`` made under the same key.
  func open(_ sealed: [UInt8]) -> [UInt8]? {
    guard sealed.count >= Self.tagBytes,
      let box = try? ChaChaPoly.SealedBox(
        nonce: ChaChaPoly.Nonce(data: Self.nonce), ciphertext: sealed.dropLast(Self.tagBytes),
        tag: sealed.suffix(Self.tagBytes)),
      let bytes = try? ChaChaPoly.open(box, using: key)
    else { return nil }
    return Array(bytes)
  }
}
