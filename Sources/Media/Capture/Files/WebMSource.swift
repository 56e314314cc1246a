import Foundations

/// A WebM clip with VP8 or VP9, in a loop.
final class WebMSource: VideoSource {
  let settings: VideoSettings
  let interval: Duration
  /// Between pictures as the clip has them.
  private let ownInterval: Duration
  private let path: String
  private let reader: WebMReader
  private let decoder: any PictureDecoding
  private let fitting: Fitting
  /// The time of the first packet of the file.
  private let firstTime: Duration
  /// When, on the source's own time line, the present round through the file began.
  private var roundStart = Duration.zero
  /// The packet that is not due yet.
  private var ahead: WebMReader.Packet?
  private var lastTime: Duration
  private var picturesThisRound = 0
  private(set) var defect: Failure?

  /// Packets decoded for one picture at most. When so much has been missed the clip goes on from
  /// where it is.
  private static let packetLimit = 300
  /// Packets from which the rate is estimated.
  private static let sampleSize = 90

  init(
    path: String, settings: VideoSettings, pool: PicturePool,
    makeDecoder: VideoCapture.DecoderMaker
  ) throws(Failure) {
    self.path = path
    reader = try WebMReader(path: path)
    let times = Self.times(reader)
    guard let track = reader.track(.video), let begin = times.first else {
      throw .badClip(path, "there are no pictures in it")
    }
    let codec: VideoCodec
    switch track.codec {
    case "V_VP8" where !track.isEncoded: codec = .vp8
    case "V_VP9" where !track.isEncoded: codec = .vp9
    case _: throw .badClip(path, "its pictures are neither plain VP8 nor plain VP9")
    }
    do {
      decoder = try makeDecoder(codec, pool)
    } catch {
      throw .badClip(path, "there is no decoder for its pictures")
    }
    let (first, reason) = Self.firstPicture(reader, decoder)
    guard let picture = first else {
      throw .badClip(path, "none of its pictures can be decoded" + reason)
    }
    firstTime = begin
    lastTime = begin
    fitting = Fitting(width: picture.width, height: picture.height, into: settings, pool: pool)
    ownInterval = Self.interval(track: track, times: times)
    (self.settings, interval) = settings.limited(to: fitting, interval: ownInterval)
    reader.rewind()
  }

  /// The times of the first video packets.
  private static func times(_ reader: WebMReader) -> [Duration] {
    var times: [Duration] = []
    while times.count < sampleSize, let packet = reader.next() {
      if packet.kind == .video { times.append(packet.time) }
    }
    return times
  }

  private static func interval(track: WebMReader.Track, times: [Duration]) -> Duration {
    let sensible = Duration.milliseconds(5)...Duration.seconds(1)
    if let stated = track.frameDuration, sensible.contains(stated) { return stated }
    guard times.count > 1, let first = times.first, let last = times.max(), last > first else {
      return .nanoseconds(1_000_000_000 / 30)
    }
    let mean = Duration.nanoseconds((last - first).nanoseconds / Int64(times.count - 1))
    return min(max(mean, sensible.lowerBound), sensible.upperBound)
  }

  /// The first picture that can be decoded, or why the first packet can't, as a sentence's end.
  private static func firstPicture(
    _ reader: WebMReader, _ decoder: any PictureDecoding
  ) -> (Picture?, reason: String) {
    reader.rewind()
    var reason = ""
    for _ in 0..<packetLimit {
      guard let packet = reader.next() else { break }
      guard packet.kind == .video else { continue }
      do {
        if let picture = try decoder.decode(packet.bytes) { return (picture, "") }
      } catch {
        if reason.isEmpty { reason = ": \(error)" }
      }
    }
    return (nil, reason)
  }

  func picture(slot: Int, captured: WallTime) throws(Failure) -> Picture? {
    let elapsed = interval * slot
    var latest: Picture?
    for _ in 0..<Self.packetLimit {
      let packet = if let ahead { ahead } else { try nextVideoPacket() }
      let due = roundStart + packet.time - firstTime
      // The picture nearest to the slot: times in the file are rounded to milliseconds, and a round's
      // length with them, so that a picture would often miss its slot by a hair.
      guard due <= elapsed + interval / 2 else {
        ahead = packet
        return latest.map(fitting.fit)
      }
      ahead = nil
      lastTime = max(lastTime, packet.time)
      // A packet that can't be decoded is passed over: what is good is shown.
      do {
        if let picture = try decoder.decode(packet.bytes) {
          latest = picture
          picturesThisRound += 1
        }
      } catch {
        defect = .damagedFile(path, "holds pictures that can't be decoded (\(error))")
      }
    }
    // Far behind: the clip goes on from here.
    roundStart = elapsed - (lastTime - firstTime)
    return latest.map(fitting.fit)
  }

  /// A whole number of pictures after the present one's, where the file's times allow: they are rounded,
  /// and what is lost by that in each round would add up.
  private var nextRoundStart: Duration {
    let stated = roundStart + (lastTime - firstTime) + ownInterval
    let whole = ownInterval * Int((stated / ownInterval).rounded())
    let error = stated < whole ? whole - stated : stated - whole
    return error < Self.roundingLimit ? whole : stated
  }

  /// Two times are rounded to a millisecond each.
  private static let roundingLimit = Duration.milliseconds(2)

  /// The next packet with a picture, from the file's beginning again after its end.
  private func nextVideoPacket() throws(Failure) -> WebMReader.Packet {
    var hasEnded = false
    while true {
      if let packet = reader.next() {
        if packet.kind == .video { return packet }
        continue
      }
      guard !hasEnded else { throw .badClip(path, "it has been changed or cut while it played") }
      hasEnded = true
      if let found = reader.defect(of: path) { defect = found }
      if picturesThisRound > 0 {
        roundStart = nextRoundStart
      }
      (lastTime, picturesThisRound) = (firstTime, 0)
      reader.rewind()
    }
  }
}
