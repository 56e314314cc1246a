import Foundation
import Testing

@testable import CommandLineTool

@Suite("What the demo says of God's eye")
struct DemoFollowingTests {
  private static let truth = DemoEffects.Truth(
    picturesPerSecond: 15, cameras: [-35, 0, 35],
    looks: [(1, 0), (2, 2.3), (0, 3.6), (2, 5.9), (0, 7.6), (1, 10)].map {
      DemoEffects.Truth.Look(camera: $0.0, time: $0.1)
    })

  /// Choices from the first on, in clips that had run for `head` seconds then.
  private func following(
    head: Double, until end: Double, alter: (inout [(camera: Int, time: Double)]) -> Void = { _ in }
  ) -> DemoFollowing {
    var choices = [(camera: 1, time: 100.0)]
    for round in 0..<2 {
      for look in Self.truth.looks.dropFirst() {
        let time = 100 - head + Double(round) * 13 + look.time + 0.24
        if time < end { choices.append((look.camera, time)) }
      }
    }
    alter(&choices)
    return DemoFollowing(choices: choices, end: end, truth: Self.truth, length: 13)
  }

  @Test(
    "Every look that is followed counts, whenever the clips began", arguments: [0, 0.3, 0.9, 1.6])
  func whole(head: Double) {
    let result = following(head: head, until: 118)
    #expect(result.isGood && result.extra == 0)
    #expect(result.followed == result.due && result.due >= 5)
  }

  @Test("Looks that are missed and choices without a look are no success")
  func failures() {
    #expect(!following(head: 0.5, until: 112) { $0.removeSubrange(2...3) }.isGood)
    #expect(!following(head: 0.5, until: 112) { $0 += [(2, 104.4), (1, 109.3)] }.isGood)
    #expect(!following(head: 0.5, until: 112) { $0.removeLast($0.count - 1) }.isGood)
    #expect(following(head: 0.5, until: 112) { $0.remove(at: 2) }.isGood)
  }

  @Test("In a time without a change there is nothing to say")
  func short() {
    #expect(following(head: 0, until: 102.5).due == 0)
    #expect(DemoFollowing(choices: [], end: 100, truth: Self.truth, length: 13).due == 0)
  }
}
