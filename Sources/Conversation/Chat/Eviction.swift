import Foundations
import Wire

/// What has to make room in its author's log for what comes first by rank (``AuthorLog``).
extension ChatLog {
  /// The last run may have ended before it could let go of what has no place. Of an author that keeps to one
  /// branch all stays, whatever hole there is before it.
  mutating func evictLeftovers(of stored: [Entry]) {
    let full = authors.filter(\.value.isFull)
    for key in full.keys { shedWaiting(of: PeerID(publicKey: key)) }
    evicted = stored.filter { entry in
      entry.meeting == meeting && full[entry.authorKey] != nil && entries[entry.hash] == nil
    }
  }

  mutating func evict(
    _ dropped: [EntryHash], of author: [UInt8], into outputs: inout [Output]
  ) {
    guard !dropped.isEmpty else { return }
    let names = Set(dropped)
    let gone = dropped.compactMap { entries.removeValue(forKey: $0)?.entry }
    evicted += gone
    unsaved.removeAll { names.contains($0) }
    for entry in gone {
      tips.remove(entry.hash)
      uncounted.remove(entry.hash)
      gaps.remove(entry.hash)
      committing[entry.id] = nil
      committingOwn.remove(entry.id)
      heldBack[entry.hash] = nil
      shedWaiting(for: entry.hash)
    }
    statistics.shed += gone.count
    for entry in gone {
      if case .delete(let targets) = entry.body { undo(entry, of: targets) }
    }
    // What made it a moderator may be gone.
    if moderators.contains(author), gone.contains(where: { $0.body.kind == "joined" }) {
      judgeAnew(author, into: &outputs)
    } else if ends[author] != nil {
      // Whoever comes later won't find where the log ended.
      recount(author, into: &outputs)
    }
  }
}
