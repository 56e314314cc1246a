import Crypto
import Foundation
import Foundations
import SwiftProtobuf
package import Wire

extension ChatLog {
  /// The ends of every author's log. Two members whose heads are equal hold the same entries.
  package var heads: WireChatHeads { heads(telling: [:]) }

  /// - Parameter passed: some of the entries before them.
  func heads(telling passed: [EntryHash: [PassedEntry]]) -> WireChatHeads {
    .with { message in
      for key in authorKeys {
        for tip in authors[key]?.tips.sorted() ?? [] {
          message.heads.append(
            .with {
              $0.authorKey = Data(key)
              $0.sequence = entries[tip]?.entry.sequence ?? 0
              $0.hash = Data(tip.bytes)
              $0.passed = passed[tip, default: []].map { one in
                .with {
                  $0.sequence = one.sequence
                  $0.hash = Data(one.hash.bytes)
                }
              }
            })
        }
      }
    }
  }

  /// A hash over the heads and the gaps: two members whose summaries are equal hold the same.
  mutating func summary() -> Data {
    var hash = SHA256()
    hash.update(data: Array("virtue chat heads".utf8))
    for tip in authors.values.flatMap(\.tips).sorted() { hash.update(data: tip.bytes) }
    hash.update(data: gaps.digest())
    return Data(hash.finalize())
  }

  /// As heads of one's own would be parsed.
  var ownTips: [[UInt8]: [AuthorTip]] {
    authors.mapValues { log in
      log.tips.map { AuthorTip(sequence: entries[$0]?.entry.sequence ?? 0, hash: $0) }
    }
  }

  /// What a member says that it has, by author; `nil` when no honest one would say so.
  static func parse(_ heads: WireChatHeads) -> [[UInt8]: [AuthorTip]]? {
    guard heads.heads.count <= ChatBounds.heads, heads.summary.isEmpty,
      heads.gaps.isEmpty || heads.gaps.count == SHA256.byteCount
    else { return nil }
    var theirs: [[UInt8]: [AuthorTip]] = [:]
    var passedCount = 0
    for head in heads.heads {
      passedCount += head.passed.count
      guard head.authorKey.count == 32, head.sequence > 0, let hash = EntryHash(head.hash),
        head.passed.count <= Fork.spread + 1, passedCount <= ChatBounds.passed
      else { return nil }
      var tip = AuthorTip(sequence: head.sequence, hash: hash)
      for passed in head.passed {
        guard passed.sequence > 0, let hash = EntryHash(passed.hash) else { return nil }
        tip.passed.append(PassedEntry(sequence: passed.sequence, hash: hash))
      }
      theirs[Array(head.authorKey), default: []].append(tip)
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
    let theirRoom = room(given: theirs)
    for key in authorKeys {
      let log = authors[key]!
      let isBegun = theirs[key] != nil
      guard isBegun || theirRoom.isOpen(to: log.sponsor) else { continue }
      var turn = log.isBranched ? lastTurn : 0
      // It may be full of others of the same sponsor, which aren't known here, and refuse this one again
      // and again.
      if !isBegun, theirs.count >= theirRoom.plenty {
        turn = lastTurn + room.count(of: log.sponsor)
      }
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
    let room = room(given: theirs)
    return authors.contains { key, log in
      guard let tips = theirs[key] else { return room.isOpen(to: log.sponsor) }
      return !log.tips.allSatisfy { tip in tips.contains { $0.hash == tip } }
    }
  }

  /// The room that a member with these heads has for further authors.
  private func room(given theirs: [[UInt8]: [AuthorTip]]) -> AuthorRoom {
    var room = AuthorRoom()
    guard theirs.count >= room.plenty else { return room }
    for key in theirs.keys { room.take(for: authors[key]?.sponsor ?? PeerID(publicKey: key)) }
    return room
  }
}
