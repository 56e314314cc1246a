import DequeModule
import Foundations

/// Decides which missing packets to ask for again, when, and when to give up (RFC 4585 §6.2.1).
struct LossRepair: Sendable {
  private struct Missing {
    let index: Int
    let noticed: Moment
    /// The packet whose arrival showed the hole.
    let revealedBy: Int
    var asked: Moment?
    var tries = 0
  }

  /// A hole may just be packets out of order: none is asked for before as many newer ones…
  static let reorderTolerance = 3
  /// …or as much time has passed.
  static let patience = Duration.milliseconds(10)
  static let maximumTries = 10
  /// More holes than this mean that the stream has broken off rather than lost packets; a keyframe
  /// costs less than so many repeats.
  static let maximumMissing = 512
  /// Of one request: 512 bytes at worst. The rest is due at once.
  static let maximumAsked = 128
  /// Before a round trip has been measured.
  private static let assumedRoundTrip = Duration.milliseconds(40)

  /// In rising order.
  private var missing: Deque<Missing> = []
  private var newest = Int.min

  var isEmpty: Bool { missing.isEmpty }
  var count: Int { missing.count }

  /// - Returns: whether there is room; `false` gives all holes up.
  mutating func notice(_ range: Range<Int>, revealedBy index: Int, at now: Moment) -> Bool {
    newest = index
    guard missing.count + range.count <= Self.maximumMissing else {
      missing.removeAll()
      return false
    }
    for hole in range {
      missing.append(Missing(index: hole, noticed: now, revealedBy: index))
    }
    return true
  }

  /// - Returns: whether the packet had been asked for.
  @discardableResult
  mutating func arrived(_ index: Int) -> Bool {
    guard !missing.isEmpty, let place = place(of: index) else { return false }
    return missing.remove(at: place).asked != nil
  }

  /// Nobody needs what came before `index` any more.
  mutating func forget(before index: Int) {
    while let first = missing.first, first.index < index { missing.removeFirst() }
  }

  mutating func removeAll() {
    missing.removeAll()
    newest = .min
  }

  /// - Returns: the newest packet that won't come any more, and older ones with it.
  mutating func giveUp(at now: Moment, roundTrip: Duration?) -> Int? {
    var lost: Int?
    let limit = Self.lifetime(roundTrip)
    while let first = missing.first, now - first.noticed >= limit {
      lost = first.index
      missing.removeFirst()
    }
    return lost
  }

  /// The packets to ask for now, in rising order.
  mutating func requests(at now: Moment, roundTrip: Duration?) -> [SequenceNumber] {
    var asking: [SequenceNumber] = []
    for place in missing.indices where now >= due(missing[place], roundTrip: roundTrip) {
      guard missing[place].tries < Self.maximumTries else { continue }
      guard asking.count < Self.maximumAsked else { break }
      missing[place].asked = now
      missing[place].tries += 1
      asking.append(SequenceNumber(UInt16(truncatingIfNeeded: missing[place].index)))
    }
    return asking
  }

  func deadline(roundTrip: Duration?) -> Moment? {
    guard let first = missing.first else { return nil }
    let giveUp = first.noticed + Self.lifetime(roundTrip)
    let asking = missing.lazy.filter { $0.tries < Self.maximumTries }
    return asking.map { due($0, roundTrip: roundTrip) }.min().map { min($0, giveUp) } ?? giveUp
  }

  private func due(_ hole: Missing, roundTrip: Duration?) -> Moment {
    if let asked = hole.asked { return asked + Self.interval(roundTrip) }
    let isOutrun = newest - hole.revealedBy + 1 >= Self.reorderTolerance
    return isOutrun ? hole.noticed : hole.noticed + Self.patience
  }

  /// Between two requests for the same packet: a round trip and half of one for its jitter.
  private static func interval(_ roundTrip: Duration?) -> Duration {
    let trip = (roundTrip ?? assumedRoundTrip) * 3 / 2
    return max(.milliseconds(15), min(trip, .milliseconds(100)))
  }

  /// How long pictures may wait for a hole to be filled: time for two requests, but no longer than
  /// a viewer takes for a freeze.
  private static func lifetime(_ roundTrip: Duration?) -> Duration {
    let trips = (roundTrip ?? assumedRoundTrip) * 3 + patience
    return max(.milliseconds(150), min(trips, .milliseconds(250)))
  }

  private func place(of index: Int) -> Int? {
    var low = 0
    var high = missing.count
    while low < high {
      let middle = (low + high) / 2
      if missing[middle].index < index { low = middle + 1 } else { high = middle }
    }
    return low < missing.count && missing[low].index == index ? low : nil
  }
}
