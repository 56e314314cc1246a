import Foundation
import Foundations

/// One of the demo's processes: this very program, run as a user would run it.
final class DemoParticipant: Sendable {
  let name: String
  let directory: String
  /// Its events as they are parsed from its standard output; ends when the process does.
  let events: AsyncStream<DemoEvent>
  private let process: ProcessBox
  private let input: FileHandle

  // Safety: `Process` is used from the demo's actor alone, once it runs.
  private final class ProcessBox: @unchecked Sendable {
    let process = Process()
  }

  /// - Parameters:
  ///   - command: "host TITLE" or "join CODE", as arguments.
  ///   - effects: what it shows; without, the pattern.
  init(
    name: String, command: [String], directory: String, seconds: Int, effects: DemoEffects?
  ) throws(Failure) {
    self.name = name
    self.directory = directory + "/" + name.lowercased()
    let box = ProcessBox()
    process = box
    let (events, continuation) = AsyncStream.makeStream(of: DemoEvent.self)
    self.events = events
    let (output, standardInput) = (Pipe(), Pipe())
    input = standardInput.fileHandleForWriting
    do {
      try FileManager.default.createDirectory(
        atPath: self.directory, withIntermediateDirectories: true)
    } catch {
      throw Failure(
        "demo-unwritable", exit: .cannotCreate,
        "The directory \(self.directory) can't be made. Choose another with --output.")
    }
    try effects?.lend(to: self.directory + "/data")
    let pictures = effects?.arguments ?? ["--camera", "pattern", "--resolution", "640x360"]
    box.process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    box.process.arguments =
      command + pictures + [
        "--headless", "--json", "--name", name, "--interface", "lo", "--microphone", "tone",
        "--speaker", "file:\(self.directory)/heard.wav", "--record", self.directory + "/recordings",
        "--data-dir", self.directory + "/data",
        // Should the demo itself be killed, its processes don't stay for ever.
        "--duration", "\(seconds + 60)",
      ]
    box.process.standardOutput = output
    box.process.standardInput = standardInput
    box.process.standardError = FileHandle(forWritingAtPath: "/dev/null")
    let lines = LineSplitter { line in
      if let event = DemoEvent(json: line) { continuation.yield(event) }
    }
    output.fileHandleForReading.readabilityHandler = { handle in
      let data = handle.availableData
      guard !data.isEmpty else {
        handle.readabilityHandler = nil
        continuation.finish()
        return
      }
      lines.take(data)
    }
    do {
      try box.process.run()
    } catch {
      throw Failure(
        "demo-failed", exit: .system, "A process of the demo can't be started: \(error).")
    }
  }

  /// Removes what only the processes of the demo needed: their keys and their histories.
  static func removeSecrets(in directory: String) {
    for name in Demo.names {
      try? FileManager.default.removeItem(atPath: "\(directory)/\(name.lowercased())/data")
    }
  }

  func say(_ line: String) {
    try? input.write(contentsOf: Data((line + "\n").utf8))
  }

  /// Asks it to leave, as Ctrl-C would.
  func leave() {
    if process.process.isRunning { process.process.terminate() }
  }

  func kill() {
    if process.process.isRunning { Foundation.kill(process.process.processIdentifier, SIGKILL) }
  }

  /// Its exit status, once it has ended.
  func waitUntilExit() async -> Int32 {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { [process] in
        process.process.waitUntilExit()
        continuation.resume(returning: process.process.terminationStatus)
      }
    }
  }
}

/// Cuts what a process prints into lines.
private final class LineSplitter: @unchecked Sendable {
  // Safety: called by one file handle's readability handler, which never runs twice at a time.
  private var pending = Data()
  private let take: @Sendable (Data) -> Void

  init(take: @escaping @Sendable (Data) -> Void) {
    self.take = take
  }

  func take(_ data: Data) {
    pending.append(data)
    while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
      take(Data(pending[pending.startIndex..<end]))
      pending = Data(pending[pending.index(after: end)...])
    }
  }
}

/// The events that the demo looks at.
enum DemoEvent: Sendable {
  case invite(code: String)
  case joined(member: String)
  case memberJoined(member: String, name: String)
  case connected(member: String, milliseconds: Int)
  case firstFrame(member: String, milliseconds: Int)
  case chat(name: String, text: String, own: Bool)
  /// Times are in seconds since the Unix epoch.
  case statistics([Row], processorSeconds: Double, time: Double)
  case recording(path: String)
  case cameraSelected(camera: Int, time: Double)
  case problem(String)
  case left

  struct Row: Sendable {
    let name: String
    let framesPerSecond: Double
    let width: Int
    let height: Int
    let bitrate: Int
    let packetsLost: Int
    let latency: Double?
  }

  init?(json line: Data) {
    guard let object = try? JSONSerialization.jsonObject(with: line) as? [String: Any],
      let event = object["event"] as? String
    else { return nil }
    func text(_ key: String) -> String { object[key] as? String ?? "" }
    func number(_ key: String) -> Int { (object[key] as? NSNumber)?.intValue ?? 0 }
    let time = (object["time"] as? NSNumber)?.doubleValue ?? 0
    switch event {
    case "invite": self = .invite(code: text("code"))
    case "joined": self = .joined(member: text("member"))
    case "member-joined": self = .memberJoined(member: text("member"), name: text("name"))
    case "connected":
      self = .connected(member: text("member"), milliseconds: number("milliseconds"))
    case "first-frame":
      self = .firstFrame(member: text("member"), milliseconds: number("milliseconds"))
    case "chat":
      self = .chat(
        name: text("name"), text: text("text"),
        own: (object["own"] as? NSNumber)?.boolValue ?? false)
    case "statistics":
      let rows = (object["members"] as? [[String: Any]] ?? []).map(Row.init)
      self = .statistics(
        rows, processorSeconds: (object["processorSeconds"] as? NSNumber)?.doubleValue ?? 0,
        time: time)
    case "recording": self = .recording(path: text("path"))
    case "camera-selected": self = .cameraSelected(camera: number("camera"), time: time)
    case "warning", "error": self = .problem(text("message"))
    case "left": self = .left
    case _: return nil
    }
  }
}

extension DemoEvent.Row {
  fileprivate init(_ object: [String: Any]) {
    let received = object["received"] as? [String: Any] ?? [:]
    func number(_ key: String) -> Double { (received[key] as? NSNumber)?.doubleValue ?? 0 }
    name = object["name"] as? String ?? ""
    framesPerSecond = number("fps")
    width = Int(number("width"))
    height = Int(number("height"))
    bitrate = Int(number("bitrate"))
    packetsLost = (object["packetsLost"] as? NSNumber)?.intValue ?? 0
    latency = (object["captureToDisplayMilliseconds"] as? NSNumber)?.doubleValue
  }
}
