import Admission
import Files
import Foundation
import Foundations
import Links
import Testing
import Wire

@testable import Meeting

@Suite("Files of one's own, from being read to being given", .serialized, .timeLimit(.minutes(1)))
struct FileOfferingTests {
  @Test("An original that was changed or deleted after the offer is never given")
  func changedOriginal() async throws {
    for isDeleted in [false, true] {
      try await FileMeeting.run { meeting in
        let path = try meeting.write([UInt8](repeating: 1, count: 300_000), to: "plan.bin")
        let root = await meeting.send(path)
        if isDeleted {
          try FileManager.default.removeItem(atPath: path)
        } else {
          _ = try meeting.write([UInt8](repeating: 2, count: 300_000), to: "plan.bin")
        }
        let member = try FileMember(grantedBy: meeting.genesis)
        let stream = try await member.connect(to: meeting.session)
        stream.send(.request(root: root, chunk: 1))
        let answer = try await stream.next { if case .have = $0 { false } else { true } }
        #expect(answer == .refusal(root: root, chunk: 1))
        #expect(await meeting.journal.warning("file-changed").contains("plan.bin"))
        await member.links.close()
      }
    }
  }

  /// A file with a hole for its content costs no disk, and as long to read as any.
  private static func sparse(_ name: String, size: Int, in meeting: FileMeeting) throws -> String {
    let path = try meeting.write([], to: name)
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.truncate(atOffset: UInt64(size))
    try file.close()
    return path
  }

  @Test("While a large file is read its sender talks, is told how far it is, and calls it off")
  func readsBeside() async throws {
    try await FileMeeting.run { meeting in
      let path = try Self.sparse("big.bin", size: 4 << 30, in: meeting)
      await meeting.session.take(line: "/send \(path)")
      await meeting.session.take(line: "/send \(path) again")
      await meeting.session.take(line: "are you there")
      #expect(await meeting.journal.texts(until: "are you there") == ["are you there"])
      let further = await meeting.journal.reading { $0.state == .reading && $0.bytes > 0 }
      #expect(further.name == "big.bin" && further.total == 4 << 30)
      await meeting.session.take(line: "/cancel big.bin")
      await meeting.session.take(line: "/cancel \(path)")
      for number in 1...2 {
        let ended = await meeting.journal.reading { $0.state == .cancelled && $0.number == number }
        #expect(ended.bytes < ended.total)
      }
      let small = try meeting.write([1, 2, 3], to: "small.bin")
      await meeting.session.take(line: "/send \(small)")
      #expect(await meeting.journal.report(.complete).name == "small.bin")
    }
  }

  @Test("A file that changes or grows while it is read isn't offered")
  func changesWhileRead() async throws {
    try await FileMeeting.run { meeting in
      let files = await meeting.session.files
      let size = 256 << 20
      for (name, place, count) in [("plan.bin", 0, 1), ("log.txt", size, 2)] {
        let path = try Self.sparse(name, size: size, in: meeting)
        await meeting.session.take(line: "/send \(path)")
        _ = await meeting.journal.reading { $0.name == name && $0.bytes > 0 }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.seek(toOffset: UInt64(place))
        try file.write(contentsOf: Data("changed".utf8))
        try file.close()
        await meeting.journal.count(reaches: count) { event in
          if case .warning("file-not-sent", _) = event { true } else { false }
        }
        let told = await meeting.journal.warnings("file-not-sent").last ?? ""
        #expect(told.contains(name) && told.contains("changed"))
      }
      #expect(await files.items.isEmpty)
    }
  }

  private static func haves(
    of root: [UInt8], areFull: Bool
  ) -> @Sendable (FileMessage) -> Bool {
    { message in
      guard case .have(root, let map) = message else { return false }
      return map.contains { $0 != 0 } == areFull
    }
  }

  @Test("Who waits for a file hears that it isn't given, and that it is again")
  func givenAgain() async throws {
    try await FileMeeting.run { meeting in
      let (content, path, root) = try await meeting.sendPlan(ofChunks: 5)
      let member = try FileMember(grantedBy: meeting.genesis)
      let stream = try await member.connect(to: meeting.session)
      func isGiven(_ chunk: Int) async throws {
        #expect(try await stream.next(where: Self.haves(of: root, areFull: true)) != nil)
        stream.send(.request(root: root, chunk: chunk))
        let answer = try await stream.next { if case .have = $0 { false } else { true } }
        #expect(answer == .chunk(root: root, chunk: chunk, content[chunk]))
      }
      stream.send(.have(root: root, map: ChunkMap(chunkCount: 5).bytes))
      try await isGiven(0)
      // Called off, and accepted.
      await meeting.session.take(line: "/cancel plan.bin")
      #expect(try await stream.next(where: Self.haves(of: root, areFull: false)) != nil)
      await meeting.session.take(line: "/cancel plan.bin")
      #expect(await meeting.journal.warning("not-fetched").contains("plan.bin"))
      await meeting.session.take(line: "/accept plan.bin")
      try await isGiven(1)
      // What is written to its end takes nothing of it.
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try file.seekToEnd()
      try file.write(contentsOf: Data("more".utf8))
      try file.close()
      await meeting.session.take(line: "/files")
      stream.send(.request(root: root, chunk: 2))
      let answer = try await stream.next { if case .have = $0 { false } else { true } }
      #expect(answer == .chunk(root: root, chunk: 2, content[2]))
      // Changed, put right and offered anew.
      try Data(content.flatMap { $0 }.reversed()).write(to: URL(fileURLWithPath: path))
      stream.send(.request(root: root, chunk: 3))
      let refusal = try await stream.next { if case .have = $0 { false } else { true } }
      #expect(refusal == .refusal(root: root, chunk: 3))
      #expect(try await stream.next(where: Self.haves(of: root, areFull: false)) != nil)
      try Data(content.flatMap { $0 }).write(to: URL(fileURLWithPath: path))
      await meeting.session.take(line: "/send \(path)")
      try await isGiven(4)
      await member.links.close()
    }
  }

  @Test("Leaving doesn't wait for a file that is being read")
  func leavesWhileReading() async throws {
    try await FileMeeting.run { meeting in
      let path = try Self.sparse("big.bin", size: 4 << 30, in: meeting)
      await meeting.session.take(line: "/send \(path)")
      let took = await ContinuousClock().measure { await meeting.session.take(line: "/leave") }
      #expect(took < .seconds(5), "\(took)")
      let last = await meeting.session.files.readings.first?.bytes ?? 0
      #expect(last < 4 << 30)
    }
  }

  @Test("A small file is offered before what is said after it")
  func smallFirst() async throws {
    try await FileMeeting.run { meeting in
      let path = try meeting.write([UInt8](repeating: 1, count: 1 << 20), to: "small.bin")
      await meeting.session.take(line: "/send \(path)")
      await meeting.session.take(line: "this is it")
      let texts = await meeting.journal.texts(until: "this is it")
      #expect(texts.count == 2 && texts[0].contains("small.bin"))
    }
  }
}
