package import Foundations

/// Reads the pictures of a clip once, in order and each of them, as fast as they are wanted.
///
/// Belongs to one thread or actor at a time.
package final class ClipReader {
  package let width: Int
  package let height: Int
  /// The usual time between two pictures.
  package let interval: Duration
  /// How many there are, as far as can be told without decoding them.
  package let estimatedCount: Int
  /// What is wrong with the file, as far as it was met: pictures that can't be decoded, an end before
  /// the end.
  package private(set) var defect: Failure?
  private let path: String
  /// A clip's pictures may change their size: all are shown as large as the first.
  private let fitting: Fitting
  private var source: Source

  private enum Source {
    case y4m(Y4MSource, taken: Int)
    case webM(WebMReader, any PictureDecoding, firstTime: Duration)
  }

  package init(
    path: String, pool: PicturePool, makeDecoder: VideoCapture.DecoderMaker
  ) throws(Failure) {
    self.path = path
    // As large as the file has them, and each of them.
    let settings = VideoSettings(
      width: Picture.sideLimit, height: Picture.sideLimit, framesPerSecond: 1000)
    let file = try InputFile(path: path)
    if file.read(at: 0, count: 10).starts(with: Array("YUV4MPEG2 ".utf8)) {
      let clip = try Y4MSource(file, settings: settings, pool: pool)
      (width, height, interval) = (clip.settings.width, clip.settings.height, clip.interval)
      estimatedCount = clip.estimatedCount
      fitting = Fitting(width: width, height: height, into: clip.settings, pool: pool)
      source = .y4m(clip, taken: 0)
      return
    }
    // Its checks are those of a clip that is played.
    let clip = try WebMSource(
      path: path, settings: settings, pool: pool, makeDecoder: makeDecoder)
    (width, height, interval) = (clip.settings.width, clip.settings.height, clip.interval)
    fitting = Fitting(width: width, height: height, into: clip.settings, pool: pool)
    let reader = try WebMReader(path: path)
    var (count, first) = (0, Duration.zero)
    while let packet = reader.next() {
      guard packet.kind == .video else { continue }
      if count == 0 { first = packet.time }
      count += 1
    }
    estimatedCount = max(count, 1)
    // Known once there has been a packet.
    let codec: VideoCodec = reader.track(.video)?.codec == "V_VP9" ? .vp9 : .vp8
    reader.rewind()
    do {
      source = .webM(reader, try makeDecoder(codec, pool), firstTime: first)
    } catch {
      throw .badClip(path, "there is no decoder for its pictures")
    }
  }

  /// The next picture and its time since the first; `nil` at the end. What can't be decoded is left
  /// out, and told by ``defect``.
  package func next() throws(Failure) -> (picture: Picture, time: Duration)? {
    switch source {
    case .y4m(let clip, let taken):
      guard let picture = try clip.next() else {
        defect = clip.defect
        return nil
      }
      source = .y4m(clip, taken: taken + 1)
      return (picture, interval * taken)
    case .webM(let reader, let decoder, let first):
      while let packet = reader.next() {
        guard packet.kind == .video else { continue }
        do {
          if let picture = try decoder.decode(packet.bytes) {
            return (fitting.fit(picture), packet.time - first)
          }
        } catch {
          defect = .damagedFile(path, "holds pictures that can't be decoded (\(error))")
        }
      }
      if let found = reader.defect(of: path) { defect = found }
      return nil
    }
  }
}
