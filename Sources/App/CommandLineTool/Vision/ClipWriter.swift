import Codecs
import Foundation
import Foundations
import Playback

/// Writes pictures as a WebM clip in VP8, good enough to measure by. What lay there before is replaced
/// when the clip is whole, and not at all where it doesn't become that.
final class ClipWriter {
  private let path: String
  /// Where it grows; the same as `path` for what is no ordinary file, as `/dev/null`.
  private let draft: String
  private let recorder: WebMRecorder
  private let encoder: VP8Encoder
  private var isFirst = true
  private var isInPlace = false

  /// Bits a pixel: edges and noise must come through.
  private static let bitsPerPixel = 0.35

  init(path: String, width: Int, height: Int, interval: Duration) throws(Failure) {
    let rate = max(Int((1 / interval.inSeconds).rounded()), 1)
    let bits = Double(width * height * rate) * Self.bitsPerPixel
    do {
      encoder = try VP8Encoder(
        width: width, height: height, framesPerSecond: rate,
        bitrate: Bitrate(bitsPerSecond: Int(bits)))
    } catch {
      throw Failure("encoder-failed", exit: .software, "VP8 can't be started: \(error).")
    }
    // The file that a symbolic link names is meant, not the link.
    self.path = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let kind = try? FileManager.default.attributesOfItem(atPath: self.path)[.type]
    let isOrdinary = kind == nil || kind as? FileAttributeType == .typeRegular
    draft = isOrdinary ? "\(self.path).\(getpid()).new" : self.path
    recorder = try WebMRecorder(path: draft, draftOf: path, video: true, sound: false)
  }

  deinit {
    if !isInPlace, draft != path { unlink(draft) }
  }

  func write(_ picture: Picture, at time: Duration) throws(Failure) {
    let encoded: EncodedPicture?
    do {
      encoded = try encoder.encode(
        VideoFrame(picture: picture, captured: Moment.zero + time), forceKeyframe: isFirst)
    } catch {
      throw Failure("encoder-failed", exit: .software, "A picture can't be encoded: \(error).")
    }
    isFirst = false
    if let encoded { try recorder.write(encoded, at: time) }
  }

  func finish() throws(Failure) {
    try recorder.finish()
    guard draft == path || rename(draft, path) == 0 else {
      throw Failure(
        "cannot-create-file", exit: .cannotCreate,
        "“\(DisplayText.line(path, limit: 200))” can't be written: "
          + "\(String(cString: strerror(errno)).lowercased()).")
    }
    isInPlace = true
  }
}
