import ArgumentParser
import Capture
import Codecs
import Foundation
import Foundations
import Playback
import Vision

struct VisionBlurCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blur",
    abstract: "Blur or replace what is behind a person.",
    discussion: """
      Runs the live effect over a clip, every picture of it and in order. The mask is a grey video \
      of the same size and rate: white is the person.
      """)

  @Option(help: ArgumentHelp("The clip (.y4m or .webm).", valueName: "clip"))
  var input: String

  @Option(help: ArgumentHelp("Where the result goes (.webm).", valueName: "clip"))
  var output: String

  @Option(help: ArgumentHelp("Where the mask goes (.webm).", valueName: "clip"))
  var mask: String?

  @Option(help: "How soft the background becomes, 1 to 3.")
  var strength: Int?

  @Option(
    help: ArgumentHelp(
      "Put this PNG or JPEG file behind the person instead.", valueName: "image"))
  var background: String?

  @Option(help: ArgumentHelp("Where the models are kept.", valueName: "directory"))
  var dataDir: String?

  func validate() throws {
    if let strength, !BackgroundEffect.strengths.contains(strength) {
      throw ValidationError("--strength takes a number from 1 to 3.")
    }
    if strength != nil, background != nil {
      throw ValidationError("Give --strength or --background, not both.")
    }
    let files = [input, output, mask].compactMap { $0 }.map(Self.file)
    guard Set(files).count == files.count else {
      throw ValidationError("--input, --output and --mask need a file each.")
    }
  }

  /// The same for all names of one file.
  private static func file(_ path: String) -> String {
    var status = stat()
    if stat(path, &status) == 0 { return "\(status.st_dev) \(status.st_ino)" }
    return URL(fileURLWithPath: path).resolvingSymlinksInPath().path
  }

  func run() async throws {
    try await reportingFailure(asJSON: false) { try blur() }
  }

  private func blur() throws(Failure) {
    let kind: BackgroundEffect.Background =
      if let background {
        .image(try BackgroundImage(path: background))
      } else {
        .blurred(strength: strength ?? 2)
      }
    let effect = try BackgroundEffect(
      kind, store: ModelStore(dataDirectory: dataDirectory(dataDir)))
    let pool = PicturePool()
    let clip = try ClipReader(
      path: clipPath(input), pool: pool, makeDecoder: { try VideoDecoder(codec: $0, pool: $1) })
    let result = try ClipWriter(path: output, like: clip)
    let masks: ClipWriter? = if let mask { try ClipWriter(path: mask, like: clip) } else { nil }
    let progress = ProgressLine("Blurring")
    var count = 0
    while let (picture, time) = try clip.next() {
      guard let blurred = try effect.apply(to: picture) else {
        throw Failure("effect-failed", exit: .software, "A picture was left out.")
      }
      try result.write(blurred, at: time)
      if let masks {
        let grey = pool.makePicture(width: picture.width, height: picture.height)
        effect.drawMask(onto: grey)
        try masks.write(grey, at: time)
      }
      count += 1
      progress.show(count, of: max(clip.estimatedCount, count), unit: "pictures")
    }
    try result.finish()
    try masks?.finish()
    progress.end()
  }
}

/// Writes pictures as a WebM clip in VP8, good enough to measure by.
private final class ClipWriter {
  private let recorder: WebMRecorder
  private let encoder: VP8Encoder
  private var isFirst = true

  /// Bits a pixel: edges and noise must come through.
  private static let bitsPerPixel = 0.35

  init(path: String, like clip: ClipReader) throws(Failure) {
    let rate = max(Int((1 / clip.interval.inSeconds).rounded()), 1)
    let bits = Double(clip.width * clip.height * rate) * Self.bitsPerPixel
    do {
      encoder = try VP8Encoder(
        width: clip.width, height: clip.height, framesPerSecond: rate,
        bitrate: Bitrate(bitsPerSecond: Int(bits)))
    } catch {
      throw Failure("encoder-failed", exit: .software, "VP8 can't be started: \(error).")
    }
    recorder = try WebMRecorder(path: path, video: true, sound: false)
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

  func finish() throws(Failure) { try recorder.finish() }
}
