import Foundations
import Roster
import Testing
import Wire

@Suite("The roster")
struct RosterTests {
  private func record(_ number: Int, _ name: String, issued: Int64 = 1) -> MemberRecord {
    let secret = (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    let key = try! SigningKey(secret: secret + [UInt8](repeating: 1, count: 28))
    return try! MemberRecord(
      key: key, name: name, certificateFingerprint: digest([1]), sealingKey: digest([2]),
      addresses: [], capabilities: [], issued: WallTime(milliseconds: issued))
  }

  private func makeRoster() -> Roster {
    Roster(me: record(0, "Ada"), role: .host, at: .zero)
  }

  @Test("One is in one's own roster from the start, and can't be taken out of it")
  func containsMe() {
    var roster = makeRoster()
    #expect(roster.people.map(\.displayName) == ["Ada"])
    #expect(roster[roster.me]?.isMe == true)
    #expect(roster.remove(roster.me, because: .removed) == nil)
  }

  @Test("Members of one name are told apart by numbers")
  func numbersNames() {
    var roster = makeRoster()
    _ = roster.update(record(1, "Ada"), role: .member, at: .zero)
    _ = roster.update(record(2, "ada"), role: .member, at: .zero)
    _ = roster.update(record(3, "Ada (2)"), role: .member, at: .zero)
    #expect(roster.people.map(\.displayName) == ["Ada", "Ada (2)", "ada (3)", "Ada (2) (2)"])
    _ = roster.update(record(4, "A\u{200D}da"), role: .member, at: .zero)
    #expect(
      roster.people.last?.displayName == "A\u{200D}da (4)")
    #expect(roster.people(named: "ADA").map(\.id) == [roster.me])
    #expect(roster.people(named: "ada (3)").map(\.displayName) == ["ada (3)"])
  }

  @Test("Who returns is called as before, and nobody else is meanwhile")
  func keepsNames() throws {
    var roster = makeRoster()
    let second = record(1, "Ada")
    let joined = roster.update(second, role: .member, at: .zero)
    #expect(joined == [.joined(try #require(roster[second.id]))])
    let left = roster.remove(second.id, because: .lost)
    guard case .left(let person, .lost)? = left else {
      Issue.record("nobody left")
      return
    }
    #expect(person.displayName == "Ada (2)")
    #expect(roster.displayName(of: second.id) == "Ada (2)")
    _ = roster.update(record(2, "Ada"), role: .member, at: .zero)
    let later = Moment(nanoseconds: 9)
    _ = roster.update(second, role: .member, at: later)
    #expect(roster[second.id]?.displayName == "Ada (2)")
    #expect(roster[second.id]?.since == later)
    #expect(roster[record(2, "Ada").id]?.displayName == "Ada (3)")
  }

  @Test("A new name or role is told once; an older record changes nothing")
  func changes() {
    var roster = makeRoster()
    let id = record(1, "Bob").id
    _ = roster.update(record(1, "Bob", issued: 5), role: .member, at: .zero)
    #expect(roster.update(record(1, "Bob", issued: 5), role: .member, at: .zero).isEmpty)
    let renamed = roster.update(record(1, "Robert", issued: 6), role: .cohost, at: .zero)
    #expect(renamed == [.renamed(roster[id]!, from: "Bob"), .promoted(roster[id]!, from: .member)])
    #expect(roster.update(record(1, "Bob", issued: 5), role: .member, at: .zero).isEmpty)
    #expect(roster[id]?.displayName == "Robert")
  }

  @Test("Those after somebody who left are still found")
  func keepsIndex() {
    var roster = makeRoster()
    let records = (1...5).map { record($0, "Somebody") }
    for one in records { _ = roster.update(one, role: .member, at: .zero) }
    _ = roster.remove(records[1].id, because: .left)
    #expect(roster.remove(records[1].id, because: .left) == nil)
    #expect(roster.count == 5)
    for one in records where one.id != records[1].id { #expect(roster[one.id]?.record == one) }
  }
}
