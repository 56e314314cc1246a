import Foundation
import Foundations
import MediaSupport
import Synchronization

/// Looks at what is decoded of a member: which numbered pictures came, and how close they are to the
/// clip that was sent.
final class Watcher: Sendable {
  struct Findings: Codable, Sendable {
    var seconds = 0.0
    /// Different pictures seen.
    var frames = 0
    var unreadable = 0
    /// Pictures that were not after the one before them.
    var backward = 0
    var skipped = 0
    var leastPSNR = Double.infinity
    var width = 0
    var height = 0
  }

  private struct State {
    var findings = Findings()
    var since: Moment
    var seen: ObjectIdentifier?
    var last: Int?
  }

  private let clip: Clip
  private let state: Mutex<State>
  private let clock = HostClock()
  /// Comparing every picture would take too long in a build for debugging.
  private static let compareEvery = 7

  init(clip: Clip) {
    self.clip = clip
    state = Mutex(State(since: clock.now()))
  }

  func reset() { state.withLock { $0 = State(since: clock.now()) } }

  var findings: Findings {
    state.withLock { state in
      var findings = state.findings
      findings.seconds = Double((clock.now() - state.since) / .milliseconds(1)) / 1000
      return findings
    }
  }

  func look(at picture: Picture) {
    state.withLock { state in
      guard let number = FrameMarker.read(picture).map({ Int($0.number) }) else {
        state.findings.unreadable += 1
        return
      }
      guard number != state.last else { return }
      state.findings.frames += 1
      (state.findings.width, state.findings.height) = (picture.width, picture.height)
      if let last = state.last {
        let step = (number - last + clip.count) % clip.count
        if step > clip.count / 2 {
          state.findings.backward += 1
        } else {
          state.findings.skipped += step - 1
        }
      }
      state.last = number
      if state.findings.frames % Self.compareEvery == 0 {
        let sent = clip.picture(number)
        guard (sent.width, sent.height) == (picture.width, picture.height) else { return }
        state.findings.leastPSNR = min(state.findings.leastPSNR, lumaPSNR(sent, picture))
      }
    }
  }
}

/// A Y4M file of 4:2:0 pictures whose frame headers carry no parameters.
struct Clip: Sendable {
  let count: Int
  private let width: Int
  private let height: Int
  private let data: Data
  private let start: Int

  private var frameSize: Int { Array("FRAME\n".utf8).count + width * height * 3 / 2 }

  init(path: String) throws {
    data = try Data(contentsOf: URL(fileURLWithPath: path))
    guard let end = data.firstIndex(of: UInt8(ascii: "\n")) else {
      throw SDP.Malformed(description: "\(path) is no clip")
    }
    let words = String(decoding: data[..<end], as: UTF8.self).split(separator: " ")
    func number(_ letter: Character) -> Int {
      words.first { $0.first == letter }.flatMap { Int($0.dropFirst()) } ?? 0
    }
    (width, height, start) = (number("W"), number("H"), end + 1)
    count = (data.count - start) / ("FRAME\n".utf8.count + width * height * 3 / 2)
    guard width > 0, height > 0, count > 0 else {
      throw SDP.Malformed(description: "\(path) has no pictures")
    }
  }

  func picture(_ number: Int) -> Picture {
    let picture = PicturePool(limit: 0).makePicture(width: width, height: height)
    var offset = start + number % count * frameSize + "FRAME\n".utf8.count
    for plane in [picture.luma, picture.blue, picture.red] {
      for row in 0..<plane.height {
        data.copyBytes(
          to: plane.bytes + row * plane.stride, from: offset..<offset + plane.width)
        offset += plane.width
      }
    }
    return picture
  }
}
