import CYUV
package import Foundations

/// Opens a clip by what its first bytes say.
/// - Parameter settings: larger pictures are scaled down to fit into these, higher rates lowered.
package func openClip(
  _ path: String, settings: VideoSettings, pool: PicturePool,
  makeDecoder: @escaping VideoCapture.DecoderMaker
) throws(Failure) -> any VideoSource {
  let file = try InputFile(path: path)
  let start = file.read(at: 0, count: 10)
  if start.starts(with: Array("YUV4MPEG2 ".utf8)) {
    return try Y4MSource(file, settings: settings, pool: pool)
  }
  // The EBML header's identifier (RFC 8794 §11.2.1).
  if start.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) {
    return try WebMSource(path: path, settings: settings, pool: pool, makeDecoder: makeDecoder)
  }
  throw .badClip(path, "it is neither Y4M nor WebM")
}

/// Brings a clip's pictures to the size that it promised.
struct Fitting {
  let width: Int
  let height: Int
  let pool: PicturePool

  /// The clip's own size if it fits into `settings`, else the largest even one of its shape that
  /// does.
  init(width: Int, height: Int, into settings: VideoSettings, pool: PicturePool) {
    self.pool = pool
    let scale = min(
      1, Double(settings.width) / Double(width), Double(settings.height) / Double(height))
    func fitted(_ side: Int) -> Int {
      scale == 1 ? side : max(Int(Double(side) * scale / 2) * 2, 2)
    }
    self.width = fitted(width)
    self.height = fitted(height)
  }

  func fit(_ picture: Picture) -> Picture {
    guard picture.width != width || picture.height != height else { return picture }
    let target = pool.makePicture(width: width, height: height)
    I420Scale(
      picture.luma.bytes, Int32(picture.luma.stride), picture.blue.bytes,
      Int32(picture.blue.stride), picture.red.bytes, Int32(picture.red.stride),
      Int32(picture.width), Int32(picture.height), target.luma.bytes, Int32(target.luma.stride),
      target.blue.bytes, Int32(target.blue.stride), target.red.bytes, Int32(target.red.stride),
      Int32(width), Int32(height), kFilterBox)
    return target
  }
}

extension VideoSettings {
  /// What a clip gives: its own size and rate, as far as they're not beyond these settings.
  func limited(to fitting: Fitting, interval: Duration) -> (VideoSettings, Duration) {
    let slowest = Duration.nanoseconds(1_000_000_000 / Int64(framesPerSecond))
    let interval = max(interval, slowest)
    let rate = Int((1e9 / Double(interval.nanoseconds)).rounded())
    return (
      VideoSettings(width: fitting.width, height: fitting.height, framesPerSecond: max(rate, 1)),
      interval
    )
  }
}
