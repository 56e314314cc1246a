import Crypto
import Foundation
import Foundations
import SwiftProtobuf
import Wire

/// Entries whose bodies are gone, and which of them may not have been deleted at all.
///
/// A gap comes with its author's word that it was deleted. But whoever signs two words can show some the
/// text and others the gap: only a delete that is in its author's log reaches everybody. So a gap whose
/// delete isn't there is doubted, and what a delete may not touch is never rightly one: both take the body
/// again from whoever has it. Members with the same logs have the same gaps then, and tell each other
/// a hash over them to see it.
struct Gaps: Sendable {
  private(set) var all: Set<EntryHash> = []
  /// The deletes that they came with, of those whose deletes aren't in the log.
  private var deletes: [EntryHash: EntryHash] = [:]
  /// The other way round.
  private var doubted: [EntryHash: Set<EntryHash>] = [:]
  /// Over ``all``; `nil` since that changed. Empty where there are none.
  private var known: [UInt8]?

  func isDoubted(_ gap: EntryHash) -> Bool { deletes[gap] != nil }

  mutating func insert(_ gap: EntryHash) {
    if all.insert(gap).inserted { known = nil }
  }

  mutating func doubt(_ gap: EntryHash, withoutDelete delete: EntryHash) {
    settle(gap)
    deletes[gap] = delete
    doubted[delete, default: []].insert(gap)
  }

  /// The delete that these came with is in the log.
  mutating func settle(by delete: EntryHash) {
    for gap in doubted.removeValue(forKey: delete) ?? [] { deletes[gap] = nil }
  }

  /// Something in the log deletes it.
  mutating func settle(_ gap: EntryHash) {
    guard let delete = deletes.removeValue(forKey: gap) else { return }
    doubted[delete]?.remove(gap)
    if doubted[delete]?.isEmpty == true { doubted[delete] = nil }
  }

  mutating func remove(_ gap: EntryHash) {
    settle(gap)
    if all.remove(gap) != nil { known = nil }
  }

  /// 32 bytes, or none where there are no gaps.
  mutating func digest() -> Data {
    if known == nil {
      var hash = SHA256()
      for gap in all.sorted() { hash.update(data: gap.bytes) }
      known = all.isEmpty ? [] : Array(hash.finalize())
    }
    return Data(known ?? [])
  }

  /// Those to ask for with the `number`th question, from 0: the doubted first.
  func wanted(_ number: Int) -> [EntryHash] {
    let sorted = deletes.keys.sorted() + all.filter { deletes[$0] == nil }.sorted()
    return Array(sorted.dropFirst(number * ChatBounds.wanted).prefix(ChatBounds.wanted))
  }

  /// How many questions ask for all.
  var questions: Int { (all.count + ChatBounds.wanted - 1) / ChatBounds.wanted }
}

extension ChatLog {
  /// The delete in its author's log that an entry has come after: one of another branch.
  private func deleter(of entry: Entry) -> Entry? {
    deleters[entry.hash]?.lazy.compactMap { self.entries[$0]?.entry }
      .filter { $0.authorKey == entry.authorKey }.min()
  }

  /// What is to be kept of a new entry.
  mutating func noteGap(_ entry: Entry) -> Entry {
    let deleter = deleter(of: entry)
    let gap = deleter.flatMap { entry.deleted(by: $0) } ?? entry
    guard gap.body == .deleted else { return gap }
    gaps.insert(gap.hash)
    let delete = EntryHash(of: Array(gap.signed.deletion.entry))
    if deleter == nil, entries[delete] == nil { gaps.doubt(gap.hash, withoutDelete: delete) }
    return gap
  }

  /// Takes the body of what is a gap here, if it may have one.
  /// - Returns: whether there is such a gap.
  mutating func takeBody(
    _ signed: WireSignedEntry, of hash: EntryHash, into outputs: inout [Output]
  ) throws(ChatError) -> Bool {
    guard let kept = entries[hash], kept.entry.body == .deleted, !signed.body.isEmpty else {
      return false
    }
    let whole = try Entry(kept: signed, meeting: meeting)
    guard gaps.isDoubted(hash) || !whole.body.isDeletable else { return true }
    try restore(try Entry(verifying: signed, meeting: meeting), stage: kept.stage, into: &outputs)
    return true
  }

  private mutating func restore(
    _ entry: Entry, stage: Stage, into outputs: inout [Output]
  ) throws(ChatError) {
    entries[entry.hash] = Kept(entry: entry, stage: stage)
    gaps.remove(entry.hash)
    version += 1
    outputs.append(.restore(entry))
    switch entry.body {
    case .delete(let targets): delete(targets, by: entry)
    case .joined:
      let wasModerator = moderators.contains(entry.authorKey)
      judge(entry)
      if moderators.contains(entry.authorKey) != wasModerator {
        recount(entry.authorKey, into: &outputs)
      }
    case .moderation:
      if isOutOfTurn(entry), uncounted.insert(entry.hash).inserted {
        outputs.append(.discount([entry.hash]))
      }
    case _: break
    }
    if stage == .shown, counts(entry) { outputs.append(.show(entry)) }
  }

  /// Drops what was said. The chain holds without it.
  mutating func delete(_ targets: [EntryHash], by deletion: Entry) {
    gaps.settle(by: deletion.hash)
    for target in targets {
      deleters[target, default: []].insert(deletion.hash)
      guard let kept = entries[target], kept.entry.authorKey == deletion.authorKey else { continue }
      gaps.settle(target)
      guard let gap = kept.entry.deleted(by: deletion) else { continue }
      entries[target] = Kept(entry: gap, stage: kept.stage)
      gaps.insert(target)
    }
  }

  /// The delete is gone. The bodies may be with members that never had it.
  mutating func undo(_ delete: Entry, of targets: [EntryHash]) {
    for target in targets {
      deleters[target]?.remove(delete.hash)
      if deleters[target]?.isEmpty == true { deleters[target] = nil }
      guard let entry = entries[target]?.entry, entry.body == .deleted, deleter(of: entry) == nil,
        entry.authorKey == delete.authorKey
      else { continue }
      gaps.doubt(target, withoutDelete: delete.hash)
    }
  }

  /// What is here of the bodies that a member asks for, as far as it fits into a batch.
  func bodies(of wanted: [Data]) -> [Entry] {
    var size = 0
    return wanted.prefix(ChatBounds.wanted).compactMap { EntryHash($0) }
      .compactMap { entries[$0]?.entry }
      .filter { entry in
        guard entry.body != .deleted else { return false }
        size += entry.batchSize
        return size <= ChatBounds.batch
      }
  }
}
