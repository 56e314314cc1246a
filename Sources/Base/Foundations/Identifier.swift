/// Sixteen bytes that name a member, a meeting or a chat entry; written as 32 lower-case
/// hexadecimal digits everywhere. `Kind` keeps the three apart.
package struct Identifier<Kind>: Hashable, Comparable, Sendable, CustomStringConvertible {
  private let high: UInt64
  private let low: UInt64

  package static var byteCount: Int { 16 }

  /// The identifier with these 16 bytes; `nil` for any other number of bytes.
  package init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    low = bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The identifier that these 32 hexadecimal digits write.
  package init?(hexadecimal text: some StringProtocol) {
    guard let bytes = [UInt8](hexadecimal: text) else { return nil }
    self.init(bytes)
  }

  package var bytes: [UInt8] {
    [high, low].flatMap { word in
      stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
    }
  }

  package var description: String { bytes.hexadecimal }

  package static func < (left: Self, right: Self) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}

/// Names a member: the first 16 bytes of SHA-256 of its Ed25519 public key.
package typealias PeerID = Identifier<PeerKind>
/// Names a meeting: the first 16 bytes of SHA-256 of its genesis public key.
package typealias MeetingID = Identifier<MeetingKind>
/// Names an entry of a chat log: the first 16 bytes of its hash.
package typealias EntryID = Identifier<EntryKind>

package enum PeerKind {}
package enum MeetingKind {}
package enum EntryKind {}

extension Sequence<UInt8> {
  /// Lower-case hexadecimal digits, two a byte.
  package var hexadecimal: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

extension [UInt8] {
  /// The bytes that `text` writes in hexadecimal; `nil` when it has an odd length or another digit.
  package init?(hexadecimal text: some StringProtocol) {
    let digits = text.utf8.map { digit -> UInt8? in
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
      case _: nil
      }
    }
    guard digits.count.isMultiple(of: 2), !digits.contains(nil) else { return nil }
    self = stride(from: 0, to: digits.count, by: 2).map { digits[$0]! << 4 | digits[$0 + 1]! }
  }
}
