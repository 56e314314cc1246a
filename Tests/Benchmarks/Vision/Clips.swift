import Capture
import Codecs
import Foundation
import Foundations
import MediaSupport

/// All pictures of a clip, with their times.
/// - Parameter grey: only brightness matters; any colour layout will do.
func pictures(
  of path: String, limit: Int = .max, grey: Bool = false
) throws -> [(picture: Picture, time: Duration)] {
  let clip = try ClipReader(
    path: path, pool: PicturePool(),
    makeDecoder: { codec, pool in
      if grey, codec == .vp9 { return try GreyDecoder(pool: pool) }
      return try VideoDecoder(codec: codec, pool: pool)
    })
  var all: [(picture: Picture, time: Duration)] = []
  while all.count < limit, let next = try clip.next() { all.append(next) }
  return all
}

/// `truth.json` of a clip with a speaker among cameras.
struct SpeakerTruth: Decodable {
  let fps: Double
  let cameras: [Double]
  let switches: [Switch]
  let frames: [Frame]

  struct Switch: Decodable {
    let time: Double
    let camera: Int
  }

  struct Frame: Decodable {
    /// The camera looked at, and for how many seconds.
    let look: Int
    let since: Double
  }

  init(folder: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/truth.json"))
    self = try JSONDecoder().decode(SpeakerTruth.self, from: data)
  }
}

/// Processor time of the calling thread, which a busy neighbour doesn't lengthen much.
func threadTime() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1e6
}

/// Milliseconds that `work` takes of this thread's processor.
func milliseconds(_ work: () throws -> Void) rethrows -> Double {
  let begin = threadTime()
  try work()
  return threadTime() - begin
}
