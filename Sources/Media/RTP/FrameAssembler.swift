import Foundations

/// Puts packets together to frames and hands these on in order.
///
/// A frame is whole when all packets from its first (S bit) to its last (marker, or the next frame's
/// first) are there; it can be decoded when all before it were handed on, or when it is a keyframe.
/// Whether a frame is missing shows in the sequence numbers alone, since every frame counts as
/// needed by the next.
struct FrameAssembler: Sendable {
  /// Packets held; beyond that the oldest are dropped, and a keyframe is needed. One and a half
  /// seconds of 8 Mbit/s.
  static let capacity = 1024
  /// Keyframes that may be under way at once; the oldest is dropped.
  static let maximumCandidates = 4

  struct Slot: Sendable {
    let index: Int
    let timestamp: UInt32
    let arrived: Moment
    let endsFrame: Bool
    let startsFrame: Bool
    let startsKeyframe: Bool
    /// Without the payload descriptor; empty for padding that only probes the path.
    let data: ArraySlice<UInt8>
  }

  /// A frame under construction.
  private struct Run {
    var start: Int
    /// The next packet to look at.
    var cursor: Int
  }

  private enum State {
    /// Frames before `run` were handed on.
    case following(Run)
    /// What comes can't be decoded before a keyframe.
    case awaitingKeyframe
  }

  private var state = State.awaitingKeyframe
  /// Keyframes beyond a hole. The first one that is whole is where it goes on.
  private var candidates: [Run] = []
  private var slots: [Slot?] = []
  /// Packets before this are of no use any more.
  private(set) var floor: Int
  private var newest: Int
  private var size = (width: 0, height: 0)
  /// Frames begun and not handed on.
  private(set) var dropped = 0

  /// - Parameter index: the first packet that came; a few before it may have been overtaken.
  init(first index: Int) {
    floor = index - Self.capacity / 2
    newest = floor
  }

  var needsKeyframe: Bool {
    switch state {
    case .awaitingKeyframe: true
    case .following: false
    }
  }

  /// Whether some of a keyframe has come.
  var hasCandidate: Bool { !candidates.isEmpty }

  var heldCount: Int { slots.count { $0 != nil } }

  enum Outcome: Hashable {
    case stored
    /// Too late, or seen before.
    case unneeded
  }

  mutating func insert(
    _ packet: RTPPacket, at index: Int, now: Moment, into pictures: inout [ReceivedPicture]
  ) -> Outcome {
    guard index >= floor else { return .unneeded }
    if slots.isEmpty { slots = Array(repeating: nil, count: Self.capacity) }
    if index > newest {
      newest = index
      if index - floor >= Self.capacity { abandon(before: index - Self.capacity + 1) }
    }
    guard slot(index) == nil else { return .unneeded }
    let slot = makeSlot(packet, at: index, now: now)
    slots[index & (Self.capacity - 1)] = slot
    if slot.startsKeyframe { addCandidate(index) }
    advance(at: now, into: &pictures)
    return .stored
  }

  /// The packet at `index` won't come: everything up to the next keyframe is of no use.
  mutating func lose(_ index: Int) {
    guard index >= floor else { return }
    state = .awaitingKeyframe
    candidates.removeAll { $0.start <= index }
    raiseFloor(to: candidates.first?.start ?? index + 1)
  }

  // MARK: - Slots

  private func slot(_ index: Int) -> Slot? {
    guard let slot = slots[index & (Self.capacity - 1)], slot.index == index else { return nil }
    return slot
  }

  private func makeSlot(_ packet: RTPPacket, at index: Int, now: Moment) -> Slot {
    var data = packet.payload
    let descriptor = data.isEmpty ? nil : try? VP8Descriptor(parsing: &data)
    let startsFrame = descriptor?.startsFrame == true && !data.isEmpty
    return Slot(
      index: index, timestamp: packet.timestamp, arrived: now, endsFrame: packet.marker,
      startsFrame: startsFrame,
      startsKeyframe: startsFrame && VP8FrameHeader.isKeyframe(data),
      data: descriptor == nil ? [] : data)
  }

