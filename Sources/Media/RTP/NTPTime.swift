package import Foundations

/// Wall-clock time as RTCP writes it: seconds since 1900 and a fraction of 2^-32 s (RFC 3550 §4).
package struct NTPTime: Hashable, Sendable {
  package let rawValue: UInt64

  /// From 1900 to 1970 (RFC 5905 §A.4).
  private static let unixEpoch: Int64 = 2_208_988_800
  /// Seconds count modulo 2^32; a cleared top bit means the era that begins in 2036 (RFC 4330 §3).
  private static let era: Int64 = 1 << 32

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  package init(sinceUnixEpoch duration: Duration) {
    let nanoseconds = duration.nanoseconds
    var seconds = nanoseconds / 1_000_000_000
    var rest = nanoseconds % 1_000_000_000
    if rest < 0 {
      rest += 1_000_000_000
      seconds -= 1
    }
    let fraction = (UInt64(rest) << 32) / 1_000_000_000
    rawValue = UInt64(UInt32(truncatingIfNeeded: seconds &+ Self.unixEpoch)) << 32 | fraction
  }

  /// The middle 32 bits, in units of 1/65536 s: how reports refer to each other.
  package var middle: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 16) }

  package var sinceUnixEpoch: Duration {
    var seconds = Int64(rawValue >> 32)
    if seconds < Self.era / 2 { seconds += Self.era }
    let fraction = rawValue & 0xFFFF_FFFF
    return .seconds(seconds - Self.unixEpoch)
      + .nanoseconds(Int64((fraction * 1_000_000_000) >> 32))
  }

  package var wallTime: WallTime {
    WallTime(milliseconds: sinceUnixEpoch.nanoseconds / 1_000_000)
  }
}
