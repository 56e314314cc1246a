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

  /// The first of the entries that a member with these heads lacks, each after its predecessor, and
  /// whether they are all.
  func batch(lackedBy theirs: [[UInt8]: [AuthorTip]]) -> (WireChatBatch, isAll: Bool) {
    // A merge of the authors' logs by clock, so that a newcomer reads the conversation as it went.
    var cursors: [(entry: Entry, rest: ArraySlice<EntryHash>)] = []
    func place(_ rest: ArraySlice<EntryHash>) {
      guard let first = rest.first, let entry = entries[first]?.entry else { return }
      // Latest first: taking the earliest off is cheap.
      var low = 0
      var high = cursors.count
      while low < high {
        let middle = (low + high) / 2
        if entry < cursors[middle].entry { low = middle + 1 } else { high = middle }
      }
      cursors.insert((entry, rest.dropFirst()), at: low)
    }
    for key in authorKeys { place(lacked(of: authors[key]!, given: theirs[key] ?? [])) }
    var batch = WireChatBatch()
    var size = 0
    while let (entry, rest) = cursors.popLast() {
      size += entry.batchSize
      if size > ChatBounds.batch || batch.entries.count == ChatBounds.batchEntries {
        return (batch, false)
      }
      batch.entries.append(entry.signed)
      place(rest)
    }
    return (batch, true)
  }

  private func lacked(of log: AuthorLog, given theirs: [AuthorTip]) -> ArraySlice<EntryHash> {
    let known = theirs.compactMap { entries[$0.hash]?.entry }.filter { $0.authorKey == log.key }
    if known.isEmpty, theirs.contains(where: { $0.sequence > UInt64(log.chain.count) }) {
      // Further than this one: most likely it has all of it. If it hasn't, because the log has
      // branches, it will see so from one's own heads and send the other branch first.
      return []
    }
    if log.branches.isEmpty {
      let length = known.map(\.sequence).max() ?? 0
      return log.chain[min(Int(length), log.chain.count)...]
    }
    var has: Set<EntryHash> = []
    for tip in known {
      var next: EntryHash? = tip.hash
      while let hash = next, has.insert(hash).inserted { next = entries[hash]?.entry.previous }
    }
    let lacked = (log.chain + log.branches).filter { !has.contains($0) }
    return lacked.sorted { entries[$0]!.entry < entries[$1]!.entry }[...]
  }
}
