package import Foundations
import Wire

/// SHA-256 over an entry's signed bytes: what the author's next entry points back to.
package struct EntryHash: Hashable, Comparable, Sendable, CustomStringConvertible {
  // Four words rather than an array: logs hold hundreds of thousands of these.
  private let first: UInt64
  private let second: UInt64
  private let third: UInt64
  private let fourth: UInt64

  package static let byteCount = 32

  /// The hash with these 32 bytes; `nil` for any other number of bytes.
  package init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    for (index, byte) in bytes.enumerated() {
      switch index / 8 {
      case 0: words.0 = words.0 << 8 | UInt64(byte)
      case 1: words.1 = words.1 << 8 | UInt64(byte)
      case 2: words.2 = words.2 << 8 | UInt64(byte)
      case _: words.3 = words.3 << 8 | UInt64(byte)
      }
    }
    (first, second, third, fourth) = words
  }

  init(of entry: [UInt8]) {
    self.init(digest(entry))!
  }

  package var bytes: [UInt8] {
    [first, second, third, fourth].flatMap { word in
      stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
    }
  }

  /// The entry's name: the first 16 bytes.
  package var id: EntryID { EntryID(bytes.prefix(EntryID.byteCount))! }

  package var description: String { bytes.hexadecimal }

  package static func < (left: Self, right: Self) -> Bool {
    (left.first, left.second, left.third, left.fourth)
      < (right.first, right.second, right.third, right.fourth)
  }
}
