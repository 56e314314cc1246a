import Foundations

/// Entries that came before their predecessors.
extension ChatLog {
  /// How long an entry waits. Whoever has what comes before it sends that within seconds, and the entry
  /// with it; what nobody has may be made up.
  private static let patience = Duration.seconds(60)

  mutating func wait(_ one: Waiting, for previous: EntryHash) throws(ChatError) {
    let log = authors[one.entry.authorKey]
    let isKept = one.since == nil
    guard waitingHashes.count < ChatBounds.waiting,
      waitingByAuthor[one.entry.author, default: 0] < ChatBounds.waitingPerAuthor,
      log != nil || isKept || waitingUnbegun < ChatBounds.waitingUnbegun
    else { throw .tooMany }
    // Most likely it is of a branch that is refused, and would wait in vain. If it isn't, a batch
    // brings it after its predecessor.
    guard log?.isFull != true else { throw .tooMany }
    hold(one, for: previous)
  }

  private mutating func hold(_ one: Waiting, for previous: EntryHash) {
    waiting[previous, default: []].append(one)
    waitingHashes.insert(one.entry.hash)
    waitingByAuthor[one.entry.author, default: 0] += 1
    if authors[one.entry.authorKey] == nil { waitingUnbegun += 1 }
    if one.since != nil { awaitingCount += 1 }
  }

  mutating func release(waitingFor hash: EntryHash) -> [Waiting] {
    let released = waiting.removeValue(forKey: hash) ?? []
    for one in released {
      waitingHashes.remove(one.entry.hash)
      let left = waitingByAuthor[one.entry.author, default: 1] - 1
      waitingByAuthor[one.entry.author] = left > 0 ? left : nil
      if authors[one.entry.authorKey] == nil { waitingUnbegun -= 1 }
      if one.since != nil { awaitingCount -= 1 }
    }
    return released
  }

  /// It was refused, and with it all that would come after it.
  mutating func shedWaiting(for refused: EntryHash) {
    var refused = [refused]
    while let next = refused.popLast() {
      let released = release(waitingFor: next)
      shed(released)
      refused += released.map(\.entry.hash)
    }
  }

  mutating func shedWaiting(of author: PeerID) {
    guard waitingByAuthor[author] != nil else { return }
    shedWaiting { $0.entry.author == author }
  }

  mutating func expireWaiting(at now: Moment) {
    guard awaitingCount > 0 else { return }
    shedWaiting { one in one.since.map { now - $0 >= Self.patience } ?? false }
  }

  private mutating func shedWaiting(where isToGo: (Waiting) -> Bool) {
    for (previous, all) in waiting where all.contains(where: isToGo) {
      for one in release(waitingFor: previous) {
        if isToGo(one) { shed([one]) } else { hold(one, for: previous) }
      }
    }
  }

  private mutating func shed(_ dropped: [Waiting]) {
    statistics.shed += dropped.count
    // What was kept with a hole before it stays where it is, but for where nothing will fill that.
    evicted += dropped.lazy.filter { $0.since == nil }.map(\.entry).filter { entry in
      authors[entry.authorKey]?.isFull == true
    }
  }
}
