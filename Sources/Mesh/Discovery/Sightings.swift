import Foundations

/// An address family, and with it one of the two protocols that mDNS speaks.
enum AddressFamily: Hashable, Sendable {
  case ipv4, ipv6
}

/// Where something is heard: one network interface, one protocol on it.
struct Place: Hashable, Sendable {
  /// The kernel's number of the interface, from 1.
  let interface: Int32
  let family: AddressFamily
}

/// One service at one place. The same service is heard once on each interface and protocol.
struct Item: Hashable, Sendable {
  let label: String
  let place: Place
}

/// What is known of the services around, and what of it is news.
struct Sightings: Sendable {
  private struct Entry {
    /// What was last told of it.
    var told: Found
    /// Whether it was seen since the last ``startOver()``.
    var isFresh = true
  }

  /// Only services that had an address at some time, and were told of.
  private var entries: [Item: Entry] = [:]

  /// Takes in what a service says of itself now. While it has no address it is no news: an address
  /// that changes is gone for a moment.
  mutating func see(_ item: Item, as found: Found) -> [DiscoveryEvent] {
    guard !found.addresses.isEmpty else { return [] }
    let known = entries[item]?.told
    entries[item] = Entry(told: found)
    return found == known ? [] : [.found(found)]
  }

  /// Takes in that an item is no longer there. Only the last item of a label is news.
  mutating func lose(_ item: Item) -> [DiscoveryEvent] {
    guard entries.removeValue(forKey: item) != nil,
      !entries.keys.contains(where: { $0.label == item.label })
    else { return [] }
    return [.lost(label: item.label)]
  }

  /// Marks everything as unconfirmed: another responder begins to listen.
  mutating func startOver() {
    for item in entries.keys { entries[item]?.isFresh = false }
  }

  /// Gives up what wasn't seen again since ``startOver()``.
  mutating func giveUpStale() -> [DiscoveryEvent] {
    entries.filter { !$0.value.isFresh }.keys
      .sorted { ($0.label, $0.place.interface) < ($1.label, $1.place.interface) }
      .flatMap { lose($0) }
  }
}
