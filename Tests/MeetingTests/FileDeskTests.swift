import Admission
import Files
import Foundation
import Foundations
import Links
import Testing
import Wire

@testable import Meeting

@Suite("Files between members", .serialized, .timeLimit(.minutes(1)))
struct FileDeskTests {
  @Test("Who has no grant, or another meeting's, is given no chunk and told nothing")
  func foreigner() async throws {
    try await FileMeeting.run { meeting in
      let (_, _, root) = try await meeting.sendPlan(ofChunks: 2)
      let foreigner = try FileMember(grantedBy: SigningKey(from: .system))
      let stream = try await foreigner.open(to: meeting.session)
      stream.send(.request(root: root, chunk: 0))
      #expect(await stream.next() == nil)
      #expect(await meeting.session.files.streams.isEmpty)
      await foreigner.links.close()
    }
  }

  @Test("A removed member's stream ends at once, and it gets no other")
  func removed() async throws {
    try await FileMeeting.run { meeting in
      let (content, _, root) = try await meeting.sendPlan(ofChunks: 2)
      let member = try FileMember(grantedBy: meeting.genesis)
      let stream = try await member.connect(to: meeting.session)
      stream.send(.request(root: root, chunk: 1))
      let given = try await stream.next { if case .chunk = $0 { true } else { false } }
      #expect(given == .chunk(root: root, chunk: 1, content[1]))

      // Another member brings the news.
      let chain = meeting.ticket.chain
      let removal = try Revocation(
        of: member.key.publicKey, by: meeting.parts.key, chain: chain, lastEntry: [],
        standing: [], at: HostClock().wallTime())
      let other = try FileMember(grantedBy: meeting.genesis)
      let news = try await other.open(to: meeting.session, revoking: [removal.signed])
      #expect(await news.next() != nil)
      while let bytes = await stream.next() {
        let message = try FileMessage(bytes)
        if case .chunk = message { Issue.record("a chunk for who was removed") }
      }
      let again = try await member.open(to: meeting.session)
      again.send(.request(root: root, chunk: 0))
      #expect(await again.next() == nil)
      await member.links.close()
      await other.links.close()
    }
  }

  @Test("A member whose removal is void is given files again, like any other")
  func reinstated() async throws {
    try await FileMeeting.run { meeting in
      let (content, _, root) = try await meeting.sendPlan(ofChunks: 2)
      let files = await meeting.session.files
      let member = try FileMember(grantedBy: meeting.genesis)
      let stream = try await member.connect(to: meeting.session)
      stream.send(.request(root: root, chunk: 0))
      _ = try await stream.next { if case .chunk = $0 { true } else { false } }

      let chain = meeting.ticket.chain
      let none = RevocationSet(genesisKey: chain.genesisKey)
      var removals = none
      try removals.insert(
        Revocation(
          of: member.key.publicKey, by: meeting.parts.key, chain: chain, lastEntry: [],
          standing: [], at: HostClock().wallTime()))
      await files.recheck(under: removals)
      #expect(try await stream.next { _ in false } == nil)
      // Of two who remove each other one is a member again.
      await files.recheck(under: none)
      let again = try await member.connect(to: meeting.session)
      again.send(.request(root: root, chunk: 1))
      let answer = try await again.next { if case .have = $0 { false } else { true } }
      #expect(answer == .chunk(root: root, chunk: 1, content[1]))
      await member.links.close()
    }
  }

  @Test("However many streams are opened, 32 stay; the same member's second takes no more room")
  func manyStreams() async throws {
    try await FileMeeting.run { meeting in
      var members: [FileMember] = []
      var streams: [FramedStream] = []
      for _ in 0..<FileBounds.streams {
        let member = try FileMember(grantedBy: meeting.genesis)
        members.append(member)
        streams.append(try await member.connect(to: meeting.session))
      }
      // The one that is too many hears a hello, and then nothing more.
      let late = try FileMember(grantedBy: meeting.genesis)
      let refused = try await late.connect(to: meeting.session)
      #expect(await refused.next() == nil)
      #expect(await meeting.session.files.streams.count == FileBounds.streams)
      for member in members + [late] { await member.links.close() }
    }
  }

