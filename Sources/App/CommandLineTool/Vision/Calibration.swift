import Capture
import Codecs
import Foundation
import Foundations
import Meeting
import Vision

/// `virtue devices --calibrate`: what the speaker's eyes add, measured at each camera in turn.
struct Calibration {
  let cameras: [String]
  let dataDirectory: String
  let asJSON: Bool

  /// Nothing is written before all cameras have been looked at, so an interruption at any moment
  /// leaves the former calibration.
  func run() throws(Failure) {
    let file = CalibrationFile(dataDirectory: dataDirectory)
    var sources: [any LookSource] = []
    let pool = PicturePool()
    for camera in cameras { sources.append(try Self.source(camera, pool: pool)) }
    let eye = try GodsEye(
      cameras: sources.count, store: DataDirectory.modelStore(for: dataDirectory))
    var measurement = CalibrationMeasurement()
    for (camera, source) in sources.enumerated() {
      try look(at: camera, source, eye, &measurement)
    }
    let result = try checked { () throws(CalibrationMeasurement.Problem) in
      try measurement.result()
    }
    try makeDirectory()
    try file.save(result)
    try tell(result, file)
  }

  private func look(
    at camera: Int, _ source: any LookSource, _ eye: GodsEye,
    _ measurement: inout CalibrationMeasurement
  ) throws(Failure) {
    let progress = ProgressLine("Look at camera \(camera)", about: Self.name(of: cameras[camera]))
    let whole = Int(CalibrationMeasurement.look.inSeconds * 1000)
    // Before the first picture: whoever is to look has to know where.
    progress.show(0, of: whole, unit: "ms")
    while let (picture, time) = try source.next() {
      let estimate = try modelChecked { () throws(ModelFailure) in
        try eye.look(at: picture, camera: camera)
      }
      let isOver = measurement.take(estimate, at: time)
      progress.show(measurement.progress, of: whole, unit: "ms")
      if isOver { break }
    }
    progress.end()
    try checked { () throws(CalibrationMeasurement.Problem) in try measurement.endLook() }
  }

  /// A file goes by its own name: two cameras' clips lie in one folder as a rule.
  static func name(of camera: String) -> String {
    let name = clipPath(camera).split(separator: "/").last.map(String.init) ?? camera
    return Terminal.shortened(DisplayText.line(name, limit: nameLimit), columns: 60)
  }

  /// Letters of a name that are looked at; a file's has 255 bytes at most.
  private static let nameLimit = 255

  /// A clip is read from its beginning; a camera that runs is a ``LiveLook``. The pattern's face looks
  /// nowhere, and would be measured.
  private static func source(
    _ camera: String, pool: PicturePool
  ) throws(Failure) -> any LookSource {
    switch try CameraSpec(camera) {
    case .file(let path):
      return try ClipReader(
        path: path, pool: pool, makeDecoder: { try VideoDecoder(codec: $0, pool: $1) })
    case .none, .pattern:
      throw Failure(
        "no-face", exit: .usage,
        "“\(DisplayText.line(camera, limit: 80))” shows nobody who could look at it: give "
          + "file:CLIP.")
    }
  }

  private func checked<Value>(
    _ work: () throws(CalibrationMeasurement.Problem) -> Value
  ) throws(Failure) -> Value {
    do {
      return try work()
    } catch {
      throw Failure(
        "not-calibrated", exit: .badData,
        "\(error.sentence) The former calibration, if there is one, stays.")
    }
  }

  private func makeDirectory() throws(Failure) {
    do {
      try FileManager.default.createDirectory(
        atPath: dataDirectory, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
    } catch {
      throw Failure(
        "data-directory-unwritable", exit: .cannotCreate,
        "The directory \(dataDirectory) can't be made: \(error.localizedDescription).")
    }
  }

  private func tell(_ result: GazeCalibration, _ file: CalibrationFile) throws(Failure) {
    let output = LineWriter(descriptor: STDOUT_FILENO)
    let (yaw, pitch) = (result.bias.yaw, result.bias.pitch)
    let numbers = String(format: "%.1f %.1f", yaw, pitch).split(separator: " ")
    output.write(
      asJSON
        ? "{\"calibrated\":{\"pitch\":\(numbers[1]),\"yaw\":\(numbers[0])}}"
        : "Calibrated: your gaze is measured \(Self.sentence(result.bias)) from where you look. "
          + "Kept in \(file.path); --gods-eye takes it away.")
  }

  static func sentence(_ bias: GazeEstimate.Bias) -> String {
    func amount(_ value: Float) -> String { String(format: "%.1f°", abs(value)) }
    return "\(amount(bias.yaw)) to the \(bias.yaw < 0 ? "left" : "right") and "
      + "\(amount(bias.pitch)) \(bias.pitch < 0 ? "down" : "up")"
  }
}
