package import Foundations
package import Wire

/// Who is here, and how each is called.
///
/// A name on the screen stands for one person: of two members who call themselves Ada the second is
/// shown as "Ada (2)", for as long as this member takes part, even while one of them is away. Others
/// may have met them in another order and number them differently.
package struct Roster: Sendable {
  package struct Person: Hashable, Sendable {
    package let record: MemberRecord
    /// Unlike every other's, here or gone.
    package let displayName: String
    package let role: WireRole
    /// When it came, the last time.
    package let since: Moment
    package let isMe: Bool

    package var id: PeerID { record.id }
  }

  package enum Change: Hashable, Sendable {
    case joined(Person)
    /// What there was to know of somebody who isn't here any more.
    case left(Person, Absence)
    case renamed(Person, from: String)
    case promoted(Person, from: WireRole)
  }

  /// Why somebody isn't here any more.
  package enum Absence: String, Hashable, Sendable {
    case left
    case lost
    case removed
  }

  /// People here, and names remembered: the size of meeting that Virtue is made for.
  package static let limit = 10_000

  /// In the order in which they came.
  package private(set) var people: [Person]
  package let me: PeerID
  private var index: [PeerID: Int]
  private var names: NameBook

  package init(me record: MemberRecord, role: WireRole, at now: Moment) {
    names = NameBook(limit: Self.limit)
    me = record.id
    let name = names.displayName(for: record) { _ in true }
    people = [
      Person(record: record, displayName: name, role: role, since: now, isMe: true)
    ]
    index = [record.id: 0]
  }

  package subscript(id: PeerID) -> Person? {
    index[id].map { people[$0] }
  }

  package var count: Int { people.count }

  /// The people who are shown under `name`, however it is written in upper and lower case; several only
  /// for a name before its number.
  package func people(named name: String) -> [Person] {
    let wanted = DistinctNames.key(name)
    let exact = people.filter { DistinctNames.key($0.displayName) == wanted }
    return exact.isEmpty ? people.filter { DistinctNames.key($0.record.name) == wanted } : exact
  }

  /// What this member has been called, here or gone; `nil` for somebody never met.
  package func displayName(of id: PeerID) -> String? {
    self[id]?.displayName ?? names.known(id)
  }

  /// Somebody is here, or what is known of somebody here has changed.
  ///
  /// - Returns: what that changes; nothing when all was known, or when the roster is full.
  package mutating func update(
    _ record: MemberRecord, role: WireRole, at now: Moment
  ) -> [Change] {
    guard let place = index[record.id] else {
      guard people.count < Self.limit else { return [] }
      let person = Person(
        record: record, displayName: takeName(for: record), role: role, since: now, isMe: false)
      index[record.id] = people.count
      people.append(person)
      return [.joined(person)]
    }
    let old = people[place]
    guard record.issued >= old.record.issued else { return [] }
    let person = Person(
      record: record, displayName: takeName(for: record), role: role, since: old.since,
      isMe: old.isMe)
    people[place] = person
    var changes: [Change] = []
    if person.displayName != old.displayName {
      changes.append(.renamed(person, from: old.displayName))
    }
    if person.role != old.role { changes.append(.promoted(person, from: old.role)) }
    return changes
  }

  private mutating func takeName(for record: MemberRecord) -> String {
    let index = index
    return names.displayName(for: record) { index[$0] != nil }
  }

  /// Somebody isn't here any more. This member itself always is.
  package mutating func remove(_ id: PeerID, because absence: Absence) -> Change? {
    guard id != me, let place = index[id] else { return nil }
    let person = people.remove(at: place)
    index[id] = nil
    for later in place..<people.count { index[people[later].id] = later }
    return .left(person, absence)
  }
}
