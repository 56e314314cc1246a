import Foundation

/// `virtue host` or `virtue join` on a host of the lab, as a user runs it.
package struct Participant: Sendable {
  package let name: String
  package let dataDirectory: String
  private let child: Child

  package static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("virtue").path

  /// What sends small pictures and a tone.
  package static let smallMedia = [
    "--camera", "pattern", "--resolution", "320x180", "--microphone", "tone",
  ]

  /// - Parameters:
  ///   - command: "host TITLE" or "join CODE" as arguments, with options of their own.
  ///   - media: options that choose what is sent; none for neither pictures nor sound.
  ///   - seconds: after which it leaves by itself, should the test not end it.
  package init(
    _ name: String, _ command: [String], in lab: Lab, on host: Int,
    media: [String] = Participant.smallMedia, dataDirectory: String? = nil, seconds: Int = 120
  ) throws {
    self.name = name
    self.dataDirectory = dataDirectory ?? "\(lab.directory)/\(name)"
    child = try lab.start(
      [Self.program] + command + [
        "--headless", "--json", "--name", name, "--data-dir", self.dataDirectory,
        "--duration", "\(seconds)",
      ] + media, on: host)
  }

  /// The first event, of the past or to come, that fits.
  @discardableResult
  package func sees(
    _ kind: String, within limit: Duration = .seconds(30),
    after start: ContinuousClock.Instant? = nil,
    where fits: @escaping @Sendable (Event) -> Bool = { _ in true }
  ) async throws -> Event {
    let what = "\(name) tells of \(kind)"
    do {
      let line = try await child.output.first(what, within: limit) { line in
        if let start, line.arrived < start { return false }
        guard let event = Event(line), event.kind == kind else { return false }
        return fits(event)
      }
      return Event(line)!
    } catch let error as LabError {
      throw LabError(description: error.description + "\n" + child.errors)
    }
  }

  package var code: String {
    get async throws {
      guard let code = try await sees("invite").code else {
        throw LabError(description: "an invite without a code")
      }
      return code
    }
  }

  package var events: [Event] {
    get async { await child.output.lines.compactMap(Event.init) }
  }

  package func say(_ line: String) { child.write(line: line) }

  /// Asks it to leave, as Ctrl-C does, and waits for its end.
  package func leave() async throws -> Int32 {
    if let process = child.onlyChild { kill(process, SIGINT) }
    return try await exit()
  }

  package func kill9() {
    if let process = child.onlyChild { kill(process, SIGKILL) }
  }

  /// Stops it where it stands, its sockets open: how a hung program looks to others.
  package func suspend() {
    if let process = child.onlyChild { kill(process, SIGSTOP) }
  }

  package func resume() {
    if let process = child.onlyChild { kill(process, SIGCONT) }
  }

  /// The most memory that it held so far, in bytes (proc(5): VmHWM).
  package var peakMemory: Int? {
    guard let process = child.onlyChild,
      let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let kibibytes = line.split(separator: " ").compactMap({ Int($0) }).first
    else { return nil }
    return kibibytes * 1024
  }

  package func exit(within limit: Duration = .seconds(30)) async throws -> Int32 {
    try await child.exit(within: limit)
  }

  /// What went wrong according to it, and its exit status.
  package func failure() async throws -> Refusal {
    let status = try await exit()
    let event = await events.last { $0.kind == "error" }
    return Refusal(code: event?.code ?? "none", status: status)
  }
}

/// How `virtue` ended that could not do what it was asked.
package struct Refusal: Equatable, Sendable {
  package let code: String
  package let status: Int32

  package init(code: String, status: Int32) {
    self.code = code
    self.status = status
  }
}

/// The fields of `--json` that tests and benchmarks look at.
package struct Event: Sendable {
  package let kind: String
  package let arrived: ContinuousClock.Instant
  private let fields: Fields

  private struct Fields: Decodable {
    let event: String
    let code, link, member, name, text, reason, message, path, id, kind, target: String?
    let raised: Bool?
    let state: String?
    let bytes: Int?
    let milliseconds: Int?
    let steps: [String: Int]?
    let members: [MemberFigures]?
    let processorSeconds: Double?
    let residentBytes: Int?
  }

  /// A row of `statistics`.
  package struct MemberFigures: Decodable, Sendable {
    package struct Flow: Decodable, Sendable {
      package let fps: Double
      package let width, height, bitrate: Int
    }

    package let name: String
    package let sent, received: Flow
    package let packetsLost: Int
    package let captureToDisplayMilliseconds: Double?
  }

  package init?(_ line: Journal.Line) {
    guard let fields = try? JSONDecoder().decode(Fields.self, from: Data(line.text.utf8)) else {
      return nil
    }
    self.fields = fields
    kind = fields.event
    arrived = line.arrived
  }

  package var code: String? { fields.code }
  package var link: String? { fields.link }
  package var member: String? { fields.member }
  package var id: String? { fields.id }
  /// Of a `chat` event: what was said, "text" or another.
  package var chatKind: String? { fields.kind }
  package var target: String? { fields.target }
  package var isRaised: Bool? { fields.raised }
  package var name: String? { fields.name }
  package var text: String? { fields.text }
  package var message: String? { fields.message }
  package var path: String? { fields.path }
  package var state: String? { fields.state }
  package var bytes: Int? { fields.bytes }
  package var reason: String? { fields.reason }
  package var milliseconds: Int? { fields.milliseconds }
  package var steps: [String: Int] { fields.steps ?? [:] }
  package var members: [MemberFigures] { fields.members ?? [] }
  package var processorSeconds: Double? { fields.processorSeconds }
  package var residentBytes: Int? { fields.residentBytes }
}
