import Chat
import Foundations
import History

/// One kind of change alone.
extension HistoryStore {
  func setCounted(_ hashes: [EntryHash], _ counts: Bool, at now: WallTime) throws(Failure) {
    var changes = HistoryChanges()
    for hash in hashes { changes.counted[hash] = counts }
    try keep(changes, at: now)
  }

  func restore(_ entry: Entry, at now: WallTime) throws(Failure) {
    var changes = HistoryChanges()
    changes.restored = [entry]
    try keep(changes, at: now)
  }

  func evict(_ hashes: [EntryHash], at now: WallTime) throws(Failure) {
    var changes = HistoryChanges()
    changes.evicted = Set(hashes)
    try keep(changes, at: now)
  }
}
