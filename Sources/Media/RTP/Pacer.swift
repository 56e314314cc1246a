import DequeModule
import Foundations

/// Spaces a peer's video packets, so that a keyframe doesn't fill the queues on its way and push
/// sound, or another member's packets, out of them.
///
/// A burst goes at once; what is left leaves in small groups, so that a whole frame is out within
/// ``frameTime``. Sound never waits here.
struct Pacer: Sendable {
  /// Packets of a burst.
  static let burst = 10
  /// Time for what is queued to leave: well within the 33 ms to the next frame.
  static let frameTime = Duration.milliseconds(20)
  /// At least as fast as a frame of 60 packets needs: 50 behind the burst.
  static let longestSpacing = frameTime / 50
  /// Between two groups; timers are no finer than a millisecond.
  static let groupTime = Duration.milliseconds(2)
  /// Some keyframes of 8 Mbit/s. Beyond that the wire is too slow, or the driver stands still.
  static let capacity = 512
  /// Packets to be sent again; the oldest are dropped.
  static let maximumRepeats = 128

  enum Item {
    case again([UInt8])
    case payload(of: PacketizedPicture, index: Int)
  }

  private var repeats: Deque<[UInt8]> = []
  private var pictures: Deque<PacketizedPicture> = []
  /// Payloads of the first picture that have left.
  private var progress = 0
  private var queued = 0
  /// When the last packet would have left if all were evenly spaced.
  private var schedule = Moment(nanoseconds: .min / 2)
  private var spacing = Self.longestSpacing

  var isEmpty: Bool { repeats.isEmpty && pictures.isEmpty }

  var isMidPicture: Bool { progress > 0 }

  func hasRoom(for picture: PacketizedPicture) -> Bool {
    pictures.isEmpty || queued + picture.payloads.count <= Self.capacity
  }

  mutating func append(_ picture: PacketizedPicture) {
    pictures.append(picture)
    queued += picture.payloads.count
    hurry()
  }

  /// - Returns: how many pictures were dropped: all but one that is on its way.
  mutating func dropWaiting() -> Int {
    var dropped = 0
    while pictures.count > (progress > 0 ? 1 : 0), let last = pictures.popLast() {
      queued -= last.payloads.count
      dropped += 1
    }
    return dropped
  }

  mutating func append(repeat bytes: [UInt8]) {
    if repeats.count == Self.maximumRepeats { repeats.removeFirst() }
    repeats.append(bytes)
    hurry()
  }

  /// The next packet that may leave now.
  mutating func next(at now: Moment) -> Item? {
    guard !isEmpty else { return nil }
    let earliest = now - spacing * (Self.burst - 1)
    let time = max(schedule, earliest)
    guard time <= now else { return nil }
    schedule = time + spacing
    if let bytes = repeats.popFirst() { return .again(bytes) }
    let picture = pictures[0]
    defer {
      progress += 1
      queued -= 1
      if progress == picture.payloads.count {
        pictures.removeFirst()
        progress = 0
      }
    }
    return .payload(of: picture, index: progress)
  }

  /// When the next group is complete.
  var deadline: Moment? {
    guard !isEmpty else { return nil }
    let waiting = queued + repeats.count
    let group = max(1, min(waiting, Int(Self.groupTime / spacing), Self.burst))
    return schedule + spacing * (group - 1)
  }

  /// Spaces what is queued so that all of it leaves in time.
  private mutating func hurry() {
    spacing = min(Self.longestSpacing, Self.frameTime / max(1, queued + repeats.count))
  }
}
