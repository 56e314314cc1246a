import Capture
import Foundation
import Foundations
import Links
import Signalling
import Testing
import Wire

@testable import Meeting

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

  private static func openFiles() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
  }
}
