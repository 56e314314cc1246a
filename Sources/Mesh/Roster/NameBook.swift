import Foundation
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
  /// Who has which display name.
  private var holders: [String: PeerID] = [:]
  /// The number to try next for a name, so that a crowd of one name isn't counted anew each time.
  private var nextNumber: [String: Int] = [:]
  /// Members remembered: twice the roster's limit, so that there is always somebody to forget who
  /// isn't here. Those met first are forgotten first.
  private let limit: Int

  init(limit: Int) {
    self.limit = limit * 2
  }

  /// Two names with one key look alike in a list: case and compatibility forms (the full-width "Ａ")
  /// don't tell people apart, nor does what isn't seen, as joiners. Look-alikes of other scripts do here.
  static func key(_ name: String) -> String {
    var seen = String.UnicodeScalarView()
    for scalar in name.unicodeScalars where !scalar.properties.isDefaultIgnorableCodePoint {
      seen.append(scalar)
    }
    return String(seen).precomposedStringWithCompatibilityMapping.lowercased()
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
    let name = free(record.name)
    entries[record.id] = Entry(name: record.name, displayName: name)
    order.append(record.id)
    holders[Self.key(name)] = record.id
    return name
  }

  private mutating func free(_ name: String) -> String {
    guard holders[Self.key(name)] != nil else { return name }
    var number = nextNumber[Self.key(name)] ?? 2
    while holders[Self.key("\(name) (\(number))")] != nil { number += 1 }
    nextNumber[Self.key(name)] = number + 1
    return "\(name) (\(number))"
  }

  private mutating func forget(_ id: PeerID) {
    guard let entry = entries.removeValue(forKey: id) else { return }
    holders[Self.key(entry.displayName)] = nil
    order.removeAll { $0 == id }
    if holders.isEmpty { nextNumber = [:] }
  }
}
