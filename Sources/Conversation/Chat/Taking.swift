import Foundations
import Wire

/// Checking entries, and putting them in their places.
extension ChatLog {
  /// How many were taken.
  mutating func take(
    _ signed: [WireSignedEntry], from peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) -> Int {
    var invalid = 0
    var reason = ChatError.tooMany
    let before = entries.count
    var fresh: [Entry] = []
    for signed in signed.prefix(ChatBounds.batchEntries) {
      do {
        fresh += try check(signed, at: now, into: &outputs)
      } catch .tooMany {
        statistics.shed += 1
      } catch {
        invalid += 1
        reason = error
      }
    }
    statistics.invalid += invalid
    if invalid > 0 { outputs.append(.misbehaviour(peer, .invalidEntries(invalid, reason))) }
    var next = 0
    while next < fresh.count {
      let entry = fresh[next]
      next += 1
      if entry.signed.hasDeletion {
        fresh += takeDelete(entry.signed.deletion, at: now, into: &outputs)
      }
      if let delete = deletesToCome.removeValue(forKey: entry.hash) {
        fresh += takeDelete(delete, at: now, into: &outputs)
      }
    }
    commit(fresh, into: &outputs)
    return entries.count - before
  }

  /// The delete that came with a gap is an entry of its author's log: taken as such, it is told of and
  /// reaches those who still have the text, whomever its author showed it to. Its signature was verified
  /// with the gap.
  private mutating func takeDelete(
    _ signed: WireSignedEntry, at now: Moment, into outputs: inout [Output]
  ) -> [Entry] {
    guard let delete = try? Entry(kept: signed, meeting: meeting),
      let previous = delete.previous, entries[delete.hash] == nil,
      !waitingHashes.contains(delete.hash), !outstanding.contains(delete)
    else { return [] }
    guard entries[previous] != nil else {
      if deletesToCome.count < ChatBounds.deletedEarly { deletesToCome[previous] = signed }
      return []
    }
    do {
      return try take(delete, stage: .taken, at: now, into: &outputs)
    } catch {
      statistics.shed += 1
      return []
    }
  }

  private mutating func check(
    _ signed: WireSignedEntry, at now: Moment, into outputs: inout [Output]
  ) throws(ChatError) -> [Entry] {
    // Most of what comes is here already: the hash costs a hundredth of the signature.
    guard signed.entry.count <= ChatBounds.entry else { throw .wire(.tooLarge) }
    let hash = EntryHash(of: Array(signed.entry))
    guard entries[hash] == nil, !waitingHashes.contains(hash),
      !outstanding.contains(where: { $0.hash == hash })
    else { return [] }
    let entry = try Entry(verifying: signed, meeting: meeting)
    return try take(entry, stage: .taken, at: now, into: &outputs)
  }

  /// Takes the entry, and those that waited for it; or lets it wait for its predecessor.
  /// - Parameter now: `nil` for what was kept.
  mutating func take(
    _ entry: Entry, stage: Stage, at now: Moment?, into outputs: inout [Output]
  ) throws(ChatError) -> [Entry] {
    if let previous = entry.previous {
      guard let kept = entries[previous] else {
        try wait(Waiting(entry: entry, since: now), for: previous)
        return []
      }
      guard entry.follows(kept.entry) else { throw .brokenChain }
    }
    do {
      try insert(entry, stage: stage, into: &outputs)
    } catch {
      shedWaiting(for: entry.hash)
      throw error
    }
    var taken = [entry]
    var next = 0
    while next < taken.count {
      let parent = taken[next]
      next += 1
      for child in release(waitingFor: parent.hash).map(\.entry) {
        guard child.follows(parent) else {
          statistics.invalid += 1
          continue
        }
        do {
          try insert(child, stage: .taken, into: &outputs)
          taken.append(child)
        } catch {
          statistics.shed += 1
          shedWaiting(for: child.hash)
        }
      }
    }
    // Only now has what waited for the last that had room been let in.
    if authors[entry.authorKey]?.isFull == true { shedWaiting(of: entry.author) }
    return taken
  }

  private mutating func insert(
    _ entry: Entry, stage: Stage, into outputs: inout [Output]
  ) throws(ChatError) {
    if authors[entry.authorKey] == nil {
      // However many there are, one's own log begins.
      guard authors.count < ChatBounds.authors || entry.author == me else { throw .tooMany }
      // What was kept was taken before.
      guard stage == .shown || beginsAsMember(entry) else { throw .notMember }
      waitingUnbegun -= waitingByAuthor[entry.author, default: 0]
      authors[entry.authorKey] = AuthorLog(key: entry.authorKey)
      let place = authorKeys.firstIndex { entry.authorKey.lexicographicallyPrecedes($0) }
      authorKeys.insert(entry.authorKey, at: place ?? authorKeys.count)
    }
    let log = authors[entry.authorKey]!
    guard log.hasRoom(for: entry) else { throw .tooMany }
    if log.branches(at: entry), equivocators.insert(entry.author).inserted {
      let other = log.chain[Int(entry.sequence) - 1]
      outputs.append(.misbehaviour(entry.author, .equivocation(other, entry.hash)))
    }
    authors[entry.authorKey]!.append(entry)
    let deletion = deletedEarly.removeValue(forKey: entry.hash)
    let gap = deletion.flatMap { entry.deleted(by: $0) }
    entries[entry.hash] = Kept(entry: gap ?? entry, stage: stage)
    if case .delete(let targets) = entry.body { delete(targets, by: entry) }
    judge(entry)
    countNew(entry, into: &outputs)
    version += 1
    latestSeen = max(latestSeen ?? entry.clock, entry.clock)
    updateTips(with: entry)
  }

  /// Drops what was said. The chain holds without it.
  private mutating func delete(_ targets: [EntryHash], by deletion: Entry) {
    for target in targets {
      guard let kept = entries[target] else {
        if deletedEarly.count < ChatBounds.deletedEarly { deletedEarly[target] = deletion }
        continue
      }
      guard let gap = kept.entry.deleted(by: deletion) else { continue }
      entries[target] = Kept(entry: gap, stage: kept.stage)
    }
  }

  private mutating func updateTips(with entry: Entry) {
    for seen in entry.heads + [entry.previous].compactMap({ $0 }) {
      tips.remove(seen)
      if entries[seen] == nil, mentioned.count < ChatBounds.mentioned { mentioned.insert(seen) }
    }
    if mentioned.remove(entry.hash) == nil { tips.insert(entry.hash) }
  }
}