  @Test("Cancelled midway, nothing more is asked for, and after a restart it isn't fetched again")
  func cancelled() async throws {
    try await FileMeeting.run(acceptedBytes: 100 << 20) { meeting in
      let content = FileMeeting.chunks(40)
      let member = try FileMember(grantedBy: meeting.genesis)
      let stream = try await member.connect(to: meeting.session)
      let offer = meeting.offer(content, by: member.id)
      await meeting.session.files.learn(offer)
      // Taken unasked, since it is small enough. Of three chunks the fourth is never given.
      var given = 0
      try await stream.give(content, of: offer.shape.root) { message in
        if case .request = message { given += 1 }
        return given > 3
      }
      await meeting.session.take(line: "/cancel plan")
      let none = try await stream.next {
        if case .have(_, let map) = $0 { map.allSatisfy { $0 == 0 } } else { false }
      }
      #expect(none != nil, "others learn that nothing is to be had")
      #expect(await meeting.journal.report(.cancelled).file == offer.entry)
      let meetingID = meeting.ticket.meeting
      let later = FileDesk(parts: meeting.parts, meeting: meetingID, emit: { _ in })
      await later.learn(offer)
      #expect(await later.items[offer.shape.root]?.isUnderWay == false)
      #expect(await later.fetches.isEmpty)
      await member.links.close()
    }
  }

  @Test("Accepted again after it was cancelled, a file comes at once")
  func acceptedAgain() async throws {
    try await FileMeeting.run { meeting in
      let (content, _, root) = try await meeting.sendPlan(ofChunks: 2)
      let member = try FileMember(grantedBy: meeting.genesis)
      let stream = try await member.connect(to: meeting.session)
      for _ in 0..<4 {
        stream.send(.have(root: root, map: ChunkMap(chunkCount: 2).bytes))
        for chunk in 0..<2 { stream.send(.request(root: root, chunk: chunk)) }
        for chunk in 0..<2 {
          let answer = try await stream.next { if case .have = $0 { false } else { true } }
          #expect(answer == .chunk(root: root, chunk: chunk, content[chunk]))
        }
        stream.send(.gained(root: root, chunk: 0))
      }
      await member.links.close()
    }
  }

