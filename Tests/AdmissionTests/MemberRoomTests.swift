import Admission
import Foundations
import Testing

private func id(_ number: Int) -> PeerID {
  PeerID([UInt8](repeating: 0, count: 14) + [UInt8(number >> 8), UInt8(number & 0xFF)])!
}

/// - Parameter sponsor: its own where there is none.
@discardableResult
private func come(_ number: Int, of sponsor: Int? = nil, to room: inout MemberRoom) -> Bool {
  guard room.take(id(number), of: id(sponsor ?? number)) else { return false }
  room.note(id(number), isHere: true)
  return true
}

@Suite("The room for members")
struct MemberRoomTests {
  @Test("Members of sponsors of their own fill it to the last place")
  func honest() {
    var room = MemberRoom(places: 100)
    let taken = (0..<101).filter { come($0, to: &room) }
    #expect(taken == Array(0..<100) && room.expendable(for: id(100)) == nil)
    let again = come(7, to: &room)
    #expect(again, "who is known keeps its place")
  }

  @Test("However many one sponsor makes up, others find room", arguments: 1...4)
  func filled(sponsors: Int) {
    var room = MemberRoom(places: 100)
    for number in 0..<1000 {
      for sponsor in 0..<sponsors {
        come(1000 * (1 + sponsor) + number, of: sponsor, to: &room)
      }
    }
    let free = (0..<100).count { come(10_000 + $0, to: &room) }
    #expect((100 / (sponsors + 1) - sponsors...100 / (sponsors + 1) + sponsors).contains(free))
  }

  @Test("What was given back is there for others at once, and for the same again")
  func givenBack() {
    var room = MemberRoom(places: 100)
    for _ in 0..<3 {
      let taken = (0..<100).filter { come($0, of: 1000, to: &room) }
      #expect(taken.count == 50)
      for number in taken { room.giveBack(id(number)) }
      room.giveBack(id(0))
    }
  }

  @Test("Who is gone makes room: for its own sponsor's, and for whoever has nobody here")
  func gone() {
    var room = MemberRoom(places: 4)
    let two = (0..<3).filter { come($0, of: 9, to: &room) }
    #expect(two == [0, 1] && room.expendable(for: id(9)) == nil)
    for number in [1, 0] { room.note(id(number), isHere: false) }
    #expect(room.expendable(for: id(9)) == id(1))
    room.note(id(1), isHere: true)
    #expect(room.expendable(for: id(9)) == id(0))
    let others = (5..<8).filter { come($0, to: &room) }
    #expect(others == [5, 6] && room.expendable(for: id(7)) == id(0))
    room.giveBack(id(0))
    let last = come(7, to: &room)
    #expect(last)
  }
}
