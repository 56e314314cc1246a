import ArgumentParser
import Capture
import Foundation
import Foundations
import Meeting
import Playback
import Vision

/// What `host` and `join` have in common.
struct MeetingArguments: ParsableArguments {
  @Option(help: "The name that the others see.")
  var name: String?

  @Flag(help: "No window: events on standard output, chat lines from standard input.")
  var headless = false

  @Flag(help: "Events as one JSON object a line on standard output.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Where pictures come from: pattern (or pattern:SEED, the same each time), none, or "
        + "file:CLIP (.y4m or .webm, looped). Repeatable with --gods-eye.",
      valueName: "camera"))
  var camera: [String] = []

  @Flag(help: "Blur what is behind you; no unblurred picture leaves this computer.")
  var blur = false

  @Option(
    help: ArgumentHelp("How soft --blur makes it, 1 to 3. (default: 2)", valueName: "strength"))
  var blurStrength: Int?

  @Option(help: ArgumentHelp("Put this PNG or JPEG file behind you.", valueName: "image"))
  var background: String?

  @Flag(
    help:
      "Send the picture of the camera that you look at, of two to \(GodsEye.cameraLimit) --camera."
  )
  var godsEye = false

  @Option(
    help: ArgumentHelp("Size of the pattern's pictures.", valueName: "WIDTHxHEIGHT"))
  var resolution: String = "1280x720"

  @Option(
    help: ArgumentHelp(
      "Where sound comes from: tone, none, or file:SOUND.wav (looped).", valueName: "microphone"))
  var microphone: String = "none"

  @Option(
    help: ArgumentHelp("Where sound goes to: none, or file:OUT.wav.", valueName: "speaker"))
  var speaker: String = "none"

  @Option(
    name: .customLong("record"),
    help: ArgumentHelp(
      "Keep what is received, one WebM file a participant, in this directory.",
      valueName: "directory"))
  var recordDirectory: DirectoryArgument?

  @Option(
    help: ArgumentHelp(
      "Use only this network interface (repeatable). Without it, every real one is used.",
      valueName: "interface"))
  var interface: [String] = []

  @Option(
    help: "TCP port for members' links; media takes UDP ports of the 200 above it. 0: any free one."
  )
  var port: UInt16 = 0

  @Option(
    name: .customLong("peer"),
    help: ArgumentHelp(
      "Look here instead of asking the network (repeatable).", valueName: "host:port"))
  var peers: [String] = []

  @Option(help: ArgumentHelp("Where key and history are kept.", valueName: "directory"))
  var dataDir: DirectoryArgument?

  @Option(
    help: ArgumentHelp(
      "Where accepted files appear. Without it, the desktop's folder for downloads, ~/Downloads where "
        + "there is one, or the data directory.",
      valueName: "directory"))
  var downloads: DirectoryArgument?

  @Option(
    help: ArgumentHelp(
      "Fetch offered files of up to so many megabytes without being asked, in one meeting ten times as "
        + "much at most, half of it of one member and those whom it let in. Without it, only /accept "
        + "fetches.",
      valueName: "megabytes"))
  var acceptFiles: Int?

  @Option(help: "Leave after this many seconds.")
  var duration: Double?

  func validate() throws {
    guard port <= 65_335 else {
      throw ValidationError(
        "--port takes a number up to 65335: media needs the 200 ports above it.")
    }
    if let acceptFiles, !(1...100_000).contains(acceptFiles) {
      throw ValidationError("--accept-files takes megabytes, 1 to 100000.")
    }
    if let duration, !(duration > 0 && duration <= 31_536_000) {
      throw ValidationError("--duration takes the seconds until leaving, more than 0.")
    }
  }

  func makeOptions() throws(Failure) -> MeetingOptions {
    var options = MeetingOptions(
      name: DisplayText.line(name ?? NSUserName(), limit: 64, otherwise: "somebody"),
      dataDirectory: dataDirectory(dataDir))
    try setPictures(&options)
    options.video = try parseResolution()
    options.microphone = try MicrophoneSpec(microphone)
    options.speaker = try SpeakerSpec(speaker)
    options.recordDirectory = recordDirectory?.path
    options.interfaces = interface.isEmpty ? nil : interface
    options.port = port
    options.duration = duration.map { .seconds($0) }
    options.peers = try parsePeers()
    // Kept in the data directory, for the next run, which may begin elsewhere.
    options.downloads = downloads.map { URL(fileURLWithPath: $0.path).path }
    options.acceptedBytes = acceptFiles.map { $0 * 1_000_000 }
    return options
  }

  private func setPictures(_ options: inout MeetingOptions) throws(Failure) {
    var cameras: [CameraSpec] = []
    for text in camera { cameras.append(try CameraSpec(text)) }
    options.camera = cameras.first ?? .none
    options.otherCameras = Array(cameras.dropFirst())
    options.godsEye = godsEye
    if let background {
      options.background = .image(background)
    } else if blur {
      options.background = .blur(strength: blurStrength ?? 2)
    }
    guard godsEye == (cameras.count > 1), cameras.count <= GodsEye.cameraLimit,
      !godsEye || !cameras.contains(.none)
    else {
      throw Failure(
        "bad-option", exit: .usage,
        "--gods-eye chooses among two to \(GodsEye.cameraLimit) cameras: give --camera for each, or "
          + "leave it out and give one.")
    }
    guard !blur || background == nil, (1...3).contains(blurStrength ?? 2) else {
      throw Failure(
        "bad-option", exit: .usage,
        "Give --blur or --background, not both; --blur-strength takes 1, 2 or 3.")
    }
    // Whoever gives a strength counts on a blur.
    guard blur || blurStrength == nil else {
      throw Failure(
        "bad-option", exit: .usage, "--blur-strength says how soft --blur is: give --blur too.")
    }
  }

  private func parseResolution() throws(Failure) -> VideoSettings {
    let sides = resolution.split(separator: "x").map { Int($0) }
    guard sides.count == 2, let width = sides[0], let height = sides[1],
      (160...1920).contains(width), (90...1080).contains(height),
      width.isMultiple(of: 2), height.isMultiple(of: 2)
    else {
      throw Failure(
        "bad-option", exit: .usage,
        "--resolution takes an even width and height such as 640x360, from 160x90 to 1920x1080.")
    }
    return VideoSettings(width: width, height: height, framesPerSecond: 30)
  }

  private func parsePeers() throws(Failure) -> [NetworkAddress] {
    var addresses: [NetworkAddress] = []
    for peer in peers {
      guard let address = NetworkAddress(peer) else {
        throw Failure(
          "bad-option", exit: .usage,
          "--peer takes a numeric address and a port, as in 192.0.2.7:4455 or [2001:db8::7]:4455; "
            + "\(DisplayText.line(peer, limit: 60)) is none.")
      }
      addresses.append(address)
    }
    return addresses
  }
}
