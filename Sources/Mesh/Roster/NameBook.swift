import Foundations
import Wire

/// Gives each member a name of its own, and keeps it for the member's return.
struct NameBook: Sendable {
  private struct Entry: Sendable {
    /// As the member calls itself.
    let name: String
    let displayName: String
  }

  private var entries: [PeerID: Entry] = [:]
  /// In the order of meeting, for forgetting.
  private var order: [PeerID] = []
  private var names = DistinctNames()
  /// Members remembered: twice the roster's limit, so that there is always somebody to forget who
  /// isn't here. Those met first are forgotten first.
  private let limit: Int

  init(limit: Int) {
    self.limit = limit * 2
  }

  func known(_ id: PeerID) -> String? { entries[id]?.displayName }

  mutating func displayName(
    for record: MemberRecord, keeping isHere: (PeerID) -> Bool
  ) -> String {
    if let entry = entries[record.id] {
      if entry.name == record.name { return entry.displayName }
      forget(record.id)
    }
    if order.count >= limit, let oldest = order.first(where: { !isHere($0) }) { forget(oldest) }
    let name = names.take(record.name)
    entries[record.id] = Entry(name: record.name, displayName: name)
    order.append(record.id)
    return name
  }

  private mutating func forget(_ id: PeerID) {
    guard let entry = entries.removeValue(forKey: id) else { return }
    names.release(entry.displayName)
    order.removeAll { $0 == id }
  }
}