  @Test("Members that only together have all chunks are enough, with the sender gone")
  func togetherWhole() async throws {
    try await FileMeeting.run { meeting in
      let content = FileMeeting.chunks(30)
      let author = try FileMember(grantedBy: meeting.genesis)
      let offer = meeting.offer(content, by: author.id)
      let (one, other) = (
        try FileMember(grantedBy: meeting.genesis), try FileMember(grantedBy: meeting.genesis)
      )
      let (left, right) = (
        try await one.connect(to: meeting.session), try await other.connect(to: meeting.session)
      )
      await meeting.session.files.learn(offer)
      await meeting.session.take(line: "/accept plan")
      async let even: Void = left.give(
        content, of: offer.shape.root, only: (0..<30).filter { $0 % 2 == 0 })
      async let odd: Void = right.give(
        content, of: offer.shape.root, only: (0..<30).filter { $0 % 2 == 1 })
      let path = try #require(await meeting.journal.report(.complete).path)
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(content.flatMap { $0 }))
      left.close()
      right.close()
      _ = try await (even, odd)
      for member in [one, other, author] { await member.links.close() }
    }
  }

  @Test("The same content under two names is one file, found by either")
  func twoNames() async throws {
    try await FileMeeting.run { meeting in
      let content = FileMeeting.chunks(3)
      let member = try FileMember(grantedBy: meeting.genesis)
      let first = meeting.offer(content, named: "plan", by: member.id)
      // Its digest is a lie: the root it gives is another's.
      let lie = FileDesk.Offer(
        entry: first.entry, author: first.author, name: "plan", shape: first.shape,
        digest: [UInt8](repeating: 0, count: 32))
      let second = meeting.offer(content, named: "agenda", by: member.id)
      await meeting.session.files.learn(lie)
      await meeting.session.files.learn(second)
      await meeting.session.take(line: "/accept agenda")
      try await member.give(content, of: first.shape.root, in: meeting) {
        let report = await meeting.journal.report(.complete)
        #expect(report.path?.hasSuffix("/agenda") == true)
      }
    }
  }

  @Test("One content offered under two names at once is told of at both paths")
  func sameContent() async throws {
    try await FileMeeting.run { meeting in
      let bytes = FileMeeting.chunks(1).flatMap { $0 }
      let paths = try ["two", "three"].map { try meeting.write(bytes, to: $0) }
      for path in paths { await meeting.session.take(line: "/send \(path)") }
      for path in paths {
        let name = (path as NSString).lastPathComponent
        let report = await meeting.journal.first { event -> FileReport? in
          if case .file(let report) = event, report.name == name, report.state == .complete {
            return report
          }
          return nil
        }
        #expect(report.path == path)
      }
      await meeting.session.take(line: "/send \(meeting.directory)/no such")
      #expect(await meeting.journal.warning("file-not-sent").contains("in quotes"))
    }
  }

  @Test("A fetch that nobody can serve says so once, and how to give it up")
  func nobodyHasIt() async throws {
    try await FileMeeting.run { meeting in
      let offer = meeting.offer(FileMeeting.chunks(2), by: PeerID(publicKey: [9]))
      await meeting.session.files.learn(offer)
      await meeting.session.take(line: "/accept \(offer.entry)")
      let told = await meeting.journal.warning("file-waits")
      #expect(told.contains("plan") && told.contains("/cancel"))
    }
  }

  /// Bytes that this process has read from files and elsewhere.
  private static func bytesRead() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/io", encoding: .utf8)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("rchar: ") })
    return try #require(Int(line.dropFirst("rchar: ".count)))
  }

  /// A member gives a file that is accepted while a file stands where its folder should be.
  /// - Parameter body: what comes of it, with the offer, the folder's path and what was told.
  private static func withoutPlace(
    _ chunkCount: Int, in meeting: FileMeeting,
    _ body: (_ offer: FileDesk.Offer, _ folder: String, _ told: String) async throws -> Void
  ) async throws {
    let content = FileMeeting.chunks(chunkCount)
    let folder = try meeting.write([], to: "downloads")
    let member = try FileMember(grantedBy: meeting.genesis)
    let offer = meeting.offer(content, by: member.id)
    await meeting.session.files.learn(offer)
    await meeting.session.take(line: "/accept plan")
    try await member.give(content, of: offer.shape.root, in: meeting) {
      try await body(offer, folder, await meeting.journal.warning("file-place"))
    }
  }

  @Test("While its folder can't be written a file is hashed once, and each reason is told once")
  func noPlace() async throws {
    try await FileMeeting.run { meeting in
      try await Self.withoutPlace(40, in: meeting) { offer, folder, told in
        let files = await meeting.session.files
        for part in ["plan", folder, "Not a directory"] { #expect(told.contains(part), "\(told)") }
        let before = try Self.bytesRead()
        for _ in 0..<5 { await files.finish(offer.shape.root) }
        #expect(try Self.bytesRead() - before < offer.shape.byteCount)

        // Another reason is news; the first is no more, but for whoever asks.
        try FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createSymbolicLink(atPath: folder, withDestinationPath: folder)
        for _ in 0..<3 { await files.finish(offer.shape.root) }
        try FileManager.default.removeItem(atPath: folder)
        _ = try meeting.write([], to: "downloads")
        for _ in 0..<3 { await files.finish(offer.shape.root) }
        #expect(await files.troubles.count == 2)
        await meeting.session.take(line: "/accept plan")
        await meeting.session.take(line: "that was it")
        _ = await meeting.journal.texts(until: "that was it")
        let tellings = await meeting.journal.warnings("file-place")
        #expect(tellings.count == 3 && tellings[0] == tellings[2], "\(tellings)")
        #expect(tellings[1].contains("symbolic links"), "\(tellings)")

        try FileManager.default.removeItem(atPath: folder)
        await meeting.session.take(line: "/accept plan")
        let path = try #require(await meeting.journal.report(.complete).path)
        let placed = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(placed == Data(FileMeeting.chunks(40).flatMap { $0 }))
      }
    }
  }

  @Test("What has changed on the disk while it waited for its place doesn't appear")
  func changedWhileWaiting() async throws {
    try await FileMeeting.run { meeting in
      try await Self.withoutPlace(3, in: meeting) { offer, folder, _ in
        let files = await meeting.session.files
        try await files.folder(of: offer.shape.root).store([99], at: 1000)
        try FileManager.default.removeItem(atPath: folder)
        await files.finish(offer.shape.root)
        #expect(await meeting.journal.warning("file-wrong").contains("plan"))
        #expect(!FileManager.default.fileExists(atPath: folder + "/plan"))
      }
    }
  }

  @Test("Cancelled while the whole is verified, a file is given up at once and for good")
  func cancelledWhileVerified() async throws {
    try await FileMeeting.run { meeting in
      try await Self.withoutPlace(40, in: meeting) { offer, _, _ in
        let (files, root) = (await meeting.session.files, offer.shape.root)
        // Written to, it is verified again.
        try await files.folder(of: root).store(FileMeeting.chunks(1)[0], at: 0)
        async let finishing: Void = files.finish(root)
        while await !files.isVerifying(root) { await Task.yield() }
        await meeting.session.take(line: "/cancel plan")
        await finishing
        #expect(await files.items[root]?.isUnderWay == false)
        #expect(await files.folder(of: root).isCancelled)
      }
    }
  }

  @Test("Of the offers that come or go while the whole is verified, those that stand then count")
  func offeredWhileVerified() async throws {
    try await FileMeeting.run { meeting in
      try await Self.withoutPlace(40, in: meeting) { offer, folder, _ in
        let (files, root) = (await meeting.session.files, offer.shape.root)
        let (liar, other) = (PeerID(publicKey: [8]), PeerID(publicKey: [9]))
        let words = meeting.offer(FileMeeting.chunks(40), named: "lie", by: liar)
        let late = meeting.offer(FileMeeting.chunks(40), named: "agenda", by: other)
        await files.learn(
          FileDesk.Offer(
            entry: words.entry, author: liar, name: "lie", shape: offer.shape, digest: root))
        try FileManager.default.removeItem(atPath: folder)
        // Written to, it is verified again.
        try await files.folder(of: root).store(FileMeeting.chunks(1)[0], at: 0)
        async let finishing: Void = files.finish(root)
        while await !files.isVerifying(root) { await Task.yield() }
        await files.learn(late)
        await files.withdraw([offer.entry], by: offer.author)
        await finishing
        #expect(await meeting.journal.report(.complete).path == folder + "/agenda")
      }
    }
  }

  @Test("Ten thousand offers can be fetched, and what is beyond them is told of once")
  func tenThousandOffers() async throws {
    try await FileMeeting.run { meeting in
      let author = PeerID(publicKey: [UInt8](repeating: 9, count: 32))
      let content = FileMeeting.chunks(1)
      let clock = ContinuousClock()
      let shape = meeting.offer(content, by: author).shape
      let took = await clock.measure {
        for number in 1...FileDesk.mostOffers + 5 {
          var root = shape.root
          withUnsafeBytes(of: number) { root.replaceSubrange(0..<8, with: $0) }
          var entry = [UInt8](repeating: 0, count: 16)
          withUnsafeBytes(of: number) { entry.replaceSubrange(0..<8, with: $0) }
          await meeting.session.files.learn(
            FileDesk.Offer(
              entry: EntryID(entry)!, author: author, name: "file \(number)",
              shape: FileShape(byteCount: 10, root: root)!, digest: root))
        }
      }
      #expect(took < .seconds(20), "\(took)")
      #expect(await meeting.session.files.items.count == FileDesk.mostOffers)
      #expect(await meeting.journal.warning("too-many-files").contains("So many"))
      // Another's file is as good as ever, and the flood is one shorter.
      let other = meeting.offer(content, named: "plan", by: PeerID(publicKey: [1]))
      await meeting.session.files.learn(other)
      #expect(await meeting.session.files.items[other.shape.root]?.offer.name == "plan")
      #expect(await meeting.session.files.items.count == FileDesk.mostOffers)
      let left = await meeting.session.files.items.values.map(\.offer.name).sorted().last!
      await meeting.session.take(line: "/accept \(left)")
      #expect(await meeting.journal.report(.fetching).name == left)
    }
  }
}

extension FileDesk {
  fileprivate func isVerifying(_ root: [UInt8]) -> Bool {
    if case .placing(let placing) = items[root]?.state { placing.isBusy } else { false }
  }

  /// The root of an offered file.
  func root(of entry: EntryID) -> [UInt8] {
    items.first { $0.value.offers.contains { $0.entry == entry } }?.key ?? []
  }
}
