import Chat
import Foundation
import Foundations
import SwiftProtobuf
import Testing
import Wire

/// A few members, the messages between them, and their stores, on one time line.
struct World {
  enum Event {
    case input(Int, ChatLog.Input, incarnation: Int)
    case store(Int, [Entry], incarnation: Int)
    case wake(Int, incarnation: Int)
    case say(Int, String)
  }

  struct Node {
    let number: Int
    let key: SigningKey
    var log: ChatLog
    var stored: [Entry] = []
    var shown: [EntryHash] = []
    var incarnation = 0
    var links: Set<Int> = []
  }

  private(set) var members: [Node] = []
  private var events: [(at: Moment, order: Int, event: Event)] = []
  private var order = 0
  private var now = Moment.zero
  private var chance: SeededGenerator
  private let seed: UInt64
  var loss = 0.0
  var duplication = 0.0
  var broadcasts = true
  var sentHeads = 0
  var batchedEntries = 0
  private(set) var largestBatch = 0
  private(set) var published: Set<EntryHash> = []
  private var lines = 0
  private var isSplit: (Int, Int) -> Bool = { _, _ in false }

  init(members count: Int, seed: UInt64, linked: (Int, Int) -> Bool = { _, _ in true }) {
    self.seed = seed
    chance = SeededGenerator(seed: seed)
    for number in 0..<count {
      let key = signingKey(seed &* 1000 &+ UInt64(number))
      members.append(
        Node(number: number, key: key, log: ChatLog(meeting: meeting, key: key, stored: [])))
    }
    for left in 0..<count {
      for right in left + 1..<count where linked(left, right) { link(left, right) }
    }
  }

  var hashes: [[UInt8]] { members.map { HistoryHash.of($0.log.ordered) } }

