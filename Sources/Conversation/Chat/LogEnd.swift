/// Where the log of a member that was removed ends, as far as it counts.
package enum LogEnd: Hashable, Sendable {
  /// None of its entries counts.
  case beforeAll
  /// This entry and those before it in its chain count. While it isn't here none does: what can't be
  /// told from what was signed afterwards isn't shown.
  case after(EntryHash)
}

/// Entries that don't count: those past the ends of their authors' logs, and what a plain member says that
/// it did as a moderator. Everybody keeps them and passes them on, since some
/// had them before they heard of the removal and logs are to be the same everywhere; nobody counts them:
/// they aren't shown, edit nothing, and the hash over the history leaves them out. Only their author's
/// word that something of its own is to be deleted stands.
extension ChatLog {
  /// Whether the entry is to be counted.
  package func counts(_ entry: Entry) -> Bool { !uncounted.contains(entry.hash) }

  /// What counts, in the order in which it is shown.
  package var counted: [Entry] { ordered.filter(counts) }

  mutating func end(_ logs: [[UInt8]: Set<LogEnd>], into outputs: inout [Output]) {
    let former = ends
    ends = logs
    for key in authorKeys where former[key] != logs[key] { recount(key, into: &outputs) }
  }

  /// Counts a new entry, or doesn't.
  /// - Parameter hasRisen: whether it shows that its author, who wasn't one before, is a moderator.
  mutating func countNew(_ entry: Entry, hasRisen: Bool, into outputs: inout [Output]) {
    if isOutOfTurn(entry) { uncounted.insert(entry.hash) }
    guard let ends = ends[entry.authorKey] else {
      if hasRisen { recount(entry.authorKey, into: &outputs) }
      return
    }
    // Those that an end follows come before it: what comes later than the end is past it.
    uncounted.insert(entry.hash)
    if ends.contains(.after(entry.hash)) { recount(entry.authorKey, into: &outputs) }
  }

  mutating func recount(_ author: [UInt8], into outputs: inout [Output]) {
    guard let log = authors[author] else { return }
    let counting = ends[author].map { entriesBefore($0) }
    var dropped: [EntryHash] = []
    var regained: [EntryHash] = []
    for hash in log.all {
      if counting?.contains(hash) ?? true, !isOutOfTurn(hash) {
        if uncounted.remove(hash) != nil { regained.append(hash) }
      } else if uncounted.insert(hash).inserted {
        dropped.append(hash)
      }
    }
    if !dropped.isEmpty { outputs.append(.discount(dropped)) }
    guard !regained.isEmpty else { return }
    outputs.append(.recount(regained))
    for hash in regained where entries[hash]?.stage == .passedOver {
      entries[hash]?.stage = .shown
      outputs.append(.show(entries[hash]!.entry))
    }
  }

  private func isOutOfTurn(_ hash: EntryHash) -> Bool {
    entries[hash].map { isOutOfTurn($0.entry) } ?? false
  }

  /// What is before all of these ends: somebody may have been removed by several.
  private func entriesBefore(_ ends: Set<LogEnd>) -> Set<EntryHash> {
    var common: Set<EntryHash>?
    for end in ends {
      var chain: Set<EntryHash> = []
      if case .after(let last) = end {
        var next: EntryHash? = last
        while let hash = next, let kept = entries[hash] {
          chain.insert(hash)
          next = kept.entry.previous
        }
      }
      common = common?.intersection(chain) ?? chain
    }
    return common ?? []
  }
}
