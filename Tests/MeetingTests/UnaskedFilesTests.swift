import Files
import Foundation
import Foundations
import Links
import Testing
import Wire

@testable import Meeting

@Suite("Whose turn it is among files that come without being asked for")
struct UnaskedFilesTests {
  private static func root(_ number: Int) -> [UInt8] {
    [UInt8](repeating: 0, count: 30) + [UInt8(number >> 8), UInt8(number & 255)]
  }

  private static let sponsors = (UInt8(0)..<2).map { PeerID(publicKey: [$0]) }

  private static func inDirectory(_ body: (_ path: String) throws -> Void) rethrows {
    let directory = NSTemporaryDirectory() + "/unasked-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try body(directory)
  }

  /// How many are let in, one after another, of so many of these sponsors in turn.
  private static func fetched(
    _ count: Int, of size: Int, of sponsors: [PeerID] = sponsors, in directory: String,
    largest: Int = 1000
  ) -> Int {
    var unasked = UnaskedFiles(largest: largest, directory: directory)
    for number in 0..<count {
      unasked.consider(
        root(number), byteCount: size, of: sponsors[number % sponsors.count])
    }
    var fetched = 0
    while unasked.next(at: .zero, isUnderWay: { _ in false }, isRunning: { _ in false }) != nil {
      fetched += 1
    }
    #expect(unasked.hasRefused == (fetched < count && size <= largest))
    return fetched
  }

  @Test("In all they are ten times the largest, also over restarts")
  func total() {
    Self.inDirectory { directory in
      #expect(Self.fetched(5, of: 1001, in: directory) == 0)
      #expect(Self.fetched(3, of: 1000, in: directory) == 3)
      #expect(Self.fetched(100, of: 1000, in: directory) == 7)
      #expect(Self.fetched(100, of: 10, in: directory) == 0)
    }
  }

  @Test("Of one sponsor they are five times the largest, also over restarts")
  func ofOne() {
    Self.inDirectory { directory in
      let (one, other) = ([Self.sponsors[0]], [Self.sponsors[1]])
      #expect(Self.fetched(3, of: 1000, of: one, in: directory) == 3)
      #expect(Self.fetched(100, of: 1000, of: one, in: directory) == 2)
      #expect(Self.fetched(100, of: 10, of: one, in: directory) == 0)
      #expect(Self.fetched(100, of: 1000, of: other, in: directory) == 5)
    }
  }

  @Test("Where it is kept how much came, but not of whom, that counts for all together")
  func nobodys() throws {
    try Self.inDirectory { directory in
      try FileFolder(path: directory).make()
      try FileFolder.write(Array("8000".utf8), to: directory + "/unasked")
      #expect(Self.fetched(100, of: 1000, in: directory) == 2)
      #expect(Self.fetched(100, of: 1000, in: directory) == 0)
    }
  }

  @Test("Tiny ones are no more than a thousand, and eight come at once, of one sponsor four")
  func tiny() {
    Self.inDirectory { directory in
      var unasked = UnaskedFiles(largest: 1_000_000, directory: directory)
      for number in 0..<3000 {
        unasked.consider(Self.root(number), byteCount: 1, of: Self.sponsors[number % 2])
      }
      var running: Set<[UInt8]> = []
      var fetched = 0
      while true {
        while let (root, share) = unasked.next(
          at: .zero, isUnderWay: running.contains, isRunning: running.contains)
        {
          #expect(share.sponsor == Self.sponsors[Int(root[31]) % 2])
          running.insert(root)
          fetched += 1
        }
        #expect(running.count <= FileBounds.unaskedAtOnce)
        #expect(running.count { $0[31] % 2 == 0 } <= FileBounds.unaskedAtOnce / 2)
        guard !running.isEmpty else { break }
        running.removeAll()
      }
      #expect(fetched == 1000)
    }
  }

  @Test("What never came counts no more, and is tried again when all others have had their turn")
  func nothingCame() {
    Self.inDirectory { directory in
      var unasked = UnaskedFiles(largest: 1000, directory: directory)
      for number in 0..<2000 {
        unasked.consider(Self.root(number), byteCount: 1000, of: Self.sponsors[0])
      }
      var running: [[UInt8]] = []
      func isRunning(_ root: [UInt8]) -> Bool { running.contains(root) }
      var now = Moment.zero
      var tried: Set<[UInt8]> = []
      for round in 1...500 {
        while let (root, _) = unasked.next(at: now, isUnderWay: isRunning, isRunning: isRunning) {
          running.append(root)
        }
        tried.formUnion(running)
        #expect(tried.count == 4 * round)
        for root in running { unasked.setAside(root, at: now) }
        running = []
        now = now + .seconds(4)
      }
      #expect(!unasked.hasRefused)
      let again = unasked.next(at: now, isUnderWay: isRunning, isRunning: isRunning)
      #expect(again?.root == Self.root(1999))
      // What is new goes before all that was tried, and all bytes are there for it.
      for number in 2000..<2005 {
        unasked.consider(Self.root(number), byteCount: 1000, of: Self.sponsors[1])
      }
      var others = 0
      while let (root, share) = unasked.next(
        at: now, isUnderWay: { _ in false }, isRunning: { _ in false })
      {
        if share.sponsor == Self.sponsors[1] { others += 1 }
        #expect(root != Self.root(0))
      }
      #expect(others == 5)
    }
  }

