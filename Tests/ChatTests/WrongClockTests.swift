import Foundations
import Testing
import Wire

@testable import Chat

@Suite("Clocks that are off")
struct WrongClockTests {
  private static let wall = WallTime(milliseconds: 1_700_000_000_000)

  private static func peer(_ number: Int) -> PeerID {
    PeerID(publicKey: [UInt8](repeating: UInt8(number), count: 32))
  }

  private static func clock(_ seconds: Int64) -> HybridTime {
    HybridTime(milliseconds: wall.milliseconds + seconds * 1000)
  }

  @Test("Each member whose clock is off is named, and once only")
  func each() throws {
    var clocks = WrongClocks()
    let offs: [(seconds: Int64, told: String)] = [
      (86_400 * 800, "2 years ahead of"), (-86_400 * 400, "400 days behind"),
      (420, "7 minutes ahead of"), (-10_380, "3 hours behind"),
    ]
    for (number, off) in offs.enumerated() {
      let sentence = clocks.sentence(
        on: Self.peer(number), called: "c\(number)", saying: Self.clock(off.seconds),
        heard: Self.wall)
      #expect(try #require(sentence).hasPrefix("The clock of c\(number) is \(off.told) this"))
      #expect(!clocks.mayName(Self.peer(number)))
      let again = clocks.sentence(
        on: Self.peer(number), called: "c", saying: Self.clock(off.seconds), heard: Self.wall)
      #expect(again == nil)
    }
  }

  @Test("What the clocks show that are off is known from then on, and no time for others")
  func times() {
    var clocks = WrongClocks()
    let now = Self.wall + .seconds(3600)
    #expect(clocks.times(at: now) == [now])
    let offs: [Int64] = [0, -86_400 * 365, 7200]
    for (number, seconds) in offs.enumerated() {
      _ = clocks.sentence(
        on: Self.peer(number), called: "c", saying: Self.clock(seconds), heard: Self.wall)
    }
    #expect(
      clocks.times(at: now)
        == [now, now + .seconds(-86_400 * 365), now + .seconds(7200)])
  }

  @Test("A clock that is right now may be off later")
  func rightFirst() {
    var clocks = WrongClocks()
    func say(_ seconds: Int64) -> String? {
      clocks.sentence(
        on: Self.peer(1), called: "Ada", saying: Self.clock(seconds), heard: Self.wall)
    }
    #expect(say(200) == nil)
    #expect(say(1000) != nil)
  }

  @Test("Of a whole crowd whose clocks differ some are named, and that one's own may be wrong")
  func crowd() throws {
    var clocks = WrongClocks()
    let told = (1...100).compactMap {
      clocks.sentence(
        on: Self.peer($0), called: "c", saying: Self.clock(3600), heard: Self.wall)
    }
    #expect(told.count == WrongClocks.most)
    #expect(told.count { $0.contains("this computer's; no more") } == 1)
    #expect(try #require(told.last).contains("no more are named"))
  }
}
