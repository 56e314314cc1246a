import Chat
import Foundation
import Foundations
import SwiftProtobuf
import Testing
import Wire

/// Logs that contradict themselves anywhere after much or little that is the same, and of which everybody
/// has another part.
@Suite("Where logs part")
struct ForkTests {
  /// Paths from the beginning of one author's log, by the author's key.
  private func paths(by key: SigningKey, _ chance: inout SeededGenerator) -> [[WireSignedEntry]] {
    let size = [0, 0, 150, 800].randomElement(using: &chance)!
    var paths: [[WireSignedEntry]] = []
    for number in 0..<Int.random(in: 1...9, using: &chance) {
      var path: [WireSignedEntry] = []
      if let other = paths.randomElement(using: &chance), Int.random(in: 0..<10, using: &chance) > 0
      {
        let isNearEnd = Bool.random(using: &chance)
        let first = isNearEnd ? max(1, other.count - 8) : 1
        path = Array(other[..<Int.random(in: first...other.count, using: &chance)])
      }
      let length =
        paths.isEmpty
        ? Int.random(in: 300...1300, using: &chance)
        : [1, 2, 20, 300, 700].randomElement(using: &chance)!
      for _ in 0..<length {
        let sequence = UInt64(path.count + 1)
        let body = WireChatBody.text("\(number)" + String(repeating: "x", count: size))
        path.append(
          forge(by: key, sequence: sequence, previous: path.last.map(entryHash), body: body) {
            $0.clockMilliseconds = sequence
          })
      }
      paths.append(path)
    }
    return paths
  }

  @Test(
    "Members who were shown any parts of any branches end as one history, and fall silent",
    // Each takes ten seconds in a debug build.
    arguments: FaultTests.seeds.prefix(100).filter { $0 % 5 < 2 })
  func anywhere(seed: UInt64) {
    var chance = SeededGenerator(seed: seed)
    let count = Int.random(in: 2...4, using: &chance)
    var world = World(members: count, seed: seed)
    world.run(until: seconds(1))
    for one in 0..<count { for other in 0..<count where one != other { world.unlink(one, other) } }
    for author in 0..<Int.random(in: 1...3, using: &chance) {
      let paths = paths(by: signingKey(50_000 + seed * 10 + UInt64(author)), &chance)
      for member in 0..<count {
        for path in paths where Int.random(in: 0..<3, using: &chance) > 0 {
          let isWhole = Bool.random(using: &chance)
          let end = isWhole ? path.count : Int.random(in: 1...path.count, using: &chance)
          for start in stride(from: 0, to: end, by: 200) {
            world.give(Array(path[start..<min(start + 200, end)]), to: member)
          }
        }
      }
    }
    world.run(until: seconds(20))
    // Words of the exchange get lost, too.
    world.loss = seed % 5 == 0 ? 0.2 : 0
    world.heal()
    world.chat(lines: 10, over: .seconds(5))
    world.run(until: seconds(150))
    world.loss = 0
    world.run(until: seconds(1350))
    world.expectOneHistory()
    let (heads, entries) = (world.sentHeads, world.batchedEntries)
    world.run(until: seconds(1950))
    #expect(world.sentHeads == heads && world.batchedEntries == entries)
  }
}
