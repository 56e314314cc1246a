import Foundation
package import Foundations
import Glibc

/// Fetches the wheel with pip, the ordinary client of Python's package registry, which verifies it.
package struct ModelDownload {
  private let store: ModelStore
  private let patience: Patience
  private let python: String

  /// How often progress is told.
  private static let tick = Duration.milliseconds(200)
  /// Bytes that are some of the wheel: pip makes notes and folders of its own too.
  private static let leastStep = 200_000

  /// How long a network may keep whoever asked waiting.
  package struct Patience: Hashable, Sendable {
    /// Seconds that pip waits for an answer.
    let answer: Int
    /// How often it asks again.
    let retries: Int
    /// The whole download; `nil` is as long as it takes.
    let whole: Duration?
    /// How long nothing may come; `nil` leaves that to pip.
    let silence: Duration?

    /// Of somebody who asked for nothing but the models.
    package static let long = Patience(answer: 20, retries: 2, whole: nil, silence: nil)
    /// Of somebody who waits for something else, and can do without: 36 MB in a minute are 5 Mbit/s.
    package static let short = Patience(
      answer: 4, retries: 0, whole: .seconds(60), silence: .seconds(6))
  }

  /// - Parameter python: the program to run pip with; found in the search path.
  package init(
    into store: ModelStore, patience: Patience = .long, python: String = "python3"
  ) {
    self.store = store
    self.patience = patience
    self.python = python
  }

  /// - Parameter progress: is told the bytes that are here, and how many there will be.
  package func run(progress: (_ fetched: Int, _ total: Int) -> Void) async throws(Failure) {
    let folder = try Self.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let requirements = folder + "/requirements.txt"
    guard
      (try? ModelWheel.requirement.write(toFile: requirements, atomically: true, encoding: .utf8))
        != nil
    else { throw Self.failure("\(folder) can't be written.") }
    try await download(requirements, in: folder, progress: progress)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    guard let wheel = names.first(where: { $0.hasSuffix(".whl") }) else {
      throw Self.failure("pip brought no wheel.")
    }
    progress(ModelWheel.byteCount, ModelWheel.byteCount)
    try store.install(fromWheel: folder + "/" + wheel)
  }

  private func download(
    _ requirements: String, in folder: String, progress: (Int, Int) -> Void
  ) async throws(Failure) {
    let log = folder + "/pip.log"
    _ = FileManager.default.createFile(atPath: log, contents: nil)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      [python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
      + ModelWheel.selection
      + ["--timeout", "\(patience.answer)", "--retries", "\(patience.retries)"]
      + ["--require-hashes", "--dest", folder, "--requirement", requirements]
    // Python takes modules from the current folder before its own: a stranger's pip.py may lie there.
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    // pip downloads into a temporary folder first: in this one its progress can be seen.
    process.environment = ProcessInfo.processInfo.environment.merging(["TMPDIR": folder]) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle(forWritingAtPath: log)
    do {
      try process.run()
    } catch {
      throw Self.failure("Python can't be started.")
    }
    let clock = HostClock()
    let begin = clock.now()
    var (fetched, latest) = (0, begin)
    while process.isRunning {
      let (now, bytes) = (clock.now(), Self.bytes(in: folder))
      if bytes >= fetched + Self.leastStep { (fetched, latest) = (bytes, now) }
      progress(min(bytes, ModelWheel.byteCount), ModelWheel.byteCount)
      let isTooSlow = patience.whole.map { now - begin >= $0 } ?? false
      if isTooSlow || patience.silence.map({ now - latest >= $0 }) ?? false {
        Self.end(process)
        throw Self.failure(isTooSlow ? "The network is too slow." : Self.noAnswer)
      }
      do {
        try await Task.sleep(for: Self.tick)
      } catch {
        Self.end(process)
        throw Failure("cancelled", exit: .temporary, "The download was stopped.")
      }
    }
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Self.failure(Self.reason(log: log, status: process.terminationStatus))
    }
  }

  /// For good, with all that it started: Python may be a script that starts the real one. A program
  /// started by one that ignores the terminal's signals, because it handles them itself, ignores
  /// SIGTERM too. What pip leaves lies in the folder that is removed.
  private static func end(_ process: Process) {
    var ending = [process.processIdentifier]
    var place = 0
    while place < ending.count, ending.count < processLimit {
      let own = ending[place]
      let list = try? String(
        contentsOfFile: "/proc/\(own)/task/\(own)/children", encoding: .utf8)
      ending += (list ?? "").split(separator: " ").compactMap { pid_t($0) }
      place += 1
    }
    for process in ending { kill(process, SIGKILL) }
    process.waitUntilExit()
  }

  /// Processes that a download is ended with: pip has one or two.
  private static let processLimit = 64

  /// Bytes in all files below `folder`.
  private static func bytes(in folder: String) -> Int {
    let walk = FileManager.default.enumerator(atPath: folder)
    var total = 0
    while walk?.nextObject() != nil {
      total += (walk?.fileAttributes?[.size] as? NSNumber)?.intValue ?? 0
    }
    return total
  }

  private static func reason(log: String, status: Int32) -> String {
    let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    if status == 127 { return "There is no Python 3 here." }
    if text.contains("No module named pip") { return "Python has no pip here." }
    // What pip finds where it reaches no registry.
    if text.contains("(from versions: none)") { return noAnswer }
    let last = text.split(separator: "\n").last { $0.hasPrefix("ERROR") }.map(String.init)
    return "pip says: \(DisplayText.line(last ?? "status \(status)", limit: 200))."
  }

  private static let noAnswer = "The package registry gives no answer."

  private static func failure(_ reason: String) -> Failure {
    Failure(
      "models-not-fetched", exit: .unavailable,
      "The vision models can't be fetched. \(reason) On a computer that is online, run "
        + "“pip download \(ModelWheel.selection.joined(separator: " ")) mediapipe==0.10.21”, bring "
        + "the file here, and run virtue models install --from FILE.")
  }

  private static func makeFolder() throws(Failure) -> String {
    var template = Array((NSTemporaryDirectory() + "virtue-models-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { throw failure("There is no room for a temporary file.") }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // pip runs in it, and the temporary folder may be named from here.
    return URL(fileURLWithPath: path).path
  }
}
