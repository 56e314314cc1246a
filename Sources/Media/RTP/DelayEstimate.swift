import Foundations

/// How long sound should be held back so that most packets are in time.
///
/// A packet's lateness is its transit time less the shortest of late. The delay is that within which
/// 97 % of the packets come (as NetEq of WebRTC has it), with a little room for the grid of pulls.
struct DelayEstimate: Sendable {
  static let shortest = Duration.milliseconds(20)
  static let longest = Duration.milliseconds(200)

  /// A step of the sender's clock rather than of the network.
  static let step = Duration.seconds(2)
  private static let quantile = 0.97
  private static let margin = Duration.milliseconds(5)
  /// Widths of the histogram's classes, and how many: the last takes all above 250 ms.
  private static let width = Duration.milliseconds(5)
  private static let classes = 51
  /// What a packet's class still weighs when the next one comes: ten seconds of 50 a second.
  private static let memory = 0.998
  /// The shortest transit time is that of so many periods: as long as the histogram remembers, and
  /// short enough for clocks that drift apart by 200 ppm (2 ms).
  private static let periods = 10
  private static let period = Duration.seconds(1)
  /// Until so many packets have come, the delay isn't shorter than `firstDelay`.
  private static let firstPackets = 50
  private static let firstDelay = Duration.milliseconds(40)

  private var weights = [Double](repeating: 0, count: Self.classes)
  private var total = 0.0
  /// Of the next packet.
  private var weight = 1.0
  private var packets = 0
  /// The shortest transit time of each of the last periods, in nanoseconds; the last one is open.
  private var shortestTransits: [Int64] = []
  private var periodBegan = Moment.zero
  private(set) var target = Self.firstDelay

  /// The shortest transit time of late: of a packet with time 0, when it would arrive.
  private(set) var base = Moment.zero

  /// Whether the sender's clock must have been set since the packets before.
  func isStep(time: Duration, arrived now: Moment) -> Bool {
    packets > 0 && abs(((now - time) - base).nanoseconds) > Self.step.nanoseconds
  }

  /// - Parameter time: the packet's, on the sender's clock since some origin.
  mutating func learn(time: Duration, arrived now: Moment) {
    let transit = (now - time).nanoseconds
    note(transit, at: now)
    let lateness = transit - base.nanoseconds
    let place = min(Int(lateness / Self.width.nanoseconds), Self.classes - 1)
    // Instead of fading all weights, new ones grow; they are scaled back before they overflow.
    weight /= Self.memory
    weights[place] += weight
    total += weight
    packets += 1
    if weight > 1e9 { rescale() }
    retarget()
  }

  private mutating func note(_ transit: Int64, at now: Moment) {
    if shortestTransits.isEmpty || now - periodBegan >= Self.period {
      periodBegan = now
      shortestTransits.append(transit)
      if shortestTransits.count > Self.periods { shortestTransits.removeFirst() }
    } else if transit < shortestTransits[shortestTransits.count - 1] {
      shortestTransits[shortestTransits.count - 1] = transit
    }
    base = Moment(nanoseconds: shortestTransits.min() ?? transit)
  }

  private mutating func rescale() {
    for place in weights.indices { weights[place] /= weight }
    total /= weight
    weight = 1
  }

  private mutating func retarget() {
    var above = total * (1 - Self.quantile)
    var place = Self.classes - 1
    // From the far end, which is mostly empty but short.
    while place > 0, weights[place] <= above {
      above -= weights[place]
      place -= 1
    }
    let wanted = Self.width * (place + 1) + Self.margin
    let least = packets < Self.firstPackets ? Self.firstDelay : Self.shortest
    target = max(least, min(wanted, Self.longest))
  }
}
