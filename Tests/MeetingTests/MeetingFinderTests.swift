import Admission
import Foundations
import Testing
import Wire

@testable import History
@testable import Meeting

@Suite("Finding a meeting again")
struct MeetingFinderTests {
  /// 2026-01-01T00:00:00Z.
  private static let left = WallTime(milliseconds: 1_767_225_600_000)
  private static let day = Duration.seconds(86_400)
  private let here = [NetworkAddress(host: "192.0.2.1", port: 4455)]

  private static func recent(_ title: String, saidAt said: WallTime? = nil) -> RecentMeeting {
    let genesis = SigningKey(from: .system)
    return RecentMeeting(
      id: MeetingID(publicKey: genesis.publicKey), genesisKey: genesis.publicKey, title: title,
      lastSeen: left, lastSaid: said, chain: .init(), members: [])
  }

  private static func tag(of meeting: RecentMeeting, at time: WallTime) -> String {
    MeetingTag(genesisKey: meeting.genesisKey).advertised(at: time)
  }

  @Test("The tag of this hour is recognised at once")
  func rightClock() {
    let recent = [Self.recent("A"), Self.recent("B")]
    var finder = MeetingFinder(recent)
    let now = Self.left + Self.day * 30
    #expect(finder.take(Self.tag(of: Self.recent("C"), at: now), at: [], now: now) == nil)
    let finding = finder.take(Self.tag(of: recent[1], at: now), at: here, now: now)
    #expect(finding?.meeting.title == "B")
    #expect(finding?.addresses == here)
  }

  @Test(
    "With a clock a year back or at its beginning a meeting is found once nobody is by the clock",
    arguments: [left + day * -365, WallTime(milliseconds: 1_000_000)])
  func ownClock(now: WallTime) {
    let recent = [Self.recent("A"), Self.recent("B")]
    var finder = MeetingFinder(recent)
    let rightTime = Self.left + Self.day * 7
    for (meeting, addresses) in [(Self.recent("C"), []), (recent[1], here)] {
      let tag = Self.tag(of: meeting, at: rightTime)
      #expect(finder.take(tag, at: addresses, now: now) == nil)
    }
    let finding = finder.findDespiteClocks()
    #expect(finding?.meeting.title == "B")
    #expect(finding?.addresses == here)
    let note = MeetingFinder.clockNote(for: recent[0], now: now)
    #expect(note.contains("set it"))
    #expect(note.contains("2026-01-01T00:00:00Z"))
  }

  @Test("A host whose clock has begun anew is found by whoever has the right time")
  func hostsClock() {
    let recent = [Self.recent("A")]
    var finder = MeetingFinder(recent)
    let now = Self.left + Self.day * 7
    let tag = Self.tag(of: recent[0], at: WallTime(milliseconds: 3_600_000 * 30))
    #expect(finder.take(tag, at: here, now: now) == nil)
    #expect(finder.findDespiteClocks()?.addresses == here)
    #expect(MeetingFinder.clockNote(for: recent[0], now: now).isEmpty)
  }

  @Test("Who always had a wrong clock goes by what the others said")
  func lastSaid() {
    let others = Self.left + Self.day * 3000
    let recent = [Self.recent("A", saidAt: others)]
    var finder = MeetingFinder(recent)
    let now = Self.left + Self.day
    #expect(finder.take(Self.tag(of: recent[0], at: others + Self.day), at: here, now: now) == nil)
    #expect(finder.findDespiteClocks()?.addresses == here)
    #expect(!MeetingFinder.clockNote(for: recent[0], now: now).isEmpty)
  }

  @Test("However many strangers advertise, so many of their tags are held and nobody is found")
  func strangers() {
    var finder = MeetingFinder([Self.recent("A")])
    for number in 0..<1000 {
      #expect(finder.take("\(number)", at: here, now: Self.left) == nil)
    }
    #expect(finder.findDespiteClocks() == nil)
  }
}