  @Test("It rests for half a minute, then twice that, up to five")
  func rests() {
    Self.inDirectory { directory in
      var unasked = UnaskedFiles(largest: 1000, directory: directory)
      unasked.consider(Self.root(1), byteCount: 1, of: Self.sponsors[0])
      var now = Moment.zero
      let rests = (0..<6).map { _ in
        let due = unasked.next(at: now, isUnderWay: { _ in true }, isRunning: { _ in true })
        #expect(due != nil)
        unasked.setAside(Self.root(1), at: now)
        let early = unasked.next(at: now, isUnderWay: { _ in true }, isRunning: { _ in true })
        #expect(early == nil)
        let end = unasked.deadline(after: now) ?? now
        defer { now = end }
        return end - now
      }
      #expect(rests == [30, 60, 120, 240, 300, 300].map(Duration.seconds))
    }
  }

  @Test("Without --accept-files nothing comes unasked")
  func none() {
    var unasked = UnaskedFiles(largest: nil, directory: "/nowhere")
    unasked.consider(Self.root(1), byteCount: 1, of: Self.sponsors[0])
    let next = unasked.next(at: .zero, isUnderWay: { _ in false }, isRunning: { _ in false })
    #expect(next == nil)
  }
}

@Suite("Files that come without being asked for", .serialized, .timeLimit(.minutes(1)))
struct UnaskedFetchingTests {
  private static let content = (0..<3).map {
    [UInt8](repeating: UInt8($0 + 1), count: FileBounds.chunk)
  }
  private static let nobody = PeerID(publicKey: [9])

  @Test("Hundreds of files that nobody has keep no other from coming, and use up nothing")
  func flood() async throws {
    try await FileMeeting.run(acceptedBytes: 1 << 20) { meeting in
      let files = await meeting.session.files
      let others = (0..<200).map {
        meeting.offer([[UInt8($0)]], named: "other \($0)", by: Self.nobody)
      }
      for offer in others { await files.learn(offer) }
      var tried: Set<[UInt8]> = []
      for _ in 0..<60 {
        await tried.formUnion(files.roots(where: \.isUnderWay))
        await files.findAllAlone()
      }
      #expect(tried.count == others.count)
      let folders = try FileManager.default.contentsOfDirectory(
        atPath: await files.directory)
      #expect(folders.count <= FileBounds.unaskedAtOnce + 1, "\(folders.count)")
      let offer = meeting.offer(Self.content, by: PeerID(publicKey: [1]))
      await files.learn(offer)
      #expect(await files.items[offer.shape.root]?.isUnderWay == true)
      #expect(await meeting.journal.warnings("file-waits").isEmpty)
      #expect(await meeting.journal.warnings("files-unasked").isEmpty)
      // Whoever cancels one doesn't want it when its turn comes, either.
      let (root, name) = (others[0].shape.root, others[0].name)
      await meeting.session.take(line: "/cancel \(name)")
      #expect(await meeting.journal.report(.cancelled).name == name)
      #expect(await files.folder(of: root).isCancelled)
    }
  }

  @Test("Who says that it has a file and gives none of it keeps no other's from coming")
  func claims() async throws {
    try await FileMeeting.run(acceptedBytes: 1 << 20) { meeting in
      let files = await meeting.session.files
      let member = try FileMember(grantedBy: meeting.genesis)
      let stream = try await member.connect(to: meeting.session)
      let offers = (0..<FileBounds.unaskedAtOnce).map {
        meeting.offer([[UInt8($0)]], by: member.id)
      }
      for offer in offers { await files.learn(offer) }
      // Half of them are begun.
      for offer in offers.prefix(FileBounds.unaskedAtOnce / 2) {
        stream.send(.have(root: offer.shape.root, map: [0x80]))
        let asked = try await stream.next { $0 == .askList(root: offer.shape.root) }
        #expect(asked != nil)
      }
      await files.age()
      await files.findAllAlone()
      let begun = await files.roots(where: \.isUnderWay)
      #expect(begun == Set(offers.suffix(FileBounds.unaskedAtOnce / 2).map(\.shape.root)))
      await member.links.close()
    }
  }

