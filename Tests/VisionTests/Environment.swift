import Foundation
import Foundations
import Testing
import Vision

/// What these tests need from outside, which `.ci/test` prepares.
enum Environment {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  static let root = folder.deletingLastPathComponent().deletingLastPathComponent()

  static let reference = folder.appendingPathComponent("reference.py").path
  static let python = root.appendingPathComponent(".build/vision-venv/bin/python").path

  /// The models as `virtue models install --data-dir .build/vision-data` keeps them.
  static let store = ModelStore(
    dataDirectory: root.appendingPathComponent(".build/vision-data").path)

  static var hasModels: Bool { store.isComplete }

  /// The venv is whole when its list of what is installed has been copied into it.
  static var hasReference: Bool {
    FileManager.default.fileExists(
      atPath: root.appendingPathComponent(".build/vision-venv/installed.txt").path)
  }

  /// Clips with known truth, which aren't kept here: the folder that VIRTUE_CLIPS names.
  static var clips: String? { ProcessInfo.processInfo.environment["VIRTUE_CLIPS"] }
}

extension Trait where Self == ConditionTrait {
  /// Skips a test, by name in the report, where the models are missing.
  static var needsModels: Self {
    .enabled(
      if: Environment.hasModels,
      "needs the models: virtue models install --data-dir .build/vision-data")
  }

  static var needsReference: Self {
    .enabled(if: Environment.hasReference, "needs the reference runtimes: .ci/vision-environment")
  }

  static var needsClips: Self {
    .enabled(if: Environment.clips != nil, "needs clips with known truth: VIRTUE_CLIPS=FOLDER")
  }
}
