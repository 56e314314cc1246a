import Admission
import Capture
import Foundation
import Foundations
import Links
import Roster
import Signalling
import Testing
import Wire

@testable import Meeting

extension MeetingSession {
  /// With fewer places than a meeting has.
  fileprivate func use(_ room: MemberRoom) { self.room = room }
}

/// A whole meeting in this process, on loopback, and one of its members that admits others that aren't.
@Suite("Made-up members", .serialized, .timeLimit(.minutes(3)))
struct MadeUpTests {
  @Test("Of hundreds with media few are called, and whoever comes after them is at once")
  func calls() async throws {
    try await FileMeeting.run { meeting in
      let sponsor = try Sponsor(grantedBy: meeting.genesis)
      let made = try (0..<200).map { try sponsor.makeUp($0).frame.wire }
      let before = try Self.openFiles()
      let stream = try await sponsor.link(to: meeting.session)
      for frame in made { stream.send(frame) }
      _ = await meeting.journal.joined(as: "Made up 100")
      var options = MeetingOptions(name: "Ben", dataDirectory: meeting.directory + "/ben")
      options.interfaces = ["lo"]
      options.camera = .pattern(seed: 1)
      options.video = VideoSettings(width: 320, height: 180)
      let link = await meeting.journal.link()
      let honest = try await MeetingSession.join(invite: link, options: options)
      await meeting.journal.connected(to: honest.parts.me)
      // With the sponsor itself, which has a link.
      let calls = await meeting.session.signalling.count
      #expect(calls <= 2 + 2 * CallBook.mostTriedOfSponsor)
      // Of both members of this process, links and databases too.
      #expect(try Self.openFiles() - before < 100)
      await honest.leave()
      stream.close()
      await sponsor.links.close()
    }
  }

  @Test("A sponsor gets its share of the places and no more, and gives all back when it is removed")
  func places() async throws {
    try await FileMeeting.run { meeting in
      await meeting.session.use(MemberRoom(places: 40))
      let sponsor = try Sponsor(grantedBy: meeting.genesis)
      let made = try (0..<60).map { try sponsor.makeUp($0) }
      let stream = try await sponsor.link(to: meeting.session)
      for one in made { stream.send(one.frame.wire) }
      _ = await meeting.journal.joined(as: "Made up 18")
      // What comes on the same link afterwards was read after all of them.
      let other = try Sponsor(grantedBy: meeting.genesis, named: "Ben")
      stream.send(try other.broadcast().wire)
      _ = await meeting.journal.joined(as: "Ben")
      let held = await meeting.session.admitted.values.count { $0.chain.sponsor == sponsor.id }
      #expect(held == 20, "half of the places, its own among them")
      _ = try await other.link(to: meeting.session)

      let removal = try Revocation(
        of: sponsor.key.publicKey, by: meeting.parts.key, chain: meeting.ticket.chain,
        lastEntry: nil, standing: [], at: HostClock().wallTime())
      let friend = try FileMember(grantedBy: meeting.genesis)
      _ = try await friend.connect(to: meeting.session, revoking: [removal.signed])
      #expect(await Set(meeting.session.admitted.keys) == [other.id])
      #expect(await meeting.session.roster.people.map(\.record.name) == ["Ada", "Ben"])
      #expect(await meeting.session.admitters == [meeting.parts.me, other.id])
      await friend.links.close()
      await other.links.close()
      await sponsor.links.close()
    }
  }

  private static func openFiles() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
  }
}
