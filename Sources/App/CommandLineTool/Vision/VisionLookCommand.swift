import ArgumentParser
import Capture
import Codecs
import Foundation
import Foundations
import Vision

struct VisionLookCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "look",
    abstract: "Which of several cameras somebody looks at.",
    discussion: """
      Takes one clip a camera, all begun at the same moment. Every picture is analysed, in the \
      clips' own time; the shortest clip ends the run. Angles are in degrees; yaw is positive to the \
      picture's right, pitch upwards, and gaze is the angle between the gaze and the ray to the \
      camera. What "virtue devices --calibrate" has kept in the data directory is taken away.
      """)

  @Option(
    name: .customLong("camera"),
    help: ArgumentHelp(
      "A clip (.y4m or .webm), two to \(GodsEye.cameraLimit) of them.", valueName: "clip"))
  var cameras: [String] = []

  @Flag(help: "One JSON object a picture; otherwise a line for each change.")
  var json = false

  @Option(help: ArgumentHelp("Where the models are kept.", valueName: "directory"))
  var dataDir: DirectoryArgument?

  func validate() throws {
    guard (2...GodsEye.cameraLimit).contains(cameras.count) else {
      throw ValidationError("Give --camera 2 to \(GodsEye.cameraLimit) times.")
    }
  }

  func run() async throws {
    let output = LineWriter(descriptor: STDOUT_FILENO)
    try await reportingFailure(asJSON: json) { try look(output) }
    try output.finish()
  }

  private func look(_ output: LineWriter) throws(Failure) {
    let folder = dataDirectory(dataDir)
    let eye = try GodsEye(cameras: cameras.count, store: ModelStore(dataDirectory: folder))
    eye.calibration = try CalibrationFile(dataDirectory: folder).load()
    let pool = PicturePool()
    var clips: [ClipReader] = []
    for path in cameras {
      clips.append(
        try ClipReader(
          path: clipPath(path), pool: pool,
          makeDecoder: { try VideoDecoder(codec: $0, pool: $1) }))
    }
    var cameras = SideBySide(clips)
    var selector = CameraSelector()
    let progress = ProgressLine("Looking")
    let total = cameras.estimatedCount
    var frame = 0
    var sights = [GazeEstimate?](repeating: nil, count: clips.count)
    while let (pictures, time) = try cameras.next() {
      let now = Moment.zero + time
      var selections: [CameraSelector.Output] = []
      for (camera, picture) in pictures.enumerated() {
        // A slower camera was last seen some pictures ago.
        guard let picture else { continue }
        let estimate = try modelChecked { () throws(ModelFailure) in
          try eye.look(at: picture, camera: camera)
        }
        sights[camera] = estimate
        selector.handle(
          .saw(camera: camera, estimate?.sight ?? .nobody), at: now, into: &selections)
      }
      selector.handle(.decide, at: now, into: &selections)
      let row = LookRow(frame: frame, time: time, camera: selector.selected, sights: sights)
      if json {
        output.write(row.json)
      } else {
        for selection in selections {
          output.write(
            "\(row.timeText) s  camera \(selection.camera)  (\(selection.reason.rawValue))")
        }
      }
      frame += 1
      progress.show(frame, of: max(total, frame), unit: "pictures")
    }
    progress.end()
    if let defect = cameras.defect { throw defect }
  }
}

/// Accepts a clip's path with or without the "file:" that `--camera` takes in a meeting.
func clipPath(_ text: String) -> String {
  text.hasPrefix("file:") ? String(text.dropFirst("file:".count)) : text
}

/// Runs a network; its refusal becomes a failure.
func modelChecked<Value>(
  _ work: () throws(ModelFailure) -> Value
) throws(Failure) -> Value {
  do {
    return try work()
  } catch {
    throw Failure("model-failed", exit: .software, "A vision model failed: \(error).")
  }
}

private struct LookRow: Encodable {
  let frame: Int
  let time: Double
  let camera: Int?
  let cameras: [Sight]

  struct Sight: Encodable {
    let face, headYaw, headPitch, gaze, gazeYaw, gazePitch: Double?
    let eyesOpen: Bool?
    let confidence: Double?

    init(_ estimate: GazeEstimate?) {
      func rounded(_ value: Float?, _ places: Double) -> Double? {
        value.map { (Double($0) * places).rounded() / places }
      }
      face = rounded(estimate?.face, 1000)
      headYaw = rounded(estimate?.headYaw, 10)
      headPitch = rounded(estimate?.headPitch, 10)
      gaze = rounded(estimate?.angle, 10)
      gazeYaw = rounded(estimate?.yaw, 10)
      gazePitch = rounded(estimate?.pitch, 10)
      confidence = rounded(estimate?.confidence, 100)
      eyesOpen = estimate?.eyesOpen
    }

    private enum Key: String, CodingKey {
      case face, headYaw, headPitch, gaze, gazeYaw, gazePitch, eyesOpen, confidence
    }

    /// What isn't known stands there as null.
    func encode(to encoder: any Encoder) throws {
      var fields = encoder.container(keyedBy: Key.self)
      try fields.encode(face, forKey: .face)
      try fields.encode(headYaw, forKey: .headYaw)
      try fields.encode(headPitch, forKey: .headPitch)
      try fields.encode(gaze, forKey: .gaze)
      try fields.encode(gazeYaw, forKey: .gazeYaw)
      try fields.encode(gazePitch, forKey: .gazePitch)
      try fields.encode(eyesOpen, forKey: .eyesOpen)
      try fields.encode(confidence, forKey: .confidence)
    }
  }

  private enum Key: String, CodingKey { case frame, time, camera, cameras }

  init(frame: Int, time: Duration, camera: Int?, sights: [GazeEstimate?]) {
    self.frame = frame
    self.time = (time.inSeconds * 1000).rounded() / 1000
    self.camera = camera
    cameras = sights.map(Sight.init)
  }

  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(frame, forKey: .frame)
    try fields.encode(time, forKey: .time)
    try fields.encode(camera, forKey: .camera)
    try fields.encode(cameras, forKey: .cameras)
  }

  var timeText: String { String(format: "%8.3f", time) }
}
