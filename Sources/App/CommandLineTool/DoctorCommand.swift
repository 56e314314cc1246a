import ArgumentParser
import Codecs
import Discovery
import Foundation
import Foundations
import Links
import Meeting
import Vision

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "What works on this computer, and what to do about the rest.",
    discussion: "Ends with status 1 when something that a meeting needs doesn't work.")

  @Flag(help: "One JSON object a line.")
  var json = false

  @Option(help: ArgumentHelp("The data directory to look at.", valueName: "directory"))
  var dataDir: DirectoryArgument?

  func run() async throws {
    let output = LineWriter(descriptor: STDOUT_FILENO)
    var isFine = true
    let directory = dataDirectory(dataDir)
    for check in Check.all(dataDirectory: directory) {
      let finding = await check.run()
      if case .broken = finding { isFine = false }
      output.write(json ? Row(check.name, finding).json : Self.line(check.name, finding))
    }
    try output.finish()
    if !isFine { throw ExitCode(1) }
  }

  private static func line(_ name: String, _ finding: Finding) -> String {
    let name = name.padding(toLength: 16, withPad: " ", startingAt: 0)
    return switch finding {
    case .fine(let what): "✓ \(name) \(what)"
    case .limited(let what, let advice): "! \(name) \(what) \(advice)"
    case .broken(let what, let advice): "✗ \(name) \(what) \(advice)"
    }
  }

  private struct Row: Encodable {
    let check, state, finding: String
    let advice: String?

    init(_ name: String, _ finding: Finding) {
      check = name
      switch finding {
      case .fine(let what): (state, self.finding, advice) = ("fine", what, nil)
      case .limited(let what, let advice):
        (state, self.finding, self.advice) = ("limited", what, advice)
      case .broken(let what, let advice):
        (state, self.finding, self.advice) = ("broken", what, advice)
      }
    }
  }
}

enum Finding: Sendable {
  case fine(String)
  /// Works, with less.
  case limited(String, advice: String)
  case broken(String, advice: String)
}

/// One thing that a meeting needs.
private struct Check: Sendable {
  let name: String
  let run: @Sendable () async -> Finding

  static func all(dataDirectory: String) -> [Check] {
    [
      Check(name: "network") { network() },
      Check(name: "discovery") { await discovery() },
      Check(name: "links") { await links() },
      Check(name: "pictures") { pictures() },
      Check(name: "sound") { sound() },
      Check(name: "data directory") { dataFolder(dataDirectory) },
      Check(name: "vision models") { models(dataDirectory) },
    ]
  }

  private static func network() -> Finding {
    let addresses = LocalAddresses.current()
    guard let first = addresses.first else {
      return .broken(
        "No network interface is up.",
        advice: "Switch one on, at least loopback (ip link set lo up).")
    }
    let names = Set(addresses.map(\.interface)).sorted().joined(separator: ", ")
    return first.isLoopback
      ? .limited(
        "Only loopback is up.",
        advice: "Members on this computer can meet; connect a network for more.")
      : .fine("Up: \(names), first address \(first.host).")
  }

  private static func discovery() async -> Finding {
    do throws(Failure) {
      let discovery = try Discovery()
      let label = SecretSource.system.bytes(8).hexadecimal
      try discovery.publish(Advertisement(label: label, port: 9, attributes: ["v": "0"]))
      let timer = Task {
        try? await Task.sleep(for: .seconds(4))
        await discovery.close()
      }
      var responder = "an unknown"
      var works = false
      for await event in discovery.events {
        if case .responder(let kind) = event { responder = kind == .daemon ? "Avahi's" : "its own" }
        if case .published = event {
          works = true
          break
        }
      }
      timer.cancel()
      await discovery.close()
      return works
        ? .fine("mDNS works, through \(responder) responder.")
        : .broken(
          "Nothing could be published by mDNS within four seconds.",
          advice: "See that UDP port 5353 and multicast are allowed, or join by a link.")
    } catch {
      return .broken(error.message, advice: "Join by a link, or with --peer.")
    }
  }

  private static func links() async -> Finding {
    do throws(Failure) {
      let clock = HostClock()
      let links = try Links(certificate: try RunCertificate.make(now: clock.wallTime()))
      let listener = try await links.listen(interfaces: ["lo"])
      let begin = clock.now()
      let stream = try await links.connect(
        to: NetworkAddress(host: "127.0.0.1", port: listener.port), purpose: .link)
      let time = clock.now() - begin
      stream.close()
      await links.close()
      return .fine(
        "TLS 1.3 with this computer itself took \(Int(time.milliseconds.rounded(.up))) ms.")
    } catch {
      return .broken(error.message, advice: "See that TCP connections are allowed.")
    }
  }

  private static func pictures() -> Finding {
    let pool = PicturePool()
    let picture = pool.makePicture(width: 320, height: 180)
    for plane in [picture.luma, picture.blue, picture.red] {
      plane.bytes.update(repeating: 128, count: plane.stride * plane.height)
    }
    do {
      let encoder = try VP8Encoder(
        width: 320, height: 180, framesPerSecond: 30, bitrate: .kilobits(300))
      let decoder = try VideoDecoder(codec: .vp8, pool: pool)
      let frame = VideoFrame(picture: picture, captured: HostClock().now())
      guard let encoded = try encoder.encode(frame, forceKeyframe: true),
        try decoder.decode(encoded.bytes) != nil
      else { throw CodecFailure.badData("no picture came back") }
      return .fine("VP8 encodes and decodes.")
    } catch {
      return .broken("VP8 doesn't work: \(error).", advice: "Install libvpx again.")
    }
  }

  private static func sound() -> Finding {
    do {
      let encoder = try OpusSoundEncoder(bitrate: .kilobits(32))
      let decoder = try OpusSoundDecoder()
      let block = SoundBlock(
        samples: [Int16](repeating: 0, count: SoundBlock.samplesPerBlock),
        captured: HostClock().now())
      _ = try decoder.decode(try encoder.encode(block).bytes)
      return .fine("Opus encodes and decodes.")
    } catch {
      return .broken("Opus doesn't work: \(error).", advice: "Install libopus again.")
    }
  }

  private static func models(_ directory: String) -> Finding {
    ModelStore(dataDirectory: directory).isComplete
      ? .fine("Blur, backgrounds and God's eye can be used.")
      : .limited(
        "Some are missing or damaged: no blur, background or God's eye.",
        advice: "Run virtue models install.")
  }

  private static func dataFolder(_ path: String) -> Finding {
    do throws(Failure) {
      let directory = try DataDirectory(path: path)
      guard !directory.isReadOnly else {
        return .broken(
          "Nothing can be kept in \(directory.path): it can only be read.",
          advice: "Make it writable, or choose another with --data-dir.")
      }
      return .fine("Key and history are kept in \(directory.path).")
    } catch {
      if error.code == "data-directory-in-use" {
        return .fine("A virtue is running on \(path).")
      }
      return .broken(error.message, advice: "")
    }
  }
}
