import ArgumentParser
import Foundation
import Foundations
import Vision

/// What vision must reach, on clips with known truth: how near to the reference runtimes, how fast, how
/// right, how calm.
struct VisionBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vision",
    abstract: "Blur and God's eye: cost, errors and calm on clips with known truth.",
    discussion: """
      Each folder in DIRECTORY holds truth.json and either cameraN.webm (who looks where) or \
      person.webm and mask.webm (who is where). The models are taken from --data-dir; the \
      difference to the reference runtimes is measured where .ci/vision-environment has set them up.
      """)

  @Option(help: ArgumentHelp("Folders with clips and their truth.", valueName: "directory"))
  var clips: String

  @Option(help: ArgumentHelp("Where the models are kept.", valueName: "directory"))
  var dataDir = ".build/vision-data"

  @Flag(help: "Print a line for each clip too.")
  var verbose = false

  func run() async throws {
    let store = ModelStore(dataDirectory: dataDir)
    guard store.isComplete else {
      throw ValidationError(
        "The models aren't in \(dataDir): virtue models install --data-dir \(dataDir)")
    }
    let folders = try FileManager.default.contentsOfDirectory(atPath: clips).sorted()
      .map { clips + "/" + $0 }
    let people = folders.filter { FileManager.default.fileExists(atPath: $0 + "/mask.webm") }
    let looks = folders.filter { FileManager.default.fileExists(atPath: $0 + "/camera1.webm") }
    guard let person = people.first, let look = looks.first else {
      throw ValidationError("There are no clips of both kinds in \(clips).")
    }
    var report = Report("Vision on \(folders.count) clips")
    try await ReferenceMeasurement(store: store, folder: look).add(to: &report)
    try EffectCost(store: store, folder: person).add(to: &report)
    try LookCost(store: store, folder: look).add(to: &report)
    HandoverCost().add(to: &report)
    try LookTruth(store: store, folders: looks, verbose: verbose).add(to: &report)
    try MaskTruth(store: store, folders: people, verbose: verbose).add(to: &report)
    report.print()
  }
}
