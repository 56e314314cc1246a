package import Foundations

/// Writes one participant's pictures and sound into a WebM file, as they were received.
///
/// The file can be read at any moment, even if the program is killed: it grows by a whole cluster
/// about once a second. ``finish()`` adds the duration and an index for seeking. When the disk is
/// full, or the file reaches a limit of its size, `write` throws a failure with the code "disk-full"
/// and what was recorded until then stays readable.
///
/// Belongs to one thread or actor at a time.
package final class WebMRecorder {
  private let file: OutputFile
  private let header: WebMHeader
  private let hasVideo: Bool
  private let hasSound: Bool
  /// That of the first keyframe; pictures before it can't be shown and are left out.
  private var codec: VideoCodec?
  private var pending: [Block] = []
  private var pendingBytes = 0
  /// Milliseconds; no later block may be older than this.
  private var writtenUntil = 0
  /// Milliseconds at which the latest block begins, by track.
  private var latest: [UInt8: Int] = [:]
  private var cues: [(time: Int, track: UInt8, position: Int)] = []
  private var state = State.recording

  private enum State {
    /// Exits: `broken` when writing fails, `finished` by `finish`.
    case recording
    /// Exits: `finished` by `finish`.
    case broken(Failure)
    case finished
  }

  private struct Block {
    let track: UInt8
    var time: Int
    let isKeyframe: Bool
    let bytes: [UInt8]
  }

  /// Milliseconds in a cluster.
  private static let clusterLength = 1000
  /// Milliseconds by which sound and pictures may arrive out of step and still be sorted.
  private static let slack = 300
  /// Bytes kept back at most: a cluster is written early beyond that.
  private static let pendingLimit = 4 << 20
  /// Entries of the index. Three hours with a keyframe each second; later ones aren't in it.
  private static let cueLimit = 10_800

  /// - Parameter name: that of the clip whose draft this is, if it is one: failures call it so, and
  ///   say that nothing is kept.
  package init(
    path: String, draftOf name: String? = nil, video: Bool, sound: Bool
  ) throws(Failure) {
    precondition(video || sound)
    hasVideo = video
    hasSound = sound
    file = try OutputFile(path: path, draftOf: name)
    header = WebMHeader(video: video, sound: sound)
    do throws(Failure) {
      try file.append(header.bytes)
    } catch {
      // There is nothing for `deinit` to finish.
      state = .finished
      throw error
    }
  }

  deinit {
    try? finish()
  }

  /// - Parameter time: since the recording's start.
  /// - Throws: "disk-full" and "cannot-write" end the recording, and come again for each later call;
  ///   "codec-changed" refuses this picture: it needs a new file.
  package func write(_ picture: EncodedPicture, at time: Duration) throws(Failure) {
    precondition(hasVideo)
    try checkState()
    if codec == nil {
      guard picture.isKeyframe else { return }
      try guarded { recorder throws(Failure) in try recorder.describe(picture) }
    }
    guard picture.codec == codec else {
      throw Failure(
        "codec-changed", exit: .unavailable,
        "The pictures have changed from \(codec?.rawValue ?? "") to \(picture.codec.rawValue), "
          + "which one file can't hold.")
    }
    try add(
      Block(
        track: WebMHeader.videoTrack, time: Self.milliseconds(time),
        isKeyframe: picture.isKeyframe, bytes: picture.bytes))
  }

  /// - Parameter time: since the recording's start.
  /// - Throws: "disk-full" and "cannot-write" end the recording, and come again for each later call.
  package func write(_ sound: EncodedSound, at time: Duration) throws(Failure) {
    precondition(hasSound)
    try checkState()
    try add(
      Block(
        track: WebMHeader.audioTrack, time: Self.milliseconds(time), isKeyframe: true,
        bytes: sound.bytes))
  }

  /// Writes what is left, the duration and the index. Nothing can be written afterwards. Of a
  /// recording that broke down it says nothing more.
  package func finish() throws(Failure) {
    switch state {
    case .finished: return
    case .broken:
      state = .finished
      // Needs no more room than there is; if it fails too, the file is readable without it.
      try? describeEnd()
    case .recording:
      try guarded { recorder throws(Failure) in
        while !recorder.pending.isEmpty { try recorder.writeCluster() }
        try recorder.writeIndex()
        try recorder.describeEnd()
      }
      state = .finished
    }
  }

  private func checkState() throws(Failure) {
    switch state {
    case .recording: return
    case .broken(let failure): throw failure
    case .finished:
      throw Failure("recording-finished", exit: .software, "The recording has been finished.")
    }
  }

  /// Runs `work`; the recording is broken when it fails.
  private func guarded(_ work: (WebMRecorder) throws(Failure) -> Void) throws(Failure) {
    do throws(Failure) {
      try work(self)
    } catch {
      (pending, pendingBytes) = ([], 0)
      state = .broken(error)
      throw error
    }
  }

  // MARK: - Clusters

  private func add(_ block: Block) throws(Failure) {
    var block = block
    // Times of a track never go back, and nothing goes into a cluster that is already written.
    block.time = max(block.time, writtenUntil, (latest[block.track] ?? -1) + 1)
    latest[block.track] = block.time
    pending.append(block)
    pendingBytes += block.bytes.count
    try guarded { recorder throws(Failure) in
      while recorder.isClusterDue { try recorder.writeCluster() }
    }
  }

  private var isClusterDue: Bool {
    guard let first = pending.lazy.map(\.time).min(), let last = pending.lazy.map(\.time).max()
    else { return false }
    return last - first >= Self.clusterLength + Self.slack || pendingBytes > Self.pendingLimit
  }

  /// Writes the oldest second of what is pending.
  private func writeCluster() throws(Failure) {
    guard let start = pending.lazy.map(\.time).min() else { return }
    let end = start + Self.clusterLength
    // Sound before a picture of the same millisecond; otherwise by time.
    let blocks = pending.filter { $0.time < end }
      .sorted { ($0.time, $1.track) < ($1.time, $0.track) }
    var body = Matroska.number(.timestamp, UInt64(start))
    for block in blocks {
      let offset = UInt16(block.time - start)
      // RFC 9559 §10.2: track, time, flags (keyframe).
      let head: [UInt8] = [
        0x80 | block.track, UInt8(offset >> 8), UInt8(offset & 0xFF), block.isKeyframe ? 0x80 : 0,
      ]
      body += Matroska.element(.simpleBlock, head + block.bytes)
    }
    let position = file.size - header.segmentStart
    try file.append(Matroska.element(.cluster, body, isWide: true))
    let keyframe = blocks.first {
      $0.isKeyframe && (!hasVideo || $0.track == WebMHeader.videoTrack)
    }
    if let keyframe, cues.count < Self.cueLimit {
      cues.append((keyframe.time, keyframe.track, position))
    }
    pending.removeAll { $0.time < end }
    pendingBytes = pending.reduce(0) { $0 + $1.bytes.count }
    writtenUntil = blocks.last?.time ?? writtenUntil
  }

  // MARK: - What is set right later

  private func describe(_ picture: EncodedPicture) throws(Failure) {
    codec = picture.codec
    try file.patch(Array(WebMHeader.name(picture.codec).utf8), at: header.videoCodecAt)
    try file.patch(WebMHeader.side(picture.width), at: header.widthAt)
    try file.patch(WebMHeader.side(picture.height), at: header.heightAt)
  }

  private func writeIndex() throws(Failure) {
    var entries = [(Matroska.ID.info, header.infoAt), (.tracks, header.tracksAt)]
    if !cues.isEmpty {
      entries.append((.cues, file.size))
      try file.append(Matroska.element(.cues, cues.flatMap(Self.cuePoint)))
    }
    let seeks = entries.flatMap { id, position in
      Matroska.element(
        .seek,
        Matroska.element(.seekID, Matroska.identifier(id))
          + Matroska.number(.seekPosition, UInt64(position - header.segmentStart), width: 8))
    }
    let head = Matroska.element(.seekHead, seeks)
    try file.patch(
      head + Matroska.void(WebMHeader.seekHeadSize - head.count), at: header.seekHeadAt)
  }

  private static func cuePoint(time: Int, track: UInt8, position: Int) -> [UInt8] {
    Matroska.element(
      .cuePoint,
      Matroska.number(.cueTime, UInt64(time))
        + Matroska.element(
          .cueTrackPositions,
          Matroska.number(.cueTrack, UInt64(track))
            + Matroska.number(.cueClusterPosition, UInt64(position))))
  }

  private func describeEnd() throws(Failure) {
    try file.patch(
      Matroska.float(.duration, Double(latest.values.max() ?? 0)), at: header.durationAt)
    try file.patch(
      Matroska.wideSize(file.size - header.segmentStart), at: header.segmentSizeAt)
  }

  private static func milliseconds(_ time: Duration) -> Int {
    Int(max((time.milliseconds).rounded(), 0))
  }
}
