/// Bits per second.
package struct Bitrate: Hashable, Comparable, Sendable {
  package let bitsPerSecond: Int

  package init(bitsPerSecond: Int) {
    self.bitsPerSecond = bitsPerSecond
  }

  package static func kilobits(_ value: Int) -> Bitrate { Bitrate(bitsPerSecond: value * 1000) }

  package static func < (left: Bitrate, right: Bitrate) -> Bool {
    left.bitsPerSecond < right.bitsPerSecond
  }
}

/// A 16-bit counter that wraps, compared modulo 2^16 (RFC 3550 §5.1, RFC 1982).
package struct SequenceNumber: Hashable, Sendable, CustomStringConvertible {
  package var rawValue: UInt16

  package init(_ rawValue: UInt16) {
    self.rawValue = rawValue
  }

  package var next: SequenceNumber { SequenceNumber(rawValue &+ 1) }

  /// Whether this number follows `other`, by fewer than 2^15 steps.
  package func isNewer(than other: SequenceNumber) -> Bool {
    rawValue != other.rawValue && rawValue &- other.rawValue < 0x8000
  }

  /// Steps from `other` to this number, in -32768...32767.
  package func distance(from other: SequenceNumber) -> Int {
    Int(Int16(bitPattern: rawValue &- other.rawValue))
  }

  package func advanced(by steps: Int) -> SequenceNumber {
    SequenceNumber(rawValue &+ UInt16(truncatingIfNeeded: steps))
  }

  package var description: String { "\(rawValue)" }
}

/// Time in ticks of a media clock, as RTP counts it: 32 bits that wrap.
package struct MediaTime: Hashable, Sendable {
  package let ticks: UInt32
  package let clockRate: Int

  package init(ticks: UInt32, clockRate: Int) {
    self.ticks = ticks
    self.clockRate = clockRate
  }

  /// RTP's clock for pictures (RFC 7741 §4.1).
  package static let videoClockRate = 90_000
  /// RTP's clock for Opus (RFC 7587 §4.1).
  package static let audioClockRate = 48_000

  /// How long after `earlier` this is, by fewer than 2^31 ticks either way.
  package static func - (later: MediaTime, earlier: MediaTime) -> Duration {
    let ticks = Int64(Int32(bitPattern: later.ticks &- earlier.ticks))
    return .nanoseconds(ticks * 1_000_000_000 / Int64(later.clockRate))
  }

  package static func + (time: MediaTime, duration: Duration) -> MediaTime {
    let whole = duration.nanoseconds / 1_000_000_000
    let rest = duration.nanoseconds % 1_000_000_000
    let ticks = whole * Int64(time.clockRate) + rest * Int64(time.clockRate) / 1_000_000_000
    return MediaTime(
      ticks: time.ticks &+ UInt32(truncatingIfNeeded: ticks), clockRate: time.clockRate)
  }
}
