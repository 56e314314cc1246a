import Foundations

/// The packets sent of late, for sending them again (RFC 4585 §6.2.1, on the same SSRC).
struct SendHistory: Sendable {
  /// A second of 8 Mbit/s, and more than a peer's buffer waits for.
  static let capacity = 1024
  /// A peer that still misses an older packet has asked for a keyframe since.
  static let lifetime = Duration.seconds(1)

  private struct Entry {
    let number: SequenceNumber
    let bytes: [UInt8]
    let sent: Moment
    var resent: Moment?
  }

  private var entries: [Entry?] = []

  mutating func append(_ bytes: [UInt8], number: SequenceNumber, at now: Moment) {
    if entries.isEmpty { entries = Array(repeating: nil, count: Self.capacity) }
    entries[Self.place(of: number)] = Entry(number: number, bytes: bytes, sent: now)
  }

  /// The packet with this number; `nil` when it's too old, or went out again within `spacing`: two
  /// requests for it may have crossed its repeat.
  mutating func resend(
    _ number: SequenceNumber, at now: Moment, spacing: Duration
  ) -> [UInt8]? {
    guard !entries.isEmpty else { return nil }
    let place = Self.place(of: number)
    guard var entry = entries[place], entry.number == number, now - entry.sent <= Self.lifetime
    else { return nil }
    if let resent = entry.resent, now - resent < spacing { return nil }
    entry.resent = now
    entries[place] = entry
    return entry.bytes
  }

  mutating func removeAll() {
    entries = []
  }

  private static func place(of number: SequenceNumber) -> Int {
    Int(number.rawValue) & (capacity - 1)
  }
}
