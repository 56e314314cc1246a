import CSodium
import Crypto
package import Foundations

/// CPace over ristretto255 with SHA-512 (draft-irtf-cfrg-cpace-21, §§5–9), initiator and responder.
///
/// Both sides turn the same weak password into a generator, exchange one point each, and get the same
/// strong key; whoever guesses wrong learns that it was wrong and nothing else.
package enum CPace {
  package static let pointBytes = 32
  package static let sessionBytes = 16
  package static let tagBytes = 64

  /// Why an exchange ends without a key.
  package enum Abort: Error, Hashable, Sendable {
    /// The other side's bytes are no point, or lead to the identity (§7.2: both must abort).
    case invalidPoint
  }

  /// What both sides know before they begin.
  package struct Setting: Hashable, Sendable {
    /// PRS.
    package let password: [UInt8]
    /// CI.
    package let channel: [UInt8]
    /// sid.
    package let session: [UInt8]

    package init(password: [UInt8], channel: [UInt8], session: [UInt8]) {
      self.password = password
      self.channel = channel
      self.session = session
    }
  }

  /// One side's secret scalar and the point that it shows.
  package struct Share: Sendable {
    package let scalar: [UInt8]
    package let point: [UInt8]

    /// - Parameter scalar: 32 bytes, little endian, below the group's order.
    /// - Throws: for a scalar of zero, which no honest draw gives.
    package init(scalar: [UInt8], setting: Setting) throws(Abort) {
      self.scalar = scalar
      point = try multiply(scalar, generator(setting))
    }

    package init(setting: Setting, secrets: SecretSource) throws(Abort) {
      // 64 bytes reduced modulo the order: the bias is below 2^-252.
      let wide = secrets.bytes(Int(crypto_core_ristretto255_NONREDUCEDSCALARBYTES))
      var scalar = [UInt8](repeating: 0, count: Int(crypto_core_ristretto255_SCALARBYTES))
      crypto_core_ristretto255_scalar_reduce(&scalar, wide)
      try self.init(scalar: scalar, setting: setting)
    }
  }

  /// A point and the associated data beside it (Y and AD), as one side sent them.
  package struct Message: Hashable, Sendable {
    package let point: [UInt8]
    package let data: [UInt8]

    package init(point: [UInt8], data: [UInt8]) {
      self.point = point
      self.data = data
    }

    var transcript: [UInt8] { withLengths(point, data) }
  }

  /// What both sides hold once the points have passed.
  package struct Keys: Sendable {
    /// ISK, 64 bytes.
    package let session: [UInt8]
    let confirmation: [UInt8]
    private let initiator: Message
    private let responder: Message

    /// - Parameters:
    ///   - share: one's own.
    ///   - peer: the other side's point.
    package init(
      setting: Setting, share: Share, peer: [UInt8], initiator: Message, responder: Message
    ) throws(Abort) {
      let common = try multiply(share.scalar, peer)
      let label = Array("CPaceRistretto255_ISK".utf8)
      session = hash(
        withLengths(label, setting.session, common) + initiator.transcript + responder.transcript)
      confirmation = hash(Array("CPaceMac".utf8) + setting.session + session)
      self.initiator = initiator
      self.responder = responder
    }

    package var initiatorTag: [UInt8] { tag(over: initiator) }
    package var responderTag: [UInt8] { tag(over: responder) }

    private func tag(over message: Message) -> [UInt8] {
      let key = SymmetricKey(data: confirmation)
      return Array(HMAC<SHA512>.authenticationCode(for: message.transcript, using: key))
    }

    package func isInitiatorTag(_ tag: [UInt8]) -> Bool { areEqual(tag, initiatorTag) }
    package func isResponderTag(_ tag: [UInt8]) -> Bool { areEqual(tag, responderTag) }
  }

  /// The generator that a password stands for (§7.1): `element_derivation(SHA-512(lv_cat(DSI, PRS,
  /// zeros(len_zpad), CI, sid)))`, padded so that the password fills SHA-512's first block of 128
  /// bytes.
  static func generator(_ setting: Setting) -> [UInt8] {
    let label = Array("CPaceRistretto255".utf8)
    let head = withLengths(label, setting.password)
    let padding = [UInt8](repeating: 0, count: max(0, 128 - 1 - head.count))
    let wide = hash(head + withLengths(padding, setting.channel, setting.session))
    var point = [UInt8](repeating: 0, count: pointBytes)
    crypto_core_ristretto255_from_hash(&point, wide)
    return point
  }

  /// `scalar_mult_vfy` (§7.2).
  static func multiply(_ scalar: [UInt8], _ point: [UInt8]) throws(Abort) -> [UInt8] {
    guard scalar.count == Int(crypto_core_ristretto255_SCALARBYTES), point.count == pointBytes
    else { throw .invalidPoint }
    var product = [UInt8](repeating: 0, count: pointBytes)
    // -1 for bytes that are no point, and for the identity as result.
    guard crypto_scalarmult_ristretto255(&product, scalar, point) == 0 else {
      throw .invalidPoint
    }
    return product
  }

  private static func hash(_ bytes: [UInt8]) -> [UInt8] {
    Array(SHA512.hash(data: bytes))
  }

  /// In a time that tells nothing about where they differ.
  private static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