  private mutating func raiseFloor(to index: Int, delivered: Bool = false) {
    guard index > floor else { return }
    let first = max(floor, index - Self.capacity)
    floor = index
    guard !slots.isEmpty else { return }
    for old in first..<index {
      let place = old & (Self.capacity - 1)
      guard let slot = slots[place], slot.index < index else { continue }
      if !delivered, slot.startsFrame { dropped += 1 }
      slots[place] = nil
    }
  }

  private mutating func abandon(before index: Int) {
    state = .awaitingKeyframe
    candidates.removeAll { $0.start < index }
    raiseFloor(to: index)
  }

  private mutating func addCandidate(_ index: Int) {
    if case .following(let run) = state, run.cursor == index { return }
    if candidates.count == Self.maximumCandidates { candidates.removeFirst() }
    candidates.append(Run(start: index, cursor: index))
    candidates.sort { $0.start < $1.start }
  }

  // MARK: - Frames

  private enum Progress {
    case incomplete
    /// Up to but without this index.
    case whole(end: Int)
    case broken
  }

  private mutating func advance(at now: Moment, into pictures: inout [ReceivedPicture]) {
    while true {
      if case .following(var run) = state {
        let progress = advance(&run)
        state = .following(run)
        switch progress {
        case .incomplete: break
        case .whole(let end):
          deliver(run.start..<end, at: now, into: &pictures)
          continue
        case .broken: lose(run.cursor)
        }
      }
      guard let keyframe = wholeCandidate() else { return }
      raiseFloor(to: keyframe.lowerBound)
      deliver(keyframe, at: now, into: &pictures)
    }
  }

  /// Looks on from where it stopped last time.
  private func advance(_ run: inout Run) -> Progress {
    while let slot = slot(run.cursor) {
      if run.cursor == run.start {
        if slot.data.isEmpty {
          run = Run(start: run.start + 1, cursor: run.start + 1)
          continue
        }
        guard slot.startsFrame else { return .broken }
      } else if let first = self.slot(run.start) {
        if slot.startsFrame { return .whole(end: run.cursor) }
        guard slot.timestamp == first.timestamp || slot.data.isEmpty else { return .broken }
      }
      run.cursor += 1
      if slot.endsFrame { return .whole(end: run.cursor) }
    }
    return .incomplete
  }

  private mutating func wholeCandidate() -> Range<Int>? {
    var place = 0
    while place < candidates.count {
      var run = candidates[place]
      let progress = advance(&run)
      candidates[place] = run
      switch progress {
      case .incomplete: place += 1
      case .whole(let end): return run.start..<end
      case .broken: candidates.remove(at: place)
      }
    }
    return nil
  }

  private mutating func deliver(
    _ range: Range<Int>, at now: Moment, into pictures: inout [ReceivedPicture]
  ) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.reduce(0) { $0 + (slot($1)?.data.count ?? 0) })
    var begun = now
    for index in range {
      guard let slot = slot(index) else { continue }
      bytes.append(contentsOf: slot.data)
      begun = min(begun, slot.arrived)
    }
    let timestamp = slot(range.lowerBound)?.timestamp ?? 0
    let isKeyframe = VP8FrameHeader.isKeyframe(bytes[...])
    if isKeyframe {
      guard let found = VP8FrameHeader.size(ofKeyframe: bytes) else {
        lose(range.upperBound - 1)
        return
      }
      size = found
    }
    raiseFloor(to: range.upperBound, delivered: true)
    candidates.removeAll { $0.start < range.upperBound }
    state = .following(Run(start: range.upperBound, cursor: range.upperBound))
    pictures.append(
      ReceivedPicture(
        codec: .vp8, bytes: bytes, isKeyframe: isKeyframe, width: size.width, height: size.height,
        time: MediaTime(ticks: timestamp, clockRate: MediaTime.videoClockRate), begun: begun,
        received: now))
  }
}
