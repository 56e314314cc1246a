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
    case mark(Int, [EntryHash], counts: Bool, incarnation: Int)
    case restore(Int, Entry, incarnation: Int)
    case evict(Int, [Entry], incarnation: Int)
    case wake(Int, incarnation: Int)
    /// Somebody who is no member of the world shows it these.
    case give(Int, [WireSignedEntry])
    case say(Int, String)
    /// Something of a kind that chance chooses, about something that is there.
    case act(Int)
    case fault(Fault)
  }

  struct Node {
    let number: Int
    let key: SigningKey
    var log: ChatLog
    var stored: [Entry] = []
    /// Of those stored, the ones marked as counting for nothing. A restart forgets which, as nothing
    /// else may hang on the marks.
    var discounted: Set<EntryHash> = []
    var shown: [EntryHash] = []
    var shownSet: Set<EntryHash> = []
    var incarnation = 0
    var links: Set<Int> = []
    var isDiskFull = false
    /// When the last that is to be stored so far is.
    var storesAt = Moment.zero
    /// What could not be kept: it may be published all the same.
    var unkept: Set<EntryHash> = []
  }

  var members: [Node] = []
  private var events: [(at: Moment, order: Int, event: Event)] = []
  private var order = 0
  var now = Moment.zero
  var chance: SeededGenerator
  private let seed: UInt64
  var loss = 0.0
  var duplication = 0.0
  var broadcasts = true
  var sentHeads = 0
  var batchedEntries = 0
  private(set) var largestBatch = 0
  private(set) var published: Set<EntryHash> = []
  /// Lines that came back to their author, kept.
  var acknowledged: Set<EntryHash> = []
  /// How likely a write is to be the last thing that a member does, before or after it.
  var crashAtWrite = 0.0
  var crashes = 0
  /// What each member is told of removals, sooner or later.
  var ends: [[UInt8]: Set<LogEnd>] = [:]
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

  var hashes: [[UInt8]] { members.map { HistoryHash.of($0.log.counted) } }

  func expectOneHistory(of count: Int? = nil) {
    for member in members {
      let ordered = member.log.ordered
      let isAlike = ordered.map(\.body) == members[0].log.ordered.map(\.body)
      #expect(
        isAlike,
        "seed \(seed), member \(member.number): not the same was deleted")
      if let count { #expect(ordered.count == count, "seed \(seed)") }
      #expect(ordered == members[0].log.ordered, "seed \(seed), member \(member.number)")
      #expect(Set(member.shown).count == member.shown.count, "seed \(seed): shown twice")
      #expect(Set(member.shown).isSubset(of: ordered.map(\.hash)))
      #expect(Set(member.stored) == Set(ordered), "seed \(seed): not kept")
      let uncounted = Set(ordered.map(\.hash)).subtracting(member.log.counted.map(\.hash))
      #expect(member.discounted == uncounted, "seed \(seed): not marked")
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

  mutating func give(
    _ entries: [WireSignedEntry], to member: Int, after delay: Duration = .zero
  ) {
    push(.give(member, entries), after: delay)
  }

  mutating func act(_ count: Int, over duration: Duration) {
    for _ in 0..<count {
      push(.act(Int.random(in: members.indices, using: &chance)), after: moment(within: duration))
    }
  }

  mutating func moment(within duration: Duration) -> Duration {
    .nanoseconds(Int64.random(in: 0..<duration.nanoseconds, using: &chance))
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

  mutating func push(_ event: Event, after delay: Duration = .zero) {
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
    case .give(let number, let entries):
      members[number].log.handle(
        .received(entries, from: meeting.asPeer), at: now, into: &outputs)
      carryOut(outputs, of: number)
    case .mark(let number, let entries, let counts, let incarnation):
      guard members[number].incarnation == incarnation else { return }
      let kept = Set(members[number].stored.map(\.hash)).intersection(entries)
      if counts {
        members[number].discounted.subtract(kept)
      } else {
        members[number].discounted.formUnion(kept)
      }
    case .restore(let number, let entry, let incarnation):
      guard members[number].incarnation == incarnation else { return }
      for place in members[number].stored.indices where members[number].stored[place] == entry {
        members[number].stored[place] = entry
      }
    case .evict(let number, let entries, let incarnation):
      guard members[number].incarnation == incarnation else { return }
      members[number].stored.removeAll { entries.contains($0) }
      members[number].discounted.subtract(entries.map(\.hash))
    case .store(let number, let entries, let incarnation):
      guard members[number].incarnation == incarnation else { return }
      write(entries, of: number)
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
    case .act(let number):
      let clock = wall(now.nanoseconds / 1_000_000 + Int64(number) * 45_000)
      let body = chooseBody(for: number)
      members[number].log.handle(.compose(body, wall: clock), at: now, into: &outputs)
      carryOut(outputs, of: number)
    case .fault(let fault): carryOut(fault)
    }
  }

  /// All of it or none, as a transaction does; and then perhaps never to be told of.
  private mutating func write(_ entries: [Entry], of number: Int) {
    let isLast = crashAtWrite > 0 && Double.random(in: 0..<1, using: &chance) < crashAtWrite
    if isLast, Bool.random(using: &chance) { return crash(number) }
    let incarnation = members[number].incarnation
    guard !members[number].isDiskFull else {
      members[number].unkept.formUnion(entries.map(\.hash))
      push(
        .input(number, .notCommitted(entries.map(\.id)), incarnation: incarnation), after: delay())
      return
    }
    let known = Set(members[number].stored)
    members[number].stored += entries.filter { !known.contains($0) }
    guard !isLast else { return crash(number) }
    push(.input(number, .committed(entries.map(\.id)), incarnation: incarnation), after: delay())
  }

  private mutating func chooseBody(for number: Int) -> WireChatBody {
    let ordered = members[number].log.ordered
    let text = "text \(order)"
    guard let target = ordered.randomElement(using: &chance) else { return .text(text) }
    let own = ordered.filter { $0.author == members[number].log.me }.randomElement(using: &chance)
    switch Int.random(in: 0..<9, using: &chance) {
    case 0: return .reply(to: target.hash, text)
    case 1: return own.map { .edit(of: $0.hash, text) } ?? .text(text)
    case 2: return own.map { .delete([$0.hash]) } ?? .text(text)
    case 3: return .reaction(to: target.hash, "👍", isWithdrawn: Bool.random(using: &chance))
    case 4: return .poll(text, options: ["a", "b", "c"])
    case 5: return .vote(in: target.hash, [Int.random(in: 0..<4, using: &chance)])
    case 6: return .hand(isRaised: Bool.random(using: &chance))
    case _: return .text(text)
    }
  }

  private mutating func carryOut(_ outputs: [ChatLog.Output], of number: Int) {
    let incarnation = members[number].incarnation
    for output in outputs {
      switch output {
      case .commit(let entries):
        push(.store(number, entries, incarnation: incarnation), after: storing(number))
      case .discount(let entries):
        push(
          .mark(number, entries, counts: false, incarnation: incarnation), after: storing(number))
      case .recount(let entries):
        push(.mark(number, entries, counts: true, incarnation: incarnation), after: storing(number))
      case .restore(let entry):
        members[number].shown.removeAll { $0 == entry.hash }
        members[number].shownSet.remove(entry.hash)
        push(.restore(number, entry, incarnation: incarnation), after: storing(number))
      case .evict(let entries):
        members[number].shown.removeAll { hash in entries.contains { $0.hash == hash } }
        members[number].shownSet.subtract(entries.map(\.hash))
        push(.evict(number, entries, incarnation: incarnation), after: storing(number))
      case .publish(let entry):
        let hash = entryHash(entry)
        published.insert(hash)
        #expect(
          members[number].stored.contains { $0.hash == hash }
            || members[number].unkept.contains(hash),
          "seed \(seed): published before it was kept")
        guard broadcasts else { continue }
        for other in members.indices where other != number {
          send(.received([entry], from: members[number].log.me), from: number, to: other)
        }
      case .show(let entry):
        members[number].shown.append(entry.hash)
        #expect(members[number].shownSet.insert(entry.hash).inserted, "seed \(seed): shown twice")
        if entry.author == members[number].log.me, !members[number].unkept.contains(entry.hash) {
          acknowledged.insert(entry.hash)
        }
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

  /// One after the other.
  mutating func storing(_ number: Int) -> Duration {
    members[number].storesAt = max(members[number].storesAt, now + delay())
    return members[number].storesAt - now
  }

  /// Uneven, so that messages overtake each other.
  mutating func delay() -> Duration {
    .microseconds(Int64.random(in: 100...20_000, using: &chance))
  }
}
