import Files
import Foundation
import Foundations
import Synchronization
import Testing
import Wire

@testable import Meeting

@Suite("Files and a full disk", .serialized, .timeLimit(.minutes(1)))
struct FileRoomTests {
  private static let content = (0..<8).map {
    [UInt8](repeating: UInt8($0 + 1), count: FileBounds.chunk)
  }

  /// A disk of a gigabyte that takes so many chunks more, once a whole file was found to fit.
  private final class Disk: Sendable {
    private let asked = Mutex(0)
    let free = Mutex(1 << 30)
    let mostChunks = Mutex(Int.max)

    func renew() { asked.withLock { $0 = 0 } }

    var room: FileRoom {
      let number = asked.withLock { asked in
        defer { asked += 1 }
        return asked
      }
      let isFull = number > mostChunks.withLock { $0 }
      return FileRoom(free: isFull ? 0 : free.withLock { $0 }, total: 1 << 30)
    }
  }

  @Test(
    "A twentieth of a disk stays free, and of a large one 64 MiB",
    arguments: [(30 << 20, 1_572_864), (1 << 30, 53_687_091), (4 << 40, 64 << 20), (0, 0)])
  func reserve(total: Int, expected: Int) {
    let room = FileRoom(free: expected + 1000, total: total)
    #expect(room.reserve == expected && room.holds(1000) && !room.holds(1001))
  }

  @Test("A disk says how large it is and what is left; what isn't there says nothing")
  func measured() throws {
    let room = try #require(FileRoom(at: NSTemporaryDirectory()))
    #expect(room.free > 0 && room.reserve > 0)
    #expect(FileRoom(at: "/no/such/place") == nil)
  }

  @Test("What doesn't fit beside the reserve isn't begun, and whoever asks is told so each time")
  func doesNotFit() async throws {
    try await FileMeeting.run { meeting in
      let (files, disk) = (await meeting.session.files, Disk())
      disk.free.withLock { $0 = 1 << 20 }
      await files.use { disk.room }
      let offer = meeting.offer(Self.content, by: PeerID(publicKey: [9]))
      await files.learn(offer)
      for _ in 0..<2 { await meeting.session.take(line: "/accept plan") }
      let told = await meeting.journal.warning("file-room")
      for part in ["plan (2.1 MB)", "1 MB are left", "53.7 MB stay free"] {
        #expect(told.contains(part), "\(told)")
      }
      #expect(await meeting.journal.report(.failed).file == offer.entry)
      await meeting.journal.warnings("file-room", reach: 2)
      #expect(await files.items[offer.shape.root]?.state.isOffered == true)
      #expect(await !files.folder(of: offer.shape.root).exists)
    }
  }

  @Test("A fetch stops before the reserve and goes on with room; accepted anew, it says so anew")
  func stopsBefore() async throws {
    try await FileMeeting.run { meeting in
      let (files, disk) = (await meeting.session.files, Disk())
      disk.mostChunks.withLock { $0 = 3 }
      await files.use { disk.room }
      let member = try FileMember(grantedBy: meeting.genesis)
      let offer = meeting.offer(Self.content, by: member.id)
      await files.learn(offer)
      try await member.give(Self.content, of: offer.shape.root, in: meeting) {
        for number in 1...2 {
          disk.renew()
          await meeting.session.take(line: "/accept plan")
          await meeting.journal.progress(of: offer.entry, to: 3 * FileBounds.chunk, times: number)
          await meeting.journal.warnings("file-disk", reach: number)
          let told = await meeting.journal.warnings("file-disk")
          #expect(told.count == number, "\(told)")
          #expect(told.last?.contains("53.7 MB of its disk stay free") == true, "\(told)")
          if number == 1 { await meeting.session.take(line: "/cancel plan") }
        }
        disk.mostChunks.withLock { $0 = .max }
        #expect(await meeting.journal.report(.complete).file == offer.entry)
      }
    }
  }

  @Test("One's own file that couldn't be kept isn't fetched from others after a restart")
  func ownNotKept() async throws {
    try await FileMeeting.run { meeting in
      let files = await meeting.session.files
      let path = try meeting.write(Self.content[0], to: "own.bin")
      let offer = meeting.offer([Self.content[0]], named: "own.bin", by: meeting.parts.me)
      let folder = await files.folder(of: offer.shape.root)
      // Its place can't be written.
      try FileManager.default.createDirectory(
        atPath: folder.path + "/place.new", withIntermediateDirectories: true)
      await meeting.session.take(line: "/send \(path)")
      #expect(await meeting.journal.warning("file-not-kept").contains("offered anew"))
      #expect(await meeting.journal.report(.complete).path == path)
      let later = FileDesk(
        parts: meeting.parts, meeting: meeting.ticket.meeting, emit: { _ in })
      await later.learn(offer)
      #expect(await later.items[offer.shape.root]?.state.isOffered == true)
    }
  }
}

extension FileDesk {
  fileprivate func use(_ room: @escaping @Sendable () -> FileRoom) { self.room = { _ in room() } }
}

extension EventJournal {
  fileprivate func warnings(_ code: String, reach times: Int) async {
    await count(reaches: times) { event in
      if case .warning(code, _) = event { true } else { false }
    }
  }

  /// Returns once it was told so often that so much of the file is here.
  fileprivate func progress(of file: EntryID, to bytes: Int, times: Int) async {
    await count(reaches: times) { event in
      if case .file(let report) = event {
        report.file == file && report.state == .fetching && report.bytes == bytes
      } else {
        false
      }
    }
  }
}
