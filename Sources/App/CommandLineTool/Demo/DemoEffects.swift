import Capture
import Codecs
import Foundation
import Foundations
import Vision

/// What lets one of the demo's people show blur and God's eye: the models, and clips of somebody who
/// looks from camera to camera.
struct DemoEffects: Sendable {
  let truth: Truth
  /// One clip a camera.
  let clips: [String]
  /// When the clips' speaker looks at which camera.
  struct Truth: Decodable, Sendable {
    let picturesPerSecond: Int
    /// Degrees of each camera to the right of the one in front.
    let cameras: [Double]
    /// In order; the first begins at 0. The last look goes on in the next round's first.
    let looks: [Look]

    struct Look: Decodable, Sendable {
      let camera: Int
      /// Seconds since the clip's beginning.
      let time: Double
    }
  }

  /// Seconds of the clips, which are looped.
  let length: Double
  private let store: ModelStore

  /// Whose picture has the effects.
  static let name = "Alan"
  /// As strong as it gets, so that what is left can be told from what was there.
  private static let strength = 3

  /// Fetches the models, if need be.
  /// - Throws: why there are no effects: to be told, not to end the demo.
  static func prepare(store: ModelStore) async throws -> DemoEffects {
    // Beside the program, where the build puts them: a moved program has none.
    let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent()
      .appendingPathComponent("virtue_CommandLineTool.resources/Clips")
    guard let data = try? Data(contentsOf: folder.appendingPathComponent("truth.json")),
      let truth = try? JSONDecoder().decode(Truth.self, from: data), truth.looks.count > 1,
      truth.cameras.count > 1
    else {
      throw Failure(
        "no-demo-clips", exit: .noInput,
        "The demo's clips aren't beside the program: run it where it was built.")
    }
    let clips = truth.cameras.indices.map {
      folder.appendingPathComponent("camera\($0).webm").path
    }
    try await fetchModels(into: store, patience: .short)
    let clip = try ClipReader(
      path: clips[0], pool: PicturePool(),
      makeDecoder: { try VideoDecoder(codec: $0, pool: $1) })
    return DemoEffects(
      truth: truth, clips: clips, length: Double(clip.estimatedCount) * clip.interval.inSeconds,
      store: store)
  }

  var arguments: [String] {
    clips.flatMap { ["--camera", "file:\($0)"] }
      + ["--gods-eye", "--blur", "--blur-strength", "\(Self.strength)"]
  }

  /// Lets a participant find the models in a data directory of its own.
  func lend(to dataDirectory: String) throws(Failure) {
    let models = URL(fileURLWithPath: store.directory).standardizedFileURL.path
    do {
      try FileManager.default.createDirectory(
        atPath: dataDirectory, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
      let place = ModelStore(dataDirectory: dataDirectory).directory
      try? FileManager.default.removeItem(atPath: place)
      try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: models)
    } catch {
      throw Failure(
        "demo-unwritable", exit: .cannotCreate,
        "The directory \(dataDirectory) can't be made. Choose another with --output.")
    }
  }
}

/// How God's eye followed the clips' speaker.
///
/// When the clips began isn't told by any event, so the choices are laid over the looks where most of
/// them fit.
struct DemoFollowing: CustomStringConvertible {
  /// Looks whose switch could be seen.
  private(set) var due = 0
  private(set) var followed = 0
  /// Switches that the speaker's looks don't explain.
  private(set) var extra = 0

  /// Seconds by which one switch may come later or earlier after its look than the others do.
  private static let tolerance = 0.35
  /// Seconds for which the clips may have run when the first choice is told.
  private static let head = 2.0
  /// Seconds that a switch takes at most.
  private static let patience = 0.8

  /// - Parameters:
  ///   - choices: camera and time in seconds; the first is the first face's.
  ///   - end: when the last could have come.
  ///   - length: seconds of the clips, which are looped.
  init(
    choices: [(camera: Int, time: Double)], end: Double, truth: DemoEffects.Truth, length: Double
  ) {
    guard let begin = choices.first?.time, length > 0 else { return }
    let made = choices.dropFirst()
    var looks: [(camera: Int, time: Double)] = []
    var (camera, round) = (truth.looks[0].camera, 0.0)
    while round < end - begin + Self.head {
      for look in truth.looks where look.camera != camera {
        camera = look.camera
        looks.append((camera, round + look.time))
      }
      round += length
    }
    let shifts = made.flatMap { choice in
      looks.filter { $0.camera == choice.camera }.map { choice.time - $0.time }
    }.filter { ((begin - Self.head)...(begin + Self.patience)).contains($0) }
    func fits(_ choice: (camera: Int, time: Double), _ look: (camera: Int, time: Double))
      -> Bool
    { choice.camera == look.camera && abs(choice.time - look.time) <= Self.tolerance }
    for shift in shifts + [begin] {
      let shifted = looks.map { (camera: $0.camera, time: $0.time + shift) }
      let seen = shifted.filter {
        $0.time > begin + Self.tolerance && $0.time + Self.patience < end
      }
      let found = seen.count { look in made.contains { fits($0, look) } }
      let unexplained = made.count { choice in !shifted.contains { fits(choice, $0) } }
      guard due == 0 || found - unexplained > followed - extra else { continue }
      (due, followed, extra) = (seen.count, found, unexplained)
    }
  }

  var description: String {
    "\(followed) of \(due) changes" + (extra == 0 ? "" : ", \(extra) more than there were")
  }

  /// One look may be lost to a computer that does the work of three.
  var isGood: Bool { due > 0 && followed >= due - 1 && followed > 0 && extra <= 1 }
}
