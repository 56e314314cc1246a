import Files
import Foundation
import Foundations
import Links
import Testing
import Wire

@testable import Meeting

@Suite("Files that are offered again, or gone from the disk", .serialized, .timeLimit(.minutes(1)))
struct FileOffersTests {
  private static let content = (0..<3).map {
    [UInt8](repeating: UInt8($0 + 1), count: FileBounds.chunk)
  }

  /// What becomes of the file, told of this offer.
  private static func told(
    of offer: FileDesk.Offer, _ journal: EventJournal,
    where fits: @escaping @Sendable (FileReport) -> Bool
  ) async -> FileReport {
    await journal.first { event in
      if case .file(let report) = event, report.file == offer.entry, fits(report) { return report }
      return nil
    }
  }

  @Test("Offered for the third time and more, a file is fetched by that offer as by the first")
  func offeredAgain() async throws {
    try await FileMeeting.run { meeting in
      let files = await meeting.session.files
      let member = try FileMember(grantedBy: meeting.genesis)
      let offers = (1...5).map { _ in meeting.offer(Self.content, by: member.id) }
      for offer in offers { await files.learn(offer) }
      let root = offers[0].shape.root
      try #require(await files.items[root]?.offers.count == 5)
      await meeting.session.take(line: "/accept \(offers[4].entry.description.prefix(8))")
      try await member.give(Self.content, of: root, in: meeting) {
        for offer in offers {
          let report = await Self.told(of: offer, meeting.journal) { $0.state == .complete }
          #expect(report.path?.hasSuffix("/plan") == true)
        }
        #expect(await files.items[root]?.offer.entry == offers[4].entry)
      }
    }
  }

  @Test("Offered under thirty names, a file is fetched by any of them, and stays while one is left")
  func manyNames() async throws {
    try await FileMeeting.run { meeting in
      let files = await meeting.session.files
      let member = try FileMember(grantedBy: meeting.genesis)
      let offers = (1...30).map { meeting.offer(Self.content, named: "form \($0)", by: member.id) }
      for offer in offers { await files.learn(offer) }
      let root = offers[0].shape.root
      await meeting.session.take(line: "/accept \(offers[0].entry.description.prefix(8))")
      try await member.give(Self.content, of: root, in: meeting) {
        let report = await Self.told(of: offers[0], meeting.journal) { $0.state == .complete }
        #expect(report.path?.hasSuffix("/form 1") == true)
        // It is here by any other, too.
        await meeting.session.take(line: "/accept form 2")
        _ = await Self.told(of: offers[1], meeting.journal) { $0.state == .complete && $0.isAnswer }
        #expect(await files.items[root]?.offers.count == 8)
        // With the newest deleted, an older one is left each time.
        for offer in offers.dropFirst().reversed() {
          await files.withdraw([offer.entry], by: member.id)
          let isHere = if case .whole = await files.items[root]?.state { true } else { false }
          #expect(isHere, "\(offer.name)")
        }
        #expect(await files.items[root]?.known.map(\.name) == ["form 1"])
        await files.withdraw([offers[0].entry], by: member.id)
        #expect(await files.items.isEmpty)
        #expect(await meeting.journal.warnings("no-such-file").isEmpty)
      }
    }
  }

  @Test("Whoever offers another's file ten thousand times leaves the others room for theirs")
  func floodOfOne() async throws {
    try await FileMeeting.run { meeting in
      let files = await meeting.session.files
      let honest = meeting.offer(Self.content, by: PeerID(publicKey: [1]))
      await files.learn(honest)
      let again = PeerID(publicKey: [9])
      let shape = honest.shape
      for number in 1...FileDesk.mostOffers + 5 {
        var entry = [UInt8](repeating: 0, count: 16)
        withUnsafeBytes(of: number) { entry.replaceSubrange(0..<8, with: $0) }
        await files.learn(
          FileDesk.Offer(
            entry: EntryID(entry)!, author: again, name: "plan", shape: shape,
            digest: honest.digest))
      }
      #expect(await files.items[shape.root]?.known.count == FileDesk.mostOffers)
      #expect(await meeting.journal.warnings("too-many-files").count == 1)
      let other = meeting.offer([[1]], named: "agenda", by: PeerID(publicKey: [2]))
      await files.learn(other)
      #expect(await files.items[other.shape.root]?.offer.name == "agenda")
      #expect(await files.items[shape.root]?.known.contains { $0.entry == honest.entry } == true)
    }
  }

  @Test("What made-up members offer counts with what whoever answers for them does")
  func floodOfMany() async throws {
    try await FileMeeting.run(acceptedBytes: 1000) { meeting in
      let files = await meeting.session.files
      // Guests of this member's are its as little as others'.
      let sponsor = meeting.parts.me
      func offer(_ number: Int, by author: PeerID, of sponsor: PeerID? = nil) -> FileDesk.Offer {
        var entry = [UInt8](repeating: 0, count: 32)
        withUnsafeBytes(of: number) { entry.replaceSubrange(0..<8, with: $0) }
        return FileDesk.Offer(
          entry: EntryID(Array(entry[..<16]))!, author: author, sponsor: sponsor, name: "\(number)",
          shape: FileShape(byteCount: 1000, root: entry)!, digest: entry)
      }
      let own = (1...FileBounds.unaskedAtOnce).map {
        offer($0, by: PeerID(publicKey: [9, UInt8($0)]), of: sponsor)
      }
      for offer in own { await files.learn(offer) }
      #expect(await files.items.values.count { $0.isUnasked } == FileBounds.unaskedAtOnce / 2)
      for number in own.count..<FileDesk.mostOffers {
        let key = withUnsafeBytes(of: number) { Array($0) }
        await files.learn(offer(number + 1, by: PeerID(publicKey: key), of: sponsor))
      }
      // Its second is one more than each of the others has made.
      for number in 1...2 {
        await files.learn(offer(-number, by: PeerID(publicKey: [1])))
      }
      let names = await Set(files.items.values.map(\.offer.name))
      #expect(names.count == FileDesk.mostOffers && names.isSuperset(of: ["-1", "-2"]))
      #expect(await files.items.values.contains { $0.isUnasked && $0.offer.name == "-2" })
    }
  }

