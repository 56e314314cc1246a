import Crypto
import Foundation
import Foundations
import SwiftProtobuf
package import Wire

extension ChatLog {
  /// The ends of every author's log. Two members whose heads are equal hold the same entries.
  package var heads: WireChatHeads {
    .with { message in
      for key in authorKeys {
        for tip in authors[key]?.tips.sorted() ?? [] {
          message.heads.append(
            .with {
              $0.authorKey = Data(key)
              $0.sequence = entries[tip]?.entry.sequence ?? 0
              $0.hash = Data(tip.bytes)
            })
        }
      }
    }
  }

  /// A hash over the heads: two members whose summaries are equal hold the same entries.
  var summary: WireChatHeads {
    var hash = SHA256()
    hash.update(data: Array("virtue chat heads".utf8))
    for tip in authors.values.flatMap(\.tips).sorted() { hash.update(data: tip.bytes) }
    return .with { $0.summary = Data(hash.finalize()) }
  }

  /// As heads of one's own would be parsed.
  var ownTips: [[UInt8]: [AuthorTip]] {
    authors.mapValues { log in
      log.tips.map { AuthorTip(sequence: entries[$0]?.entry.sequence ?? 0, hash: $0) }
    }
  }

  /// What a member says that it has, by author; `nil` when no honest one would say so.
  static func parse(_ heads: WireChatHeads) -> [[UInt8]: [AuthorTip]]? {
    guard heads.heads.count <= ChatBounds.heads, heads.summary.isEmpty else { return nil }
    var theirs: [[UInt8]: [AuthorTip]] = [:]
    for head in heads.heads {
      guard head.authorKey.count == 32, head.sequence > 0, let hash = EntryHash(head.hash) else {
        return nil
      }
      theirs[Array(head.authorKey), default: []].append(
        AuthorTip(sequence: head.sequence, hash: hash))
    }
    guard theirs.values.allSatisfy({ $0.count <= ChatBounds.tips }) else { return nil }
    return theirs
  }

  /// One author's entries that are to go into a batch.
  private struct Cursor {
    /// Sooner for who has had less of the batch so far. An author that contradicts itself comes after all
    /// others: it may show everybody other branches, and more of them than anybody takes.
    var turn: Int
    var size: Int
    let entry: Entry
    let rest: ArraySlice<EntryHash>
  }

  /// The first of the entries that a member with these heads lacks and has room for, each after its
  /// predecessor, and whether they are all.
  func batch(lackedBy theirs: [[UInt8]: [AuthorTip]]) -> (entries: [Entry], isAll: Bool) {
    // A merge of the authors' logs by clock, so that a newcomer reads the conversation as it went.
    var cursors: [Cursor] = []
    func place(_ rest: ArraySlice<EntryHash>, turn: Int, size: Int) {
      guard let first = rest.first, let entry = entries[first]?.entry else { return }
      // Latest first: taking the earliest off is cheap.
      var low = 0
      var high = cursors.count
      while low < high {
        let middle = (low + high) / 2
        let other = cursors[middle]
        let isSooner = turn == other.turn ? entry < other.entry : turn < other.turn
        if isSooner { low = middle + 1 } else { high = middle }
      }
      cursors.insert(
        Cursor(turn: turn, size: size, entry: entry, rest: rest.dropFirst()), at: low)
    }
    let lastTurn = ChatBounds.batch / ChatBounds.batchShare
    for key in authorKeys where hasRoom(for: key, given: theirs) {
      let log = authors[key]!
      let turn = log.branches.isEmpty ? 0 : lastTurn
      place(lacked(of: log, given: theirs[key] ?? []), turn: turn, size: 0)
    }
    var batch: [Entry] = []
    var total = 0
    while var next = cursors.popLast() {
      total += next.entry.batchSize
      if total > ChatBounds.batch || batch.count == ChatBounds.batchEntries {
        return (batch, false)
      }
      batch.append(next.entry)
      next.size += next.entry.batchSize
      if next.size > ChatBounds.batchShare {
        next.size = 0
        next.turn += 1
      }
      place(next.rest, turn: next.turn, size: next.size)
    }
    return (batch, true)
  }

  /// Whether a member with these heads lacks something that it has room for: what the first batch would
  /// begin with, in less time.
  func isLacked(by theirs: [[UInt8]: [AuthorTip]]) -> Bool {
    authors.contains { key, log in
      let tips = theirs[key] ?? []
      let missing = log.tips.filter { tip in !tips.contains { $0.hash == tip } }
      guard !missing.isEmpty, hasRoom(for: key, given: theirs) else { return false }
      guard tips.count >= ChatBounds.tips else { return true }
      return missing.contains { goesOn($0, after: tips) }
    }
  }

  /// Whether a member with these heads has this author's log, or takes one more.
  private func hasRoom(for key: [UInt8], given theirs: [[UInt8]: [AuthorTip]]) -> Bool {
    theirs[key] != nil || theirs.count < ChatBounds.authors
  }

  /// Whether the entry comes some way after one of these.
  private func goesOn(_ hash: EntryHash, after theirs: [AuthorTip]) -> Bool {
    let known = theirs.filter { entries[$0.hash] != nil }
    guard let first = known.compactMap({ entries[$0.hash]?.entry.sequence }).min() else {
      return false
    }
    let ends = Set(known.map(\.hash))
    var next = entries[hash]?.entry
    while let entry = next, entry.sequence > first, let previous = entry.previous {
      if ends.contains(previous) { return true }
      next = entries[previous]?.entry
    }
    return false
  }

  private func lacked(of log: AuthorLog, given theirs: [AuthorTip]) -> ArraySlice<EntryHash> {
    let known = theirs.compactMap { entries[$0.hash]?.entry }.filter { $0.authorKey == log.key }
    let isFurther = theirs.contains { $0.sequence > UInt64(log.chain.count) }
    if known.isEmpty, isFurther, !log.isFull {
      // Further than this one: most likely it has all of it. If it hasn't, because the log has
      // branches, it will see so from one's own heads and send the other branch first. It can't where
      // no more branches are taken.
      return []
    }
    // It has as many branches as are kept: it takes only what goes on where one of them ends.
    let isFull = theirs.count >= ChatBounds.tips
    if log.branches.isEmpty {
      if isFull, known.isEmpty { return [] }
      let length = known.map(\.sequence).max() ?? 0
      return log.chain[min(Int(length), log.chain.count)...]
    }
    var has: Set<EntryHash> = []
    for tip in known {
      var next: EntryHash? = tip.hash
      while let hash = next, has.insert(hash).inserted { next = entries[hash]?.entry.previous }
    }
    let lacked = (log.chain + log.branches).filter { !has.contains($0) }
      .sorted { entries[$0]!.entry < entries[$1]!.entry }
    guard isFull else { return lacked[...] }
    var taken = Set(known.map(\.hash))
    return lacked.filter { hash in
      guard let previous = entries[hash]?.entry.previous, taken.contains(previous) else {
        return false
      }
      return taken.insert(hash).inserted
    }[...]
  }
}
