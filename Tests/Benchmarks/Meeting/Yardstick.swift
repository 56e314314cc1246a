import Capture
import Codecs
import Foundations

/// What the codec alone costs on this computer in this minute: machines are shared, and a figure
/// beside this one means something where a bare one doesn't.
enum Yardstick {
  /// Processor seconds for drawing, encoding and decoding so many pictures of the call's size.
  static func processorSeconds(frames: Int) throws -> Double {
    let (width, height, rate) = (CallMedia.width, CallMedia.height, CallMedia.framesPerSecond)
    let pool = PicturePool()
    let pattern = PatternSource(
      settings: VideoSettings(width: width, height: height, framesPerSecond: rate), seed: 1)
    let encoder = try VP8Encoder(
      width: width, height: height, framesPerSecond: rate,
      bitrate: Bitrate(bitsPerSecond: 1_500_000))
    let decoder = try VideoDecoder(codec: .vp8, pool: pool)
    let clock = HostClock()
    let before = clock.processorTime()
    for number in 0..<frames {
      let picture = pool.makePicture(width: width, height: height)
      pattern.draw(frame: number, captured: clock.wallTime(), on: picture)
      let captured = Moment(nanoseconds: Int64(number) * 1_000_000_000 / Int64(rate))
      guard
        let encoded = try encoder.encode(
          VideoFrame(picture: picture, captured: captured), forceKeyframe: number == 0)
      else { continue }
      _ = try decoder.decode(encoded.bytes)
    }
    return (clock.processorTime() - before).inSeconds
  }
}