  func expectOneHistory(of count: Int? = nil) {
    for member in members {
      let ordered = member.log.ordered
      if let count { #expect(ordered.count == count, "seed \(seed)") }
      #expect(ordered == members[0].log.ordered, "seed \(seed), member \(member.number)")
      #expect(Set(member.shown).count == member.shown.count, "seed \(seed): shown twice")
      #expect(Set(member.shown).isSubset(of: ordered.map(\.hash)))
      #expect(Set(member.stored) == Set(ordered), "seed \(seed): not kept")
    }
    #expect(Set(hashes).count == 1)
  }

  // MARK: - What happens

  mutating func link(_ left: Int, _ right: Int) {
    for (from, to) in [(left, right), (right, left)] where members[from].links.insert(to).inserted {
      push(.input(from, .linkUp(members[to].log.me), incarnation: members[from].incarnation))
    }
  }

  mutating func unlink(_ left: Int, _ right: Int) {
    for (from, to) in [(left, right), (right, left)] where members[from].links.remove(to) != nil {
      push(.input(from, .linkDown(members[to].log.me), incarnation: members[from].incarnation))
    }
  }

  mutating func split(at border: Int) {
    isSplit = { ($0 < border) != ($1 < border) }
    for left in members.indices {
      for right in members.indices where isSplit(left, right) { unlink(left, right) }
    }
  }

  mutating func heal() {
    isSplit = { _, _ in false }
    for left in members.indices {
      for right in members.indices where left != right { link(left, right) }
    }
  }

  mutating func chat(lines: Int, over duration: Duration) {
    for number in 0..<lines {
      let member = Int.random(in: 0..<min(5, members.count), using: &chance)
      let later = Duration.nanoseconds(Int64.random(in: 0..<duration.nanoseconds, using: &chance))
      push(.say(member, "line \(number)"), after: later)
    }
  }

  mutating func give(_ entries: [WireSignedEntry], to member: Int) {
    push(
      .input(
        member, .received(entries, from: meeting.asPeer),
        incarnation: members[member].incarnation))
  }

  /// Starts the member anew from what it had kept.
  mutating func crash(_ number: Int) {
    let number = number % members.count
    members[number].incarnation += 1
    members[number].log = ChatLog(
      meeting: meeting, key: members[number].key, stored: members[number].stored)
    members[number].shown = []
    let links = members[number].links
    for other in links { unlink(number, other) }
    for other in links { link(number, other) }
  }

  // MARK: - The time line

  mutating func run(until end: Moment) {
    while let first = events.last, first.at <= end {
      events.removeLast()
      now = first.at
      carryOut(first.event)
    }
    now = end
  }

  private mutating func push(_ event: Event, after delay: Duration = .zero) {
    order += 1
    let at = now + delay
    var low = 0
    var high = events.count
    while low < high {
      let middle = (low + high) / 2
      if events[middle].at > at { low = middle + 1 } else { high = middle }
    }
    events.insert((at, order, event), at: low)
  }

  private mutating func carryOut(_ event: Event) {
    var outputs: [ChatLog.Output] = []
    switch event {
    case .input(let number, let input, let incarnation):
      guard members[number].incarnation == incarnation else { return }
      members[number].log.handle(input, at: now, into: &outputs)
      carryOut(outputs, of: number)
    case .store(let number, let entries, let incarnation):
      guard members[number].incarnation == incarnation else { return }
      let known = Set(members[number].stored)
      members[number].stored += entries.filter { !known.contains($0) }
      push(.input(number, .committed(entries.map(\.id)), incarnation: incarnation), after: delay())
    case .wake(let number, let incarnation):
      guard members[number].incarnation == incarnation,
        let deadline = members[number].log.deadline, deadline <= now
      else { return }
      members[number].log.wake(at: now, into: &outputs)
      carryOut(outputs, of: number)
    case .say(let number, let text):
      // Clocks differ by up to three minutes.
      let clock = wall(now.nanoseconds / 1_000_000 + Int64(number) * 45_000)
      members[number].log.handle(.compose(.text(text), wall: clock), at: now, into: &outputs)
      carryOut(outputs, of: number)
    }
  }

  private mutating func carryOut(_ outputs: [ChatLog.Output], of number: Int) {
    let incarnation = members[number].incarnation
    for output in outputs {
      switch output {
      case .commit(let entries):
        push(.store(number, entries, incarnation: incarnation), after: delay())
      case .publish(let entry):
        published.insert(entryHash(entry))
        guard broadcasts else { continue }
        for other in members.indices where other != number {
          send(.received([entry], from: members[number].log.me), from: number, to: other)
        }
      case .show(let entry):
        members[number].shown.append(entry.hash)
      case .sendHeads(let heads, let peer):
        sentHeads += 1
        sendDirectly(.heads(heads, from: members[number].log.me), from: number, to: peer)
      case .sendBatch(let batch, let peer):
        batchedEntries += batch.entries.count
        largestBatch = max(largestBatch, batch.wire.count)
        sendDirectly(.batch(batch, from: members[number].log.me), from: number, to: peer)
      case .refused(let body, let reason): Issue.record("\(body) refused: \(reason)")
      case .misbehaviour(_, .equivocation): break
      case .misbehaviour(_, let what): Issue.record("seed \(seed): \(what)")
      }
    }
    if let deadline = members[number].log.deadline {
      push(.wake(number, incarnation: incarnation), after: max(.zero, deadline - now))
    }
  }

  private mutating func sendDirectly(_ input: ChatLog.Input, from: Int, to peer: PeerID) {
    let to = members.firstIndex { $0.log.me == peer }!
    send(input, from: from, to: to)
  }

  private mutating func send(_ input: ChatLog.Input, from: Int, to: Int) {
    guard !isSplit(from, to) else { return }
    let copies = Double.random(in: 0..<1, using: &chance) < duplication ? 2 : 1
    for _ in 0..<copies where Double.random(in: 0..<1, using: &chance) >= loss {
      push(.input(to, input, incarnation: members[to].incarnation), after: delay())
    }
  }

  /// Uneven, so that messages overtake each other.
  private mutating func delay() -> Duration {
    .microseconds(Int64.random(in: 100...20_000, using: &chance))
  }
}
