import Foundations
import Wire

/// Checking entries, and putting them in their places.
extension ChatLog {
  /// How many were taken.
  mutating func take(
    _ signed: [WireSignedEntry], from peer: PeerID, into outputs: inout [Output]
  ) -> Int {
    var invalid = 0
    var reason = ChatError.tooMany
    let before = entries.count
    var fresh: [Entry] = []
    for signed in signed.prefix(ChatBounds.batchEntries) {
      do {
        fresh += try check(signed, into: &outputs)
      } catch .tooMany {
        statistics.shed += 1
      } catch {
        invalid += 1
        reason = error
      }
    }
    statistics.invalid += invalid
    if invalid > 0 { outputs.append(.misbehaviour(peer, .invalidEntries(invalid, reason))) }
    commit(fresh, into: &outputs)
    return entries.count - before
  }

  private mutating func check(
    _ signed: WireSignedEntry, into outputs: inout [Output]
  ) throws(ChatError) -> [Entry] {
    // Most of what comes is here already: the hash costs a hundredth of the signature.
    guard signed.entry.count <= ChatBounds.entry else { throw .wire(.tooLarge) }
    let hash = EntryHash(of: Array(signed.entry))
    guard entries[hash] == nil, !waitingHashes.contains(hash),
      !outstanding.contains(where: { $0.hash == hash })
    else { return [] }
    let entry = try Entry(verifying: signed, meeting: meeting)
    return try take(entry, stage: .taken, into: &outputs)
  }

  /// Takes the entry, and those that waited for it; or lets it wait for its predecessor.
  mutating func take(
    _ entry: Entry, stage: Stage, into outputs: inout [Output]
  ) throws(ChatError) -> [Entry] {
    if let previous = entry.previous {
      guard let kept = entries[previous] else {
        try wait(entry, for: previous)
        return []
      }
      guard entry.follows(kept.entry) else { throw .brokenChain }
    }
    try insert(entry, stage: stage, into: &outputs)
    var taken = [entry]
    var next = 0
    while next < taken.count {
      let parent = taken[next]
      next += 1
      for child in release(waitingFor: parent.hash) {
        guard child.follows(parent) else {
          statistics.invalid += 1
          continue
        }
        do {
          try insert(child, stage: .taken, into: &outputs)
          taken.append(child)
        } catch {
          statistics.shed += 1
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

  private mutating func wait(_ entry: Entry, for previous: EntryHash) throws(ChatError) {
    // Most likely it is of a branch that is refused, and would wait without end. If it isn't, a batch
    // brings it after its predecessor.
    guard authors[entry.authorKey]?.isFull != true else { throw .tooMany }
    guard waitingHashes.count < ChatBounds.waiting,
      waitingByAuthor[entry.author, default: 0] < ChatBounds.waitingPerAuthor
    else { throw .tooMany }
    waiting[previous, default: []].append(entry)
    waitingHashes.insert(entry.hash)
    waitingByAuthor[entry.author, default: 0] += 1
  }

  private mutating func shedWaiting(of author: PeerID) {
    guard waitingByAuthor[author] != nil else { return }
    for (previous, children) in waiting where children.contains(where: { $0.author == author }) {
      statistics.shed += release(waitingFor: previous).count
    }
  }

  private mutating func release(waitingFor hash: EntryHash) -> [Entry] {
    let released = waiting.removeValue(forKey: hash) ?? []
    for entry in released {
      waitingHashes.remove(entry.hash)
      let left = waitingByAuthor[entry.author, default: 1] - 1
      waitingByAuthor[entry.author] = left > 0 ? left : nil
    }
    return released
  }
}