  @Test("What comes unasked counts no more once one offers it oneself, or it is gone")
  func ownOrGone() async throws {
    try await FileMeeting.run(acceptedBytes: 1 << 20) { meeting in
      let files = await meeting.session.files
      let offers = (UInt8(0)..<6).map {
        meeting.offer([[$0]], named: "file \($0)", by: Self.nobody)
      }
      for offer in offers { await files.learn(offer) }
      let ledger = URL(fileURLWithPath: await files.directory + "/unasked")
      // A hundredth of the largest each, of the four that are begun.
      #expect(try String(contentsOf: ledger, encoding: .utf8) == "\(Self.nobody) \(4 * 10485)")
      let path = try meeting.write([0], to: "own")
      await meeting.session.take(line: "/send \(path)")
      #expect(await meeting.journal.report(.complete).path == path)
      await files.withdraw(Set(offers.dropFirst(2).map(\.entry)), by: Self.nobody)
      #expect(try String(contentsOf: ledger, encoding: .utf8) == "\(Self.nobody) 10485")
      #expect(await files.roots(where: \.isUnderWay) == [offers[1].shape.root])
    }
  }

  /// The desk of a later run, with what was told of warnings.
  private static func later(
    _ meeting: FileMeeting, offers: [FileDesk.Offer], isAccepting: Bool
  ) async -> (files: FileDesk, journal: EventJournal) {
    let (events, told) = AsyncStream<MeetingEvent>.makeStream()
    let files = FileDesk(parts: meeting.parts, meeting: meeting.ticket.meeting) {
      told.yield($0)
    }
    if !isAccepting { await files.acceptNothing() }
    await files.start(
      FileDesk.Surroundings(
        members: { [] }, dial: { _ in nil }, say: { _, _ in }, notSaid: { _ in }, published: {}),
      offers: offers)
    return (files, EventJournal(events))
  }

  @Test("After a restart as well nobody is told of files that nobody asked for, but of others")
  func restarted() async throws {
    try await FileMeeting.run(acceptedBytes: 1 << 20) { meeting in
      let files = await meeting.session.files
      let offers = (0..<6).map {
        meeting.offer(
          Self.content.dropLast() + [[UInt8($0)]], named: "file \($0)", by: Self.nobody)
      }
      for offer in offers { await files.learn(offer) }
      // One chunk of each came.
      let begun = await files.roots(where: \.isUnderWay)
      for offer in offers where begun.contains(offer.shape.root) {
        let folder = await files.folder(of: offer.shape.root)
        let hashes = (Self.content.dropLast() + [[UInt8(offer.name.suffix(1))!]]).map {
          digest($0)
        }
        try folder.keep(list: hashes)
        try folder.store(Self.content[0], at: 0)
        var map = ChunkMap(chunkCount: 3)
        map.insert(0)
        try folder.keep(map: map)
      }
      let asked = try #require(offers.last { begun.contains($0.shape.root) })
      await meeting.session.take(line: "/accept \(asked.name)")

      let (later, journal) = await Self.later(
        meeting, offers: offers, isAccepting: true)
      for offer in offers where begun.contains(offer.shape.root) {
        while await later.fetches[offer.shape.root] == nil { await Task.yield() }
        #expect(await later.fetches[offer.shape.root]?.map.count == 1)
      }
      for _ in 0..<3 { await later.findAllAlone() }
      #expect(await journal.warning("file-waits").contains(asked.name))
      #expect(await journal.warnings("file-waits").count == 1)
      let running = await later.roots { $0.isUnderWay && $0.isUnasked }
      #expect(running.isSuperset(of: begun.subtracting([asked.shape.root])))
      await later.close()

      // Without the option what came by itself stays as it is until it is asked for.
      let (last, _) = await Self.later(meeting, offers: offers, isAccepting: false)
      #expect(await last.roots(where: \.isUnderWay) == [asked.shape.root])
      let other = try #require(offers.first { begun.contains($0.shape.root) })
      await last.take(.accept(other.name), after: 0)
      while await last.fetches[other.shape.root] == nil { await Task.yield() }
      #expect(await last.fetches[other.shape.root]?.map.count == 1)
      await last.close()
    }
  }
}

extension FileDesk {
  fileprivate func roots(where fits: (Item) -> Bool) -> Set<[UInt8]> {
    Set(items.filter { fits($0.value) }.keys)
  }

  /// Looks after files as if nobody had had any for a minute.
  fileprivate func findAllAlone() async {
    let now = parts.clock.now()
    for root in items.keys { items[root]?.aloneSince = now - .seconds(60) }
    // The next is one in which holders are sought.
    rounds = 3
    nextRound = now
    await lookAgain()
  }

  fileprivate func acceptNothing() { unasked = UnaskedFiles(largest: nil, directory: directory) }

  /// As if nothing had come for a minute.
  fileprivate func age() {
    for root in items.keys { items[root]?.newsAt = parts.clock.now() - .seconds(60) }
  }
}
