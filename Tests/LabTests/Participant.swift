import Foundation

/// `virtue host` or `virtue join` on a host of the lab, as a user runs it.
struct Participant: Sendable {
  let name: String
  let dataDirectory: String
  private let child: Child

  static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("virtue").path

  /// - Parameters:
  ///   - command: "host TITLE" or "join CODE" as arguments, with options of their own.
  ///   - media: with moving pictures and sound; without, it sends neither.
  init(
    _ name: String, _ command: [String], in lab: Lab, on host: Int, media: Bool = true,
    dataDirectory: String? = nil
  ) throws {
    self.name = name
    self.dataDirectory = dataDirectory ?? "\(lab.directory)/\(name)"
    let sources =
      media ? ["--camera", "pattern", "--resolution", "320x180", "--microphone", "tone"] : []
    child = try lab.start(
      [Self.program] + command + [
        "--headless", "--json", "--name", name, "--data-dir", self.dataDirectory,
        "--duration", "120",
      ] + sources, on: host)
  }

  /// The first event, of the past or to come, that fits.
  @discardableResult
  func sees(
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

  var code: String {
    get async throws {
      guard let code = try await sees("invite").code else {
        throw LabError(description: "an invite without a code")
      }
      return code
    }
  }

  var events: [Event] {
    get async { await child.output.lines.compactMap(Event.init) }
  }

  func say(_ line: String) { child.write(line: line) }

  /// Asks it to leave, as Ctrl-C does, and waits for its end.
  func leave() async throws -> Int32 {
    if let process = child.onlyChild { kill(process, SIGINT) }
    return try await exit()
  }

  func kill9() {
    if let process = child.onlyChild { kill(process, SIGKILL) }
  }

  func exit(within limit: Duration = .seconds(30)) async throws -> Int32 {
    try await child.exit(within: limit)
  }

  /// What went wrong according to it, and its exit status.
  func failure() async throws -> Refusal {
    let status = try await exit()
    let event = await events.last { $0.kind == "error" }
    return Refusal(code: event?.code ?? "none", status: status)
  }
}

/// How `virtue` ended that could not do what it was asked.
struct Refusal: Equatable {
  let code: String
  let status: Int32
}

/// The fields of `--json` that the tests look at.
struct Event: Sendable {
  let kind: String
  let arrived: ContinuousClock.Instant
  private let fields: Fields

  private struct Fields: Decodable {
    let event: String
    let code, link, member, name, text, reason, message: String?
    let own: Bool?
    let milliseconds: Int?
    let steps: [String: Int]?
  }

  init?(_ line: Journal.Line) {
    guard let fields = try? JSONDecoder().decode(Fields.self, from: Data(line.text.utf8)) else {
      return nil
    }
    self.fields = fields
    kind = fields.event
    arrived = line.arrived
  }

  var code: String? { fields.code }
  var link: String? { fields.link }
  var member: String? { fields.member }
  var name: String? { fields.name }
  var text: String? { fields.text }
  var reason: String? { fields.reason }
  var milliseconds: Int? { fields.milliseconds }
  var steps: [String: Int] { fields.steps ?? [:] }
}
