import Foundations

/// Events in the order of their moments, and of their making where moments are equal.
struct EventHeap<Event> {
  private struct Entry {
    let moment: Int64
    let order: Int

    static func < (left: Entry, right: Entry) -> Bool {
      left.moment == right.moment ? left.order < right.order : left.moment < right.moment
    }
  }

  private var entries: [Entry] = []
  /// By order; apart from the entries, so that moving those about is cheap.
  private var events: [Int: Event] = [:]
  private var made = 0

  var nextMoment: Moment? { entries.first.map { Moment(nanoseconds: $0.moment) } }

  mutating func insert(_ event: Event, at moment: Moment) {
    entries.append(Entry(moment: moment.nanoseconds, order: made))
    events[made] = event
    made += 1
    var child = entries.count - 1
    while child > 0, entries[child] < entries[(child - 1) / 2] {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func popFirst() -> (moment: Moment, event: Event)? {
    guard let first = entries.first, let event = events.removeValue(forKey: first.order) else {
      return nil
    }
    let last = entries.removeLast()
    if !entries.isEmpty {
      entries[0] = last
      sink()
    }
    return (Moment(nanoseconds: first.moment), event)
  }

  private mutating func sink() {
    var parent = 0
    while 2 * parent + 1 < entries.count {
      var child = 2 * parent + 1
      if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
      guard entries[child] < entries[parent] else { return }
      entries.swapAt(child, parent)
      parent = child
    }
  }
}
