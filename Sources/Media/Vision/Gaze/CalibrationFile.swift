package import Foundations
import Glibc

/// Where a ``GazeCalibration`` is kept: a line of text in the data directory that its owner alone can
/// read, because how somebody's eyes sit is theirs.
///
///     virtue-gaze 1 YAW PITCH END
///
/// with degrees as decimals. The last word shows that nothing was cut off.
package struct CalibrationFile: Sendable {
  package let path: String

  /// Bytes. A whole line has less than half of it.
  private static let sizeLimit = 128
  private static let version = "1"

  package init(dataDirectory: String) { path = dataDirectory + "/gaze-calibration" }

  /// `nil` when nothing has been kept yet.
  package func load() throws(Failure) -> GazeCalibration? {
    let bytes: [UInt8]
    do {
      bytes = try PlainFile.read(path, limit: Self.sizeLimit)
    } catch .unreadable(ENOENT), .unreadable(ENOTDIR) {
      return nil
    } catch .tooLarge {
      throw failure("it is damaged", exit: .badData)
    } catch {
      throw failure("it can't be read: \(error.reason)", exit: .noInput)
    }
    guard let calibration = Self.parse(bytes[...]) else {
      throw failure("it is damaged", exit: .badData)
    }
    return calibration
  }

  /// Writes beside the file and renames: whatever happens, the former calibration or the new one is
  /// there whole.
  package func save(_ calibration: GazeCalibration) throws(Failure) {
    do throws(SystemError) {
      try PlainFile.replace(path, with: Self.line(calibration))
    } catch {
      throw Failure(
        "calibration-unwritable", exit: .cannotCreate,
        "The calibration \(DisplayText.line(path, limit: 200)) can't be written: \(error.sentence.lowercased()). See that "
          + "the directory can be written and that nothing lies at its name with .new at the end.")
    }
  }

  private static func line(_ calibration: GazeCalibration) -> [UInt8] {
    func rounded(_ value: Float) -> Float { (value * 100).rounded() / 100 }
    let (yaw, pitch) = (rounded(calibration.bias.yaw), rounded(calibration.bias.pitch))
    return Array("virtue-gaze \(version) \(yaw) \(pitch) end\n".utf8)
  }

  package static func parse(_ bytes: ArraySlice<UInt8>) -> GazeCalibration? {
    guard bytes.count <= sizeLimit, bytes.last == UInt8(ascii: "\n") else { return nil }
    let words = String(decoding: bytes.dropLast(), as: UTF8.self)
      .split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 5, words[0] == "virtue-gaze", words[1] == version, words[4] == "end",
      let yaw = Float(words[2]), let pitch = Float(words[3])
    else { return nil }
    return GazeCalibration(bias: .init(yaw: yaw, pitch: pitch))
  }

  private func failure(_ reason: String, exit: ExitStatus) -> Failure {
    Failure(
      "bad-calibration", exit: exit,
      "The calibration \(DisplayText.line(path, limit: 200)) can't be used: \(reason). Measure it "
        + "anew with virtue devices --calibrate, or delete the file.")
  }
}
