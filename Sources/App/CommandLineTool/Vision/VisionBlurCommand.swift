import ArgumentParser
import Capture
import Codecs
import Foundation
import Foundations
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
  var dataDir: DirectoryArgument?

  func validate() throws {
    if let strength, !BackgroundEffect.strengths.contains(strength) {
      throw ValidationError("--strength takes a number from 1 to 3.")
    }
    if strength != nil, background != nil {
      throw ValidationError("Give --strength or --background, not both.")
    }
    let files = [clipPath(input), output, mask, background].compactMap { $0 }.map(Self.file)
    guard Set(files).count == files.count else {
      throw ValidationError("--input, --output, --mask and --background need a file each.")
    }
    for path in [output, mask].compactMap({ $0 }) {
      let ending = URL(fileURLWithPath: path).pathExtension.lowercased()
      guard ["", "webm"].contains(ending) else {
        throw ValidationError("--output and --mask are WebM clips: let their names end in .webm.")
      }
    }
  }

  /// The same for all names of one file.
  private static func file(_ path: String) -> String {
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let facts = try? FileManager.default.attributesOfItem(atPath: target)
    guard let device = facts?[.systemNumber], let number = facts?[.systemFileNumber] else {
      return target
    }
    return "\(device) \(number)"
  }

  func run() async throws {
    let signals = InterruptSignals()
    try await reportingFailure(asJSON: false) {
      let work = Task { try blur() }
      signals.onInterrupt { work.cancel() }
      try await work.value
    }
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
    func writer(_ path: String) throws(Failure) -> ClipWriter {
      try ClipWriter(
        path: path, width: clip.width, height: clip.height, interval: clip.interval)
    }
    let result = try writer(output)
    let masks: ClipWriter? = if let mask { try writer(mask) } else { nil }
    let progress = ProgressLine("Blurring")
    var count = 0
    while let (picture, time) = try clip.next() {
      if Task.isCancelled {
        throw Failure("cancelled", exit: .temporary, "Stopped before the end; nothing was written.")
      }
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
    progress.end()
    try result.finish()
    try masks?.finish()
    if let defect = clip.defect { throw defect }
  }
}
