import Admission
import Chat
import Foundation
import Foundations
import History
import Links
import SwiftProtobuf
import Testing
import Wire

@testable import Meeting

/// A whole meeting in this process, on loopback, a member that is removed, and one that passes its words
/// on all the same.
@Suite("A removed member's words", .serialized, .timeLimit(.minutes(2)))
struct RemovalTests {
  /// What `key` signs, whoever may hear it.
  private static func lines(
    _ bodies: [WireChatBody], by key: SigningKey, in meeting: MeetingID
  ) -> [Entry] {
    var log = ChatLog(meeting: meeting, key: key, stored: [])
    return bodies.compactMap { body in
      var outputs: [ChatLog.Output] = []
      log.handle(.compose(body, wall: HostClock().wallTime()), at: .zero, into: &outputs)
      guard case .commit(let entries)? = outputs.first else { return nil }
      log.handle(.committed(entries.map(\.id)), at: .zero, into: &outputs)
      return entries.first
    }
  }

  @Test("They count up to where its removal says, and the history and the next run know it")
  func counted() async throws {
    try await FileMeeting.run { meeting in
      let eve = try FileMember(grantedBy: meeting.genesis)
      let friend = try FileMember(grantedBy: meeting.genesis)
      let said = Self.lines(
        [
          .joined(name: "Eve", chain: eve.membership.chain), .text("before"), .text("on its way"),
          .text("afterwards"),
        ], by: eve.key, in: meeting.ticket.meeting)
      let give = { (entries: [Entry]) in
        let batch = WireChatBatch.with { $0.entries = entries.map(\.signed) }
        await meeting.session.drive(chat: .batch(batch, from: friend.id))
        await meeting.session.commitment?.value
      }
      await give(Array(said[...2]))
      let removal = try Revocation(
        of: eve.key.publicKey, by: meeting.parts.key, chain: meeting.ticket.chain,
        lastEntry: said[1].hash.bytes, standing: [], at: HostClock().wallTime())
      let news = try await friend.open(to: meeting.session, revoking: [removal.signed])
      #expect(await news.next() != nil)
      await give([said[3]])
      await meeting.session.say("done")
      await meeting.session.commitment?.value

      let shown = await meeting.journal.texts(until: "done")
      #expect(
        shown == ["before", "on its way", "done"], "shown before it was known, or not at all")
      let chat = await meeting.session.chat
      #expect(chat.counted.filter { $0.author == eve.id } == Array(said[...1]))
      #expect(chat.ordered.filter { $0.author == eve.id } == said, "kept, and passed on")

      let store = try HistoryStore(reading: meeting.directory + "/history.sqlite")
      let kept = try await store.messages(meeting: meeting.ticket.meeting, limit: 9)
      #expect(kept.map(\.text) == ["before", "done"])
      #expect(try await store.messages(search: "afterwards", limit: 9).isEmpty)
      #expect(
        try await store.hash(of: meeting.ticket.meeting) == HistoryHash.of(chat.counted))

      // As the next run begins, from what was kept.
      let removals = try #require(try await store.removals(of: meeting.ticket.meeting))
      let next = try MeetingSession(
        parts: meeting.parts, ticket: meeting.ticket,
        stored: try await store.entries(of: meeting.ticket.meeting), removals: removals,
        firstSteps: [], visible: nil, media: await meeting.session.media, events: EventChannel())
      await next.endLogs()
      #expect(await next.chat.counted.filter { $0.author == eve.id } == Array(said[...1]))
      #expect(
        await next.revocations.wireModerators.count == 1, "the host, whom others may not meet")
      #expect(throws: AdmissionError.removed(eve.id)) {
        try AdmittedMember(
          verifying: eve.membership, meeting: meeting.ticket.meeting,
          revocations: RevocationSet(genesisKey: meeting.ticket.chain.genesisKey, removals))
      }
      await eve.links.close()
      await friend.links.close()
    }
  }

  @Test(
    "Nobody makes up people, and only hosts and co-hosts tell of what they did for order's sake")
  func madeUp() async throws {
    try await FileMeeting.run { meeting in
      let eve = try FileMember(grantedBy: meeting.genesis)
      let id = meeting.ticket.meeting
      let give = { (entries: [Entry]) in
        let batch = WireChatBatch.with { $0.entries = entries.map(\.signed) }
        await meeting.session.drive(chat: .batch(batch, from: eve.id))
        await meeting.session.commitment?.value
      }
      let nobody = SigningKey(from: .system)
      let other = SigningKey(from: .system)
      let forged = GrantChain.issue(
        genesis: other, member: nobody.publicKey, role: .host, mayAdmit: true,
        at: HostClock().wallTime())
      // No grant, somebody else's, another meeting's, and no word of having joined.
      for chain in [WireGrantChain(), eve.membership.chain, forged.wire] {
        await give(
          Self.lines([.joined(name: "Ada", chain: chain), .text("I resign")], by: nobody, in: id))
      }
      await give(Self.lines([.text("I resign")], by: nobody, in: id))
      let removal = WireChatBody.moderation(
        Moderation(action: .removed, member: meeting.parts.me, reason: "x"))
      await give(
        Self.lines(
          [.joined(name: "Eve", chain: eve.membership.chain), removal, .text("hello")],
          by: eve.key, in: id))
      let cohost = SigningKey(from: .system)
      let promoted = GrantChain.issue(
        genesis: meeting.genesis, member: cohost.publicKey, role: .cohost, mayAdmit: true,
        at: HostClock().wallTime())
      await give(
        Self.lines(
          [
            .joined(name: "Cora", chain: promoted.wire),
            .moderation(Moderation(action: .loweredHand, member: eve.id, reason: "later")),
          ], by: cohost, in: id))
      await meeting.session.say("done")
      await meeting.session.commitment?.value

      let shown = await meeting.journal.texts(until: "done")
      #expect(shown.count == 3 && shown[0] == "hello" && shown[1].contains("lowered"))
      let store = try HistoryStore(reading: meeting.directory + "/history.sqlite")
      let kept = try await store.messages(meeting: id, attendance: true, limit: 99)
      #expect(Set(kept.map(\.name)) == ["Ada", "Eve", "Cora"])
      #expect(kept.filter { $0.kind == "moderation" }.map(\.name) == ["Cora"])
      #expect(!kept.contains { $0.text == "I resign" })
      #expect(await !meeting.session.chat.ordered.contains { $0.authorKey == nobody.publicKey })
      await eve.links.close()
    }
  }
}
