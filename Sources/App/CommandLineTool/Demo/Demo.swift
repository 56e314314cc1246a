import Foundation
import Foundations

/// Holds the demo's meeting and judges it.
actor Demo {
  private let directory: String
  private let seconds: Int
  private let effects: DemoEffects?
  private let clock = HostClock()
  private let table = DemoTable()
  private var participants: [DemoParticipant] = []
  private var observations: [String: Observation] = [:]
  private var isInterrupted = false
  private var awaitedCode: CheckedContinuation<String?, Never>?
  private var code: String?

  /// What one participant reported.
  struct Observation {
    var firstFrames: [String: Int] = [:]
    var names: [String: String] = [:]
    var chat: [String] = []
    var rows: [DemoEvent.Row] = []
    var frameRates: [String: [Double]] = [:]
    var latencies: [Double] = []
    var packetsLost = 0
    var problems: [String] = []
    var processorSeconds = 0.0
    var exitStatus: Int32?
    /// Paths of its recordings, each of one of the others.
    var recordings: [String] = []
    /// Cameras chosen, and when, in seconds.
    var choices: [(camera: Int, time: Double)] = []
    /// When its last event came, in seconds.
    var latest = 0.0
  }

  static let names = ["Ada", "Grace", "Alan"]

  /// - Parameter effects: what one of them shows; `nil` without models.
  init(directory: String, seconds: Int, effects: DemoEffects?) {
    self.directory = directory
    self.seconds = seconds
    self.effects = effects
  }

  func interrupt() {
    isInterrupted = true
    awaitedCode?.resume(returning: nil)
    awaitedCode = nil
    participants.forEach { $0.leave() }
  }

  /// Whether everything worked.
  func run() async throws -> Bool {
    table.note("Three people meet on this computer, over its loopback interface.")
    let begin = clock.now()
    let host = try start(Self.names[0], ["host", "Virtue's demo"])
    guard let code = await inviteCode(from: host) else {
      await end()
      if isInterrupted { throw CancellationError() }
      throw Failure(
        "demo-failed", exit: .software,
        "The host gave no invite code. \(problems.first ?? "Run virtue doctor to see why.")")
    }
    table.note("Ada hosts; the others join with \(code).")
    for name in Self.names.dropFirst() {
      _ = try start(name, ["join", code])
    }
    let deadline = begin + .seconds(seconds)
    var hasSpoken = false
    while clock.now() < deadline, !isInterrupted {
      try? await Task.sleep(for: .milliseconds(500))
      if !hasSpoken, observations.values.allSatisfy({ $0.names.count == 2 }) {
        hasSpoken = true
        for participant in participants { participant.say(greeting(of: participant.name)) }
      }
      table.draw(
        observations, order: Self.names, elapsed: clock.now() - begin, total: .seconds(seconds))
    }
    await end()
    if isInterrupted { throw CancellationError() }
    return try DemoSummary(
      observations: observations, directory: directory, greetings: Self.names.map(greeting),
      effects: effects
    ).report(on: table)
  }

  private func greeting(of name: String) -> String { "Hello from \(name)" }

  private var problems: [String] { observations.values.flatMap(\.problems) }

  private func start(_ name: String, _ command: [String]) throws(Failure) -> DemoParticipant {
    let participant = try DemoParticipant(
      name: name, command: command, directory: directory, seconds: seconds,
      effects: name == DemoEffects.name ? effects : nil)
    participants.append(participant)
    observations[name] = Observation()
    Task {
      for await event in participant.events { take(event, from: name) }
      ended(name)
    }
    return participant
  }

  private func inviteCode(from host: DemoParticipant) async -> String? {
    if let code { return code }
    return await withCheckedContinuation { awaitedCode = $0 }
  }

  private func ended(_ name: String) {
    guard name == Self.names[0] else { return }
    awaitedCode?.resume(returning: nil)
    awaitedCode = nil
  }

  private func end() async {
    participants.forEach { $0.leave() }
    // Leaving takes a moment; who doesn't manage it is ended.
    let guardian = Task { [participants] in
      try await Task.sleep(for: .seconds(8))
      participants.forEach { $0.kill() }
    }
    for participant in participants {
      // First the wait: an entry that is open for writing meanwhile would meet the events that still
      // come.
      let status = await participant.waitUntilExit()
      observations[participant.name]?.exitStatus = status
    }
    guardian.cancel()
  }

  private func take(_ event: DemoEvent, from name: String) {
    switch event {
    case .invite(let code):
      self.code = code
      awaitedCode?.resume(returning: code)
      awaitedCode = nil
    case .joined, .connected, .left: break
    case .memberJoined(let member, let memberName):
      observations[name]?.names[member] = memberName
    case .firstFrame(let member, let milliseconds):
      observations[name]?.firstFrames[member] = milliseconds
    case .chat(let author, let text, _): observations[name]?.chat.append("\(author): \(text)")
    case .statistics(let rows, let processorSeconds, let time):
      observations[name]?.take(rows, processorSeconds: processorSeconds)
      observations[name]?.latest = time
    case .cameraSelected(let camera, let time):
      observations[name]?.choices.append((camera, time))
    case .recording(let path): observations[name]?.recordings.append(path)
    case .problem(let message): observations[name]?.problems.append(message)
    }
  }
}

extension Demo.Observation {
  mutating func take(_ rows: [DemoEvent.Row], processorSeconds: Double) {
    self.rows = rows
    self.processorSeconds = processorSeconds
    packetsLost = rows.map(\.packetsLost).reduce(0, +)
    for row in rows where row.framesPerSecond > 0 {
      frameRates[row.name, default: []].append(row.framesPerSecond)
      if let latency = row.latency { latencies.append(latency) }
    }
  }
}
