import Capture
import Foundations

/// Clips of several cameras, all begun at the same moment, picture by picture in their own time: a step
/// for each picture of the fastest.
struct SideBySide {
  private let clips: [ClipReader]
  /// The one whose pictures are the steps.
  private let lead: Int
  /// Pictures that were read and aren't due yet.
  private var ahead: [(picture: Picture, time: Duration)?]
  /// Steps there are, as far as can be told.
  let estimatedCount: Int

  init(_ clips: [ClipReader]) {
    self.clips = clips
    lead = clips.indices.min { (clips[$0].interval, $0) < (clips[$1].interval, $1) } ?? 0
    ahead = Array(repeating: nil, count: clips.count)
    let length = clips.map { $0.interval * $0.estimatedCount }.min() ?? .zero
    estimatedCount = max(1, Int((length / clips[lead].interval).rounded()))
  }

  /// What is wrong with one of them.
  var defect: Failure? { clips.lazy.compactMap(\.defect).first }

  /// The newest picture of each at the next step, `nil` for one that has none since the last step;
  /// nothing when a clip has ended. Every picture of a clip of the leading rate is among them.
  mutating func next() throws(Failure) -> (pictures: [Picture?], time: Duration)? {
    guard let (first, time) = try clips[lead].next() else { return nil }
    var pictures = [Picture?](repeating: nil, count: clips.count)
    pictures[lead] = first
    // Times are rounded, and what comes half a picture later belongs to the next step.
    let due = time + clips[lead].interval / 2
    for (place, clip) in clips.enumerated() where place != lead {
      while true {
        if ahead[place] == nil { ahead[place] = try clip.next() }
        guard let next = ahead[place] else {
          return pictures[place] == nil ? nil : (pictures, time)
        }
        guard next.time < due else { break }
        pictures[place] = next.picture
        ahead[place] = nil
      }
    }
    return (pictures, time)
  }
}
