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
    let before = version
    var fresh: [Entry] = []
    entries: for signed in signed.prefix(ChatBounds.batchEntries) {
      do {
        fresh += try check(signed, at: now, into: &outputs)
      } catch .tooMany {
        statistics.shed += 1
      } catch {
        invalid += 1
        reason = error
        // Nobody who checks what it takes holds such an entry: nothing else that comes with it is looked
        // at. A later version of the program may hold what this one can't read.
        switch error {
        case .notMember, .unknownFormat: continue
        case _: break entries
        }
      }
    }
    statistics.invalid += invalid
    if invalid > 0 { outputs.append(.misbehaviour(peer, .invalidEntries(invalid, reason))) }
    commit(fresh, into: &outputs)
    return version - before
  }

  private mutating func check(
    _ signed: WireSignedEntry, at now: Moment, into outputs: inout [Output]
  ) throws(ChatError) -> [Entry] {
    // Most of what comes is here already: the hash costs a hundredth of the signature.
    guard signed.entry.count <= ChatBounds.entry else { throw .wire(.tooLarge) }
    let hash = EntryHash(of: Array(signed.entry))
    if try takeBody(signed, of: hash, into: &outputs) { return [] }
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
        // What was let in before it may have taken its predecessor's place.
        guard entries[parent.hash] != nil else {
          shedWaiting(for: child.hash)
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
      try begin(with: entry, isKept: stage == .shown)
    } else if entry.previous == nil, stage != .shown, !beginsAsMember(entry) {
      // Every branch from the beginning on shows it, or one without could take the place of the one with.
      throw .notMember
    }
    let other = authors[entry.authorKey]!.contradiction(of: entry)
    if let other, equivocators.insert(entry.author).inserted {
      outputs.append(.misbehaviour(entry.author, .equivocation(other, entry.hash)))
    }
    let sponsor = authors[entry.authorKey]!.sponsor
    let branches = authors[entry.authorKey]!.branchCount
    let mayBranch = stage == .shown || branchRoom.isOpen(to: sponsor)
    let dropped = authors[entry.authorKey]!.insert(entry, mayBranch: mayBranch)
    guard let dropped else { throw .tooMany }
    if (1..<authors[entry.authorKey]!.branchCount).contains(branches) {
      branchRoom.take(for: sponsor)
    }
    entries[entry.hash] = Kept(entry: noteGap(entry), stage: stage)
    if case .delete(let targets) = entry.body { delete(targets, by: entry) }
    let hasRisen = judge(entry)
    countNew(entry, hasRisen: hasRisen, into: &outputs)
    evict(dropped, of: entry.authorKey, into: &outputs)
    version += 1
    latestSeen = max(latestSeen ?? entry.clock, entry.clock)
    updateTips(with: entry)
  }

  private mutating func updateTips(with entry: Entry) {
    for seen in entry.heads + [entry.previous].compactMap({ $0 }) {
      tips.remove(seen)
      if entries[seen] == nil, mentioned.count < ChatBounds.mentioned { mentioned.insert(seen) }
    }
    if mentioned.remove(entry.hash) == nil { tips.insert(entry.hash) }
  }
}