  @Test("Files that nobody has keep no other from coming unasked, and nobody is told of them")
  func unaskedFromNobody() async throws {
    try await FileMeeting.run(acceptedBytes: 1 << 20) { meeting in
      let files = await meeting.session.files
      let others = (0..<FileBounds.unaskedAtOnce).map {
        meeting.offer([[UInt8($0)]], by: PeerID(publicKey: [9]))
      }
      for offer in others { await files.learn(offer) }
      let member = try FileMember(grantedBy: meeting.genesis)
      let offer = meeting.offer(Self.content, by: member.id)
      await files.learn(offer)
      // Its turn comes.
      try await member.give(Self.content, of: offer.shape.root, in: meeting) {
        #expect(await meeting.journal.report(.complete).file == offer.entry)
        #expect(await meeting.journal.warnings("file-waits").isEmpty)
        // But whoever asks for one is.
        await meeting.session.take(line: "/accept \(others[0].entry)")
        #expect(await meeting.journal.warning("file-waits").contains("plan"))
      }
    }
  }

  @Test("However often a file is offered falsely, it is fetched by the honest offer")
  func floodOfLies() async throws {
    try await FileMeeting.run { meeting in
      let files = await meeting.session.files
      let member = try FileMember(grantedBy: meeting.genesis)
      let honest = meeting.offer(Self.content, by: member.id)
      let liar = PeerID(publicKey: [UInt8](repeating: 9, count: 32))
      func lie() async {
        let words = meeting.offer(Self.content, by: liar)
        await files.learn(
          FileDesk.Offer(
            entry: words.entry, author: liar, name: "plan", shape: words.shape,
            digest: [UInt8](repeating: 0, count: 32)))
      }
      for _ in 0..<500 { await lie() }
      await files.learn(honest)
      for _ in 0..<500 { await lie() }
      await meeting.session.take(line: "/accept \(honest.entry)")
      try await member.give(Self.content, of: honest.shape.root, in: meeting) {
        let report = await Self.told(of: honest, meeting.journal) { $0.state == .complete }
        #expect(report.path?.hasSuffix("/plan") == true)
      }
    }
  }

  @Test(
    "Deleted after it came, a file isn't here, isn't given, and is fetched anew by either name",
    arguments: [false, true])
  func gone(isAskedFor: Bool) async throws {
    try await FileMeeting.run { meeting in
      let files = await meeting.session.files
      let member = try FileMember(grantedBy: meeting.genesis)
      let first = meeting.offer(Self.content, by: member.id)
      let second = meeting.offer(Self.content, named: "agenda", by: member.id)
      for offer in [first, second] { await files.learn(offer) }
      let root = first.shape.root
      await meeting.session.take(line: "/accept plan")
      try await member.give(Self.content, of: root, in: meeting) {
        let path = try #require(await meeting.journal.report(.complete).path)
        try FileManager.default.removeItem(atPath: path)
        if isAskedFor {
          let other = try FileMember(grantedBy: meeting.genesis)
          let end = try await other.connect(to: meeting.session)
          end.send(.request(root: root, chunk: 1))
          let answer = try await end.next { if case .have = $0 { false } else { true } }
          #expect(answer == .refusal(root: root, chunk: 1))
          let told = await meeting.journal.warning("file-changed")
          #expect(told.contains(path) && told.contains("/accept"), "\(told)")
          #expect(await meeting.journal.report(.cancelled).path == nil, "nothing stays there")
          await other.links.close()
        } else {
          await meeting.session.take(line: "/files")
          let report = await Self.told(of: first, meeting.journal) { $0.isAnswer }
          try #require(report.state == .offered && report.path == nil)
          await meeting.session.take(line: "/accept plan")
          await meeting.journal.completions(of: first.entry, reach: 2)
          try FileManager.default.removeItem(atPath: path)
        }
        // At once, with nobody having looked.
        await meeting.session.take(line: "/accept agenda")
        let report = await Self.told(of: second, meeting.journal) {
          $0.path?.hasSuffix("/agenda") == true
        }
        let bytes = try Data(contentsOf: URL(fileURLWithPath: try #require(report.path)))
        #expect(bytes == Data(Self.content.flatMap { $0 }))
      }
    }
  }

  @Test("Of one's own file nothing that was fetched is kept besides")
  func ownWhileFetched() async throws {
    try await FileMeeting.run { meeting in
      let files = await meeting.session.files
      let member = try FileMember(grantedBy: meeting.genesis)
      let offer = meeting.offer(Self.content, by: member.id)
      await files.learn(offer)
      await meeting.session.take(line: "/accept plan")
      let stream = try await member.connect(to: meeting.session)
      // Some of it comes.
      try await stream.give(Self.content, of: offer.shape.root, only: [0]) { message in
        if case .gained = message { true } else { false }
      }
      let folder = await files.folder(of: offer.shape.root)
      #expect(folder.version != nil)
      let path = try meeting.write(Self.content.flatMap { $0 }, to: "plan.bin")
      await meeting.session.take(line: "/send \(path)")
      #expect(await meeting.journal.report(.complete).path == path)
      #expect(folder.version == nil && folder.place == path)
      await member.links.close()
    }
  }
}
