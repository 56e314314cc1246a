import ArgumentParser
import Foundation
import Foundations
import Vision

struct DevicesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices",
    abstract: "What pictures and sound can come from, and where sound can go.",
    discussion: """
      Cameras and sound cards that this computer has are listed as found. This version takes \
      pictures and sound from files and from the built-in pattern and tone.

      With --calibrate it measures what your eyes and head add to every gaze, for God's eye: look at \
      each camera given when it is named, until the next one is. A clip counts from its beginning and \
      shows somebody looking at its camera for two seconds or more. The result is kept in the data directory and used by \
      --gods-eye and by "vision look"; an interruption or a failure leaves the former one.
      """)

  @Flag(help: "One JSON object a line.")
  var json = false

  @Flag(help: "Measure the gaze at each camera, for God's eye.")
  var calibrate = false

  @Option(
    name: .customLong("camera"),
    help: ArgumentHelp(
      "A camera to look at, as for host and join; up to \(GodsEye.cameraLimit) of them.",
      valueName: "camera"))
  var cameras: [String] = []

  @Option(
    help: ArgumentHelp("Where the calibration and the models are kept.", valueName: "directory"))
  var dataDir: DirectoryArgument?

  func validate() throws {
    if calibrate {
      guard (1...GodsEye.cameraLimit).contains(cameras.count) else {
        throw ValidationError(
          "Give --camera 1 to \(GodsEye.cameraLimit) times with --calibrate.")
      }
    } else if !cameras.isEmpty || dataDir != nil {
      throw ValidationError("--camera and --data-dir belong to --calibrate.")
    }
  }

  func run() async throws {
    guard calibrate else { return try list() }
    try await reportingFailure(asJSON: json) {
      try Calibration(
        cameras: cameras, dataDirectory: dataDirectory(dataDir), asJSON: json
      ).run()
    }
  }

  private func list() throws {
    let output = LineWriter(descriptor: STDOUT_FILENO)
    for device in Device.all {
      if json {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        output.write(String(decoding: try encoder.encode(device), as: UTF8.self))
      } else {
        let name = device.specification.padding(toLength: 20, withPad: " ", startingAt: 0)
        let kind = device.kind.rawValue.padding(toLength: 11, withPad: " ", startingAt: 0)
        output.write("\(kind) \(name) \(device.name)\(device.isUsable ? "" : "  (not used yet)")")
      }
    }
    try output.finish()
  }
}

/// Something that `--camera`, `--microphone` or `--speaker` can name, or that the computer has.
struct Device: Encodable {
  let kind: Kind
  let specification: String
  let name: String
  let isUsable: Bool

  enum Kind: String, Encodable {
    case camera, microphone, speaker
  }

  static var all: [Device] {
    [
      Device(
        kind: .camera, specification: "pattern", name: "A moving picture, made here",
        isUsable: true),
      Device(
        kind: .camera, specification: "file:CLIP", name: "A .y4m or .webm file, looped",
        isUsable: true),
      Device(
        kind: .microphone, specification: "tone", name: "A steady tone, made here",
        isUsable: true),
      Device(
        kind: .microphone, specification: "file:SOUND.wav", name: "A .wav file, looped",
        isUsable: true),
      Device(
        kind: .speaker, specification: "file:OUT.wav", name: "A .wav file, written",
        isUsable: true),
    ] + cameras + soundCards
  }

  /// V4L2 registers each node with its name in sysfs.
  private static var cameras: [Device] {
    let folder = "/sys/class/video4linux"
    let nodes = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return nodes.sorted().map { node in
      let name = try? String(contentsOfFile: "\(folder)/\(node)/name", encoding: .utf8)
      return Device(
        kind: .camera, specification: "/dev/\(node)",
        name: DisplayText.line(name ?? "", limit: 60, otherwise: "a camera"), isUsable: false)
    }
  }

  /// ALSA lists a card's streams as "00-00: NAME : NAME : playback 1 : capture 1".
  private static var soundCards: [Device] {
    let text = (try? String(contentsOfFile: "/proc/asound/pcm", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").flatMap { line -> [Device] in
      let fields = line.split(separator: ":").map { $0.trimmingCharacters(in: .whitespaces) }
      guard fields.count >= 3 else { return [] }
      let specification = "hw:\(fields[0])"
      let name = DisplayText.line(fields[1], limit: 60, otherwise: "a sound card")
      return [("capture", Kind.microphone), ("playback", Kind.speaker)].compactMap { word, kind in
        guard fields.dropFirst(3).contains(where: { $0.hasPrefix(word) }) else { return nil }
        return Device(kind: kind, specification: specification, name: name, isUsable: false)
      }
    }
  }
}
