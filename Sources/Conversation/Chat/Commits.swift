import Foundations

/// What became of entries that were handed over to be kept.
extension ChatLog {
  mutating func committed(
    _ ids: [EntryID], at now: Moment, into outputs: inout [Output]
  ) {
    for id in ids {
      if outstanding.first?.id == id {
        publishOwn(at: now, into: &outputs)
      } else if let hash = answered(id) {
        store(hash, into: &outputs)
      }
    }
    commitOwn(into: &outputs)
  }

  mutating func notCommitted(
    _ ids: [EntryID], at now: Moment, into outputs: inout [Output]
  ) {
    for id in ids {
      if outstanding.first?.id == id {
        unsaved.append(outstanding[0].hash)
        publishOwn(at: now, into: &outputs)
      } else if let hash = answered(id) {
        unsaved.append(hash)
        store(hash, into: &outputs)
      }
    }
    commitOwn(into: &outputs)
    exchangeRetry(at: now)
  }

  private mutating func answered(_ id: EntryID) -> EntryHash? {
    committingOwn.remove(id)
    return committing.removeValue(forKey: id)
  }

  /// Shows the entry, and those that waited for it to be shown.
  mutating func store(_ hash: EntryHash, into outputs: inout [Output]) {
    guard let kept = entries[hash], kept.stage == .taken else { return }
    entries[hash]?.stage = .stored
    if let previous = kept.entry.previous, entries[previous]?.stage.isThrough != true {
      heldBack[previous, default: []].append(hash)
      return
    }
    var showing = [hash]
    while let next = showing.popLast() {
      guard let entry = entries[next]?.entry else { continue }
      let isShown = counts(entry)
      entries[next]?.stage = isShown ? .shown : .passedOver
      if isShown { outputs.append(.show(entry)) }
      showing += heldBack.removeValue(forKey: next) ?? []
    }
  }

  /// Offers again what couldn't be kept.
  mutating func commitUnsaved(into outputs: inout [Output]) {
    let again = unsaved.prefix(ChatBounds.batchEntries).compactMap { entries[$0]?.entry }
    unsaved.removeFirst(min(unsaved.count, ChatBounds.batchEntries))
    commit(again, into: &outputs)
  }

  /// Says of those handed over which count for nothing.
  func discount(_ entries: [Entry], into outputs: inout [Output]) {
    let uncounted = entries.filter { !counts($0) }.map(\.hash)
    if !uncounted.isEmpty { outputs.append(.discount(uncounted)) }
  }

  /// Hands over what was taken, but for what had to make room again.
  mutating func commit(_ taken: [Entry], into outputs: inout [Output]) {
    let taken = taken.compactMap { entries[$0.hash]?.entry }
    guard !taken.isEmpty else { return }
    note(committing: taken)
    outputs.append(.commit(taken))
    discount(taken, into: &outputs)
  }

  private mutating func note(committing taken: [Entry]) {
    for entry in taken {
      committing[entry.id] = entry.hash
      if entry.author == me { committingOwn.insert(entry.id) }
    }
  }

  /// What couldn't be kept of one's own log, to be handed over with what comes after it.
  mutating func takeUnsavedOwn() -> [Entry] {
    let own = unsaved.compactMap { entries[$0]?.entry }.filter { $0.author == me }
    guard !own.isEmpty else { return [] }
    let names = Set(own.map(\.hash))
    unsaved.removeAll { names.contains($0) }
    note(committing: own)
    return own
  }
}
