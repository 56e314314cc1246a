import Foundations
import SwiftProtobuf
import Testing
import Wire

@testable import Chat
@testable import Meeting

@Suite("What waits to be kept")
struct CommitQueueTests {
  private static let meeting = MeetingID([UInt8](repeating: 7, count: 16))!
  private static let clock = HybridTime(milliseconds: 1_700_000_000_000, counter: 0)
  private let me = Self.key(1)
  private let other = Self.key(2)
  private let third = Self.key(3)

  private static func key(_ seed: UInt64) -> SigningKey {
    SigningKey(
      from: SecretSource { count in
        var chance = SeededGenerator(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &chance) }
      })
  }

  private func lines(_ count: Int, by key: SigningKey) throws -> [Entry] {
    var lines: [Entry] = []
    for number in 0..<count {
      lines.append(
        try Entry(
          composing: .text("line \(number)"), meeting: Self.meeting, key: key, after: lines.last,
          heads: [], clock: Self.clock))
    }
    return lines
  }

  private func appended(_ step: CommitQueue.Step?) -> [Entry] {
    guard case .append(let entries)? = step else { return [] }
    return entries
  }

  private func isDone(_ queue: inout CommitQueue) -> Bool {
    if case nil = queue.next() { true } else { false }
  }

  @Test("What came while the disk was busy goes into one transaction, in its order")
  func groups() throws {
    var queue = CommitQueue(me: PeerID(publicKey: me.publicKey))
    let (first, second) = (try lines(3, by: other), try lines(2, by: third))
    for entry in first { queue.add([entry]) }
    queue.add(second)
    #expect(appended(queue.next()).map(\.hash) == (first + second).map(\.hash))
    #expect(isDone(&queue))
  }

  @Test("A flood holds up neither one's own lines nor another's, and loses none of its own")
  func isFair() throws {
    var queue = CommitQueue(me: PeerID(publicKey: me.publicKey))
    let flood = try lines(200, by: other)
    let (mine, theirs) = (try lines(1, by: me), try lines(1, by: third))
    queue.add(flood)
    queue.add(theirs)
    queue.add(mine)
    let first = appended(queue.next())
    #expect(first.first?.hash == mine[0].hash)
    #expect(first.contains { $0.hash == theirs[0].hash })
    #expect(first.count == CommitQueue.mostOfAuthor + 2)
    var kept = first
    while let step = queue.next() {
      #expect(appended(step).count <= CommitQueue.mostOfAuthor)
      kept += appended(step)
    }
    #expect(kept.filter { $0.authorKey == other.publicKey }.map(\.hash) == flood.map(\.hash))
  }

  @Test("Work waits for all entries before it, and holds up those after it")
  func waits() throws {
    var queue = CommitQueue(me: PeerID(publicKey: me.publicKey))
    let (before, after) = (try lines(100, by: other), try lines(1, by: third))
    queue.add(before)
    queue.add { (_, _) async throws(Failure) in }
    queue.add(after)
    var kept = 0
    while kept < before.count { kept += appended(queue.next()).count }
    #expect(kept == before.count)
    guard case .work? = queue.next() else {
      Issue.record("the work comes next")
      return
    }
    #expect(appended(queue.next()).map(\.hash) == after.map(\.hash))
    #expect(isDone(&queue))
  }
}
