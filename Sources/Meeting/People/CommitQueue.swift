import Chat
import Foundations
import History

/// What is to be kept, and in which order.
///
/// A transaction waits for the disk, however little it holds: what has come meanwhile goes into the next
/// one together. One's own lines go first, and of each author only so many at a time: whoever floods the
/// meeting holds up nobody else, whatever becomes of its entries.
struct CommitQueue {
  typealias Work = @Sendable (HistoryStore, WallTime) async throws(Failure) -> Void

  enum Step {
    /// All or none.
    case keep(HistoryChanges)
    case work(Work)
  }

  private let me: PeerID
  private var entries: [Entry] = []
  private var waiting: Set<EntryHash> = []
  private var evicted: Set<EntryHash> = []
  private var restored: [EntryHash: Entry] = [:]
  private var counted: [EntryHash: Bool] = [:]
  private var works: [Work] = []
  /// What came of no transaction, to be tried again with whatever comes next: entries are offered again by
  /// and by.
  private var failed = HistoryChanges()

  /// Entries of a transaction: some ten milliseconds.
  static let mostAtOnce = 256
  static let mostOfAuthor = 64

  init(me: PeerID) {
    self.me = me
  }

  mutating func add(_ added: [Entry]) {
    recallFailed()
    entries += added
    waiting.formUnion(added.map(\.hash))
  }

  /// What is to be kept no longer, and needn't be if it isn't yet.
  mutating func evict(_ hashes: [EntryHash]) {
    recallFailed()
    if !waiting.isDisjoint(with: hashes) {
      let names = Set(hashes)
      entries.removeAll { names.contains($0.hash) }
      waiting.subtract(names)
    }
    evicted.formUnion(hashes)
    for hash in hashes { (restored[hash], counted[hash]) = (nil, nil) }
  }

  /// These changes, the last that ``next()`` returned, couldn't be made. What was decided meanwhile goes
  /// before them. The entries among them are whoever added them's to add again.
  mutating func fail(_ changes: HistoryChanges) {
    failed = changes
    failed.entries = []
    failed.restored.removeAll { evicted.contains($0.hash) || restored[$0.hash] != nil }
    failed.counted = failed.counted.filter { !evicted.contains($0.key) && counted[$0.key] == nil }
    if !entries.isEmpty || !evicted.isEmpty || !restored.isEmpty || !counted.isEmpty {
      recallFailed()
    }
  }

  private mutating func recallFailed() {
    evicted.formUnion(failed.evicted)
    for entry in failed.restored { restored[entry.hash] = entry }
    counted.merge(failed.counted) { newer, _ in newer }
    failed = HistoryChanges()
  }

  /// An entry with its body in the place of a gap.
  mutating func restore(_ entry: Entry) {
    recallFailed()
    if waiting.contains(entry.hash), let place = entries.firstIndex(of: entry) {
      entries[place] = entry
    } else {
      restored[entry.hash] = entry
    }
  }

  mutating func setCounted(_ hashes: [EntryHash], _ counts: Bool) {
    recallFailed()
    for hash in hashes { counted[hash] = counts }
  }

  /// - Parameter work: done as soon as may be, whatever entries wait.
  mutating func add(_ work: @escaping Work) {
    works.append(work)
  }

  /// The next to be done; `nil` when all is.
  mutating func next() -> Step? {
    guard works.isEmpty else { return .work(works.removeFirst()) }
    var (own, others, later): ([Entry], [Entry], [Entry]) = ([], [], [])
    var counts: [PeerID: Int] = [:]
    for entry in entries {
      if entry.author == me {
        own.append(entry)
      } else if others.count < Self.mostAtOnce, counts[entry.author, default: 0] < Self.mostOfAuthor
      {
        counts[entry.author, default: 0] += 1
        others.append(entry)
      } else {
        later.append(entry)
      }
    }
    entries = later
    waiting = Set(later.map(\.hash))
    var changes = HistoryChanges()
    changes.evicted = evicted
    changes.restored = Array(restored.values)
    changes.entries = own + others
    // There would be nothing yet to mark of those that come later.
    changes.counted = counted.filter { !waiting.contains($0.key) }
    counted = counted.filter { waiting.contains($0.key) }
    (evicted, restored) = ([], [:])
    return changes.isEmpty ? nil : .keep(changes)
  }
}
