import Foundation
import Foundations
import History
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

  private func kept(_ step: CommitQueue.Step?) -> HistoryChanges? {
    if case .keep(let changes)? = step { changes } else { nil }
  }

  private func appended(_ step: CommitQueue.Step?) -> [Entry] { kept(step)?.entries ?? [] }

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

  @Test("What becomes of a flood's entries holds up nobody else's, and is done with them")
  func marks() throws {
    var queue = CommitQueue(me: PeerID(publicKey: me.publicKey))
    let (flood, theirs) = (try lines(300, by: other), try lines(1, by: third))
    for entry in flood {
      queue.add([entry])
      queue.setCounted([entry.hash], false)
    }
    let gone = flood.prefix(10).map(\.hash)
    queue.evict(gone)
    let mine = try lines(1, by: me)
    queue.add(theirs + mine)
    var changes = try #require(kept(queue.next()))
    #expect(changes.entries.count == CommitQueue.mostOfAuthor + 2)
    #expect(changes.entries.first == mine[0] && changes.entries.contains(theirs[0]))
    #expect(changes.evicted == Set(gone))
    #expect(
      Set(changes.counted.keys)
        == Set(changes.entries.map(\.hash)).subtracting(
          (mine + theirs).map(\.hash)))
    var count = changes.entries.count
    while let next = kept(queue.next()) {
      changes = next
      count += changes.entries.count
      #expect(Set(changes.counted.keys) == Set(changes.entries.map(\.hash)))
    }
    #expect(count == 292 && changes.evicted.isEmpty)
  }

  @Test("A body that comes before its gap is kept goes in its place; afterwards it is restored")
  func restores() throws {
    var queue = CommitQueue(me: PeerID(publicKey: me.publicKey))
    let said = try lines(2, by: other)
    let delete = try Entry(
      composing: .with { $0.delete.targets = said.map { Data($0.hash.bytes) } },
      meeting: Self.meeting, key: other, after: said[1], heads: [], clock: Self.clock)
    let gaps = try said.map { try #require($0.deleted(by: delete)) }
    queue.add([gaps[0]])
    queue.restore(said[0])
    queue.restore(said[1])
    let changes = try #require(kept(queue.next()))
    #expect(changes.entries.map(\.body) == [said[0].body])
    #expect(changes.restored.map(\.body) == [said[1].body])
    #expect(isDone(&queue))
  }

  @Test("What couldn't be changed is tried again with what comes next")
  func fails() throws {
    var queue = CommitQueue(me: PeerID(publicKey: me.publicKey))
    let (said, later) = (try lines(4, by: other), try lines(1, by: third))
    queue.evict([said[0].hash])
    queue.restore(said[1])
    queue.setCounted([said[2].hash, said[3].hash], false)
    let changes = try #require(kept(queue.next()))
    queue.fail(changes)
    #expect(isDone(&queue), "not over and over")
    queue.setCounted([said[3].hash], true)
    queue.add(later)
    let again = try #require(kept(queue.next()))
    #expect(again.entries == later && again.evicted == changes.evicted)
    #expect(again.restored == changes.restored)
    #expect(again.counted == [said[2].hash: false, said[3].hash: true])
    #expect(isDone(&queue))
  }

  @Test("What is decided while a transaction fails, or after it has, goes before its changes")
  func failsBefore() throws {
    var queue = CommitQueue(me: PeerID(publicKey: me.publicKey))
    let said = try lines(4, by: other)
    let names = said.map(\.hash)
    queue.evict([names[0]])
    queue.restore(said[1])
    queue.setCounted([names[2], names[3]], false)
    let changes = try #require(kept(queue.next()))
    queue.add([said[0]])
    queue.evict([names[1]])
    queue.setCounted([names[2]], true)
    queue.fail(changes)
    var again = try #require(kept(queue.next()))
    #expect(again.evicted == [names[0], names[1]] && again.entries == [said[0]], "in this order")
    #expect(again.restored.isEmpty)
    #expect(again.counted == [names[2]: true, names[3]: false])
    queue.fail(again)
    #expect(isDone(&queue), "not over and over")
    queue.setCounted([names[2], names[3]], true)
    again = try #require(kept(queue.next()))
    #expect(again.evicted == [names[0], names[1]])
    #expect(again.counted == [names[2]: true, names[3]: true])
    #expect(isDone(&queue))
  }

  @Test("Other work is done first")
  func works() throws {
    var queue = CommitQueue(me: PeerID(publicKey: me.publicKey))
    let before = try lines(1, by: other)
    queue.add(before)
    queue.add { (_, _) async throws(Failure) in }
    guard case .work? = queue.next() else {
      Issue.record("the work comes next")
      return
    }
    #expect(appended(queue.next()) == before)
    #expect(isDone(&queue))
  }
}
