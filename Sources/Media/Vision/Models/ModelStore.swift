import Crypto
import Foundation
package import Foundations
import Glibc

/// Where the models are kept, beside the installation's other data. What is loaded from there has
/// been verified first.
package struct ModelStore: Sendable {
  package let directory: String

  /// - Parameter dataDirectory: the installation's; models lie in `folder` in it.
  package init(dataDirectory: String, folder: String = "models") {
    directory = folder.isEmpty ? dataDirectory : dataDirectory + "/" + folder
  }

  package enum Status: String, Sendable {
    case installed
    case missing
    /// There is a file, and it is another one.
    case damaged
  }

  package func path(of model: VisionModel) -> String { directory + "/" + model.fileName }

  package func status(of model: VisionModel) -> Status {
    guard let bytes = contents(of: model) else { return .missing }
    return Self.digest(of: bytes) == model.digest ? .installed : .damaged
  }

  package var isComplete: Bool {
    VisionModel.allCases.allSatisfy { status(of: $0) == .installed }
  }

  /// The model's file, verified.
  package func bytes(of model: VisionModel) throws(Failure) -> [UInt8] {
    guard let bytes = contents(of: model) else {
      throw Failure(
        "models-missing", exit: .unavailable,
        "The vision model \(model.fileName) is not installed. Run virtue models install.")
    }
    guard Self.digest(of: bytes) == model.digest else {
      throw Failure(
        "models-damaged", exit: .badData,
        "The vision model \(path(of: model)) has been changed or damaged. "
          + "Run virtue models install again.")
    }
    return bytes
  }

  /// A model ready to run.
  package func network(_ model: VisionModel) throws(Failure) -> Network {
    let bytes = try bytes(of: model)
    do {
      return try Network(bytes)
    } catch {
      throw Failure(
        "model-unusable", exit: .software,
        "The vision model \(model.fileName) can't be run on this computer: \(error).")
    }
  }

  /// Takes the models out of a wheel of MediaPipe. All are verified before any is put in place.
  package func install(fromWheel wheel: String) throws(Failure) {
    let archive = try WheelArchive(path: wheel)
    var files: [(VisionModel, [UInt8])] = []
    for model in VisionModel.allCases {
      let bytes = try archive.contents(of: model.wheelPath, size: model.byteCount)
      guard Self.digest(of: bytes) == model.digest else {
        throw Failure(
          "wrong-wheel", exit: .badData,
          "\(model.fileName) in \(DisplayText.line(wheel, limit: 200)) is not the file that Virtue "
            + "expects. Give the wheel of mediapipe 0.10.21.")
      }
      files.append((model, bytes))
    }
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
    } catch {
      throw unwritable(directory, SystemError())
    }
    for (model, bytes) in files {
      do throws(SystemError) {
        try PlainFile.replace(path(of: model), with: bytes)
      } catch {
        throw unwritable(path(of: model), error)
      }
    }
  }

  private func unwritable(_ path: String, _ error: SystemError) -> Failure {
    Failure(
      "models-unwritable", exit: .cannotCreate,
      "\(path) can't be written: \(error.sentence.lowercased()). "
        + "Make room or choose another place with --data-dir.")
  }

  /// `nil` when no file can be read there; nothing of one that can't be the right one.
  private func contents(of model: VisionModel) -> [UInt8]? {
    do {
      return try PlainFile.read(path(of: model), limit: model.byteCount)
    } catch .unreadable {
      return nil
    } catch {
      return []
    }
  }

  static func digest(of bytes: [UInt8]) -> String {
    SHA256.hash(data: bytes).map { byte in
      let text = String(byte, radix: 16)
      return text.count == 1 ? "0" + text : text
    }.joined()
  }
}
