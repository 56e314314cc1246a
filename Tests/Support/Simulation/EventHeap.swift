package import Foundations

/// Events in the order of their moments, and of their making where moments are equal.
///
/// Inlinable, as what runs it is specialised for its events: five times faster.
package struct EventHeap<Event> {
  @usableFromInline
  struct Entry {
    @usableFromInline let moment: Int64
    @usableFromInline let order: UInt64
    /// The event's place; apart from the entries, so that moving those about is cheap.
    @usableFromInline let slot: Int

    @inlinable
    init(moment: Int64, order: UInt64, slot: Int) {
      self.moment = moment
      self.order = order
      self.slot = slot
    }

    @inlinable
    static func < (left: Entry, right: Entry) -> Bool {
      left.moment == right.moment ? left.order < right.order : left.moment < right.moment
    }
  }

  @usableFromInline var entries: [Entry] = []
  @usableFromInline var events: [Event?] = []
  @usableFromInline var free: [Int] = []
  @usableFromInline var made: UInt64 = 0

  @inlinable
  package init() {}

  @inlinable
  package mutating func insert(_ event: Event, at moment: Moment) {
    let slot: Int
    if let last = free.popLast() {
      slot = last
      events[slot] = event
    } else {
      slot = events.count
      events.append(event)
    }
    entries.append(Entry(moment: moment.nanoseconds, order: made, slot: slot))
    made += 1
    var child = entries.count - 1
    while child > 0, entries[child] < entries[(child - 1) / 2] {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// The next, if it is due by `end`.
  @inlinable
  package mutating func popFirst(by end: Moment) -> (moment: Moment, event: Event)? {
    guard let first = entries.first, first.moment <= end.nanoseconds,
      let event = events[first.slot]
    else { return nil }
    events[first.slot] = nil
    free.append(first.slot)
    let last = entries.removeLast()
    if !entries.isEmpty {
      entries[0] = last
      sink()
    }
    return (Moment(nanoseconds: first.moment), event)
  }

  @inlinable
  mutating func sink() {
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
