import Foundations

/// What went over a link in batches a moment ago. Nothing goes again before it can have arrived, whatever
/// the other says meanwhile that it has: a telling is small and a batch isn't.
struct Pushed: Sendable {
  /// Bounded by what goes in two moments.
  private var pushedAt: [EntryHash: Moment] = [:]
  private var since: Moment?
  private var batches = 0

  /// Whether these may go now; notes them if so.
  mutating func admit(_ entries: [Entry], at now: Moment) -> Bool {
    if since.map({ now - $0 >= Exchange.patience }) ?? true {
      since = now
      batches = 0
      pushedAt = pushedAt.filter { now - $0.value < Exchange.patience }
    }
    let isRepeated = entries.contains { entry in
      pushedAt[entry.hash].map { now - $0 < Exchange.patience } ?? false
    }
    guard !isRepeated, batches < ChatBounds.batchesAtOnce else { return false }
    batches += 1
    for entry in entries { pushedAt[entry.hash] = now }
    return true
  }
}
