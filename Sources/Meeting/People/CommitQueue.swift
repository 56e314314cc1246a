import Chat
import Foundations
import History

/// What is to be kept, and in which order.
///
/// A transaction waits for the disk, however little it holds: what has come meanwhile goes into the next
/// one together. One's own lines go first, and of each author only so many at a time: whoever floods the
/// meeting holds up nobody else.
struct CommitQueue {
  typealias Work = @Sendable (HistoryStore, WallTime) async throws(Failure) -> Void

  enum Step {
    /// All or none, in this order.
    case append([Entry])
    case work(Work)
  }

  /// Entries, and what is to be done once they are kept.
  private struct Section {
    var entries: [Entry] = []
    var work: Work?
  }

  private let me: PeerID
  private var sections: [Section] = []

  /// Entries of a transaction: some ten milliseconds.
  static let mostAtOnce = 256
  static let mostOfAuthor = 64

  init(me: PeerID) {
    self.me = me
  }

  mutating func add(_ entries: [Entry]) {
    if sections.last?.work != nil || sections.isEmpty { sections.append(Section()) }
    sections[sections.count - 1].entries += entries
  }

  /// - Parameter work: done after all that was added before, which it is about.
  mutating func add(_ work: @escaping Work) {
    if sections.last?.work != nil || sections.isEmpty { sections.append(Section()) }
    sections[sections.count - 1].work = work
  }

  /// The next to be done; `nil` when all is.
  mutating func next() -> Step? {
    guard let section = sections.first else { return nil }
    guard !section.entries.isEmpty else {
      sections.removeFirst()
      return section.work.map { .work($0) } ?? next()
    }
    var (own, others, later): ([Entry], [Entry], [Entry]) = ([], [], [])
    var counts: [PeerID: Int] = [:]
    for entry in section.entries {
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
    sections[0].entries = later
    return .append(own + others)
  }
}
