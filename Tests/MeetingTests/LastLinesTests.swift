import Chat
import Foundation
import Foundations
import Gossip
import History
import Testing
import Wire

@testable import Meeting

@Suite("What is said last", .timeLimit(.minutes(1)))
struct LastLinesTests {
  private static let lines = (0..<100).map { "line \($0)" }

  @Test("Who pipes lines in says less than the others pass on", arguments: [1, 700, 4096])
  func pace(byteCount: Int) {
    let bounds = GossipBounds()
    let lines = (MeetingSession.mostInTurn / (1 + Double(byteCount) / MeetingSession.lineUnit))
      .rounded(.up)
    // What is signed beside the text, heads included, has no more than 600 bytes.
    let cost = 1 + Double(byteCount + 600) / Double(bounds.relayUnit)
    #expect(lines * cost / MeetingSession.turn.inSeconds < bounds.relaysPerSecond)
  }

  /// Holds up what is to be kept, as a slow disk does.
  private static func hold(_ session: MeetingSession) async -> AsyncFlag {
    let gate = AsyncFlag()
    await session.keepInTurn { (_, _) async throws(Failure) in
      await gate.wait(atMost: .seconds(30))
    }
    return gate
  }

  @Test("It is kept though nobody holds the session any more")
  func dropped() async throws {
    let path = NSTemporaryDirectory() + "virtue-" + SecretSource.system.bytes(8).hexadecimal
    defer { try? FileManager.default.removeItem(atPath: path) }
    var options = MeetingOptions(name: "Ada", dataDirectory: path)
    options.interfaces = ["lo"]
    let host = HostOptions(title: "Last", uses: 1, life: .seconds(600), isVisible: false)
    var session: MeetingSession? = try await .host(host, options: options)
    let (parts, commitment, gate) = try await Self.speak(in: #require(session))
    session = nil
    gate.raise()
    await commitment?.value
    let kept = try await parts.history.messages(limit: 1000)
    #expect(kept.map(\.text) == Self.lines)
    await parts.close()
    await parts.history.close()
  }

  private static func speak(
    in session: MeetingSession
  ) async -> (SessionParts, Task<Void, Never>?, AsyncFlag) {
    await session.keepLines()
    let gate = await hold(session)
    for line in lines { await session.say(line) }
    return (await session.parts, await session.commitment, gate)
  }

  /// What is said and not deleted.
  private static func texts(_ session: MeetingSession) async -> [String] {
    await session.keepLines()
    return await session.chat.ordered.compactMap {
      ["text", "poll", "file"].contains($0.body.kind) ? $0.body.displayText : nil
    }
  }

  @Test(
    "Where the last line was refused, last means nothing once, and then the line before it",
    arguments: [
      String(repeating: "x", count: 9000), "/send /no/such/file", "/reply abcd hello", "/poll what",
    ])
  func refused(line: String) async throws {
    try await FileMeeting.run { meeting in
      let session = meeting.session
      for line in ["keep me", line, "/delete last"] { await session.take(line: line) }
      #expect(await Self.texts(session) == ["keep me"])
      await meeting.journal.count(reaches: 1) { event in
        if case .warning("bad-command", let message) = event {
          message.contains("Your last line was not sent")
        } else {
          false
        }
      }
      await session.take(line: "/delete last")
      #expect(await Self.texts(session) == [])
      // What is sent after it is the last line again.
      for line in [line, "sent", "/delete last"] { await session.take(line: line) }
      #expect(await Self.texts(session) == [])
    }
  }

  @Test("A line that was refused is told of with the part that is at fault, and how long it may be")
  func reasons() async throws {
    func long(_ count: Int) -> String { String(repeating: "é", count: count / 2) + "!" }
    let whole = "it is longer than 4096 bytes. Shorten or divide it."
    let expected = [
      (long(4096), whole), (long(9000), whole), ("/reply last \(long(4096))", whole),
      ("/edit last \(long(4096))", whole), ("\u{1}", "nothing of it can be seen."),
      (
        "/poll \(long(512)) | yes | no",
        "the poll's question is longer than 512 bytes. Shorten it."
      ),
      (
        "/poll \(long(9000)) | yes | no",
        "the poll's question is longer than 512 bytes. Shorten it."
      ),
      ("/poll \u{1} | yes | no", "nothing of the poll's question can be seen."),
      (
        "/poll Tea? | yes | \(long(128))",
        "an answer of the poll is longer than 128 bytes. Shorten it."
      ),
      ("/poll Tea? | yes | \u{1}", "nothing of an answer of the poll can be seen."),
      ("/react last \(long(32))", "the reaction is longer than 32 bytes. Shorten it."),
    ]
    try await FileMeeting.run { meeting in
      let session = meeting.session
      for (line, _) in expected {
        for line in ["a message", line] { await session.take(line: line) }
      }
      await session.keepLines()
      await meeting.journal.count(reaches: expected.count) { event in
        if case .warning("chat-refused", _) = event { true } else { false }
      }
      #expect(
        await meeting.journal.warnings("chat-refused")
          == expected.map { "The line was not sent: \($0.1)" })
      let path = try meeting.write([1], to: "plan.pdf")
      await session.take(line: "/send \(path) \(long(512))")
      #expect(
        await meeting.journal.warning("file-not-sent")
          == "\(path) was not offered: the note is longer than 512 bytes; shorten it.")
    }
  }

  @Test("Help prints each command as it is told where one is written wrong, and warns of nothing")
  func help() async throws {
    try await FileMeeting.run { meeting in
      await meeting.session.take(line: "/help")
      let commands = await meeting.journal.first { event in
        if case .help(let commands, _) = event { commands } else { nil }
      }
      #expect(commands == LineHelp.commands && Set(commands.map(\.usage)).count == commands.count)
      #expect(await meeting.journal.warnings("unknown-command").isEmpty)
      // None of them takes this.
      let wrong = ["/poll", "/vote last", "/hand x", "/send", "/accept", "/leave x", "/help x"]
      for (count, line) in wrong.enumerated() {
        await meeting.session.take(line: line)
        await meeting.journal.count(reaches: count + 1) { event in
          if case .warning("bad-command", _) = event { true } else { false }
        }
        let message = try #require(await meeting.journal.warnings("bad-command").last)
        let verb = line.split(separator: " ")[0]
        let form = try #require(commands.first { $0.usage.split(separator: " ")[0] == verb })
        #expect(message.hasPrefix("Write it as \(form.instruction)."))
      }
    }
  }

  @Test("While a file is read that was sent last, last means the file, and deletes it unsent")
  func reading() async throws {
    try await FileMeeting.run { meeting in
      let session = meeting.session
      let paths = try ["one.bin", "two.bin"].map { name in
        let path = try meeting.write([], to: name)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.truncate(atOffset: 4 << 30)
        try file.close()
        return path
      }
      await session.take(line: "innocent")
      for path in paths { await session.take(line: "/send \(path)") }
      await session.take(line: "/react last !")
      #expect(await meeting.journal.warning("bad-command").contains("two.bin is being read"))
      for number in [2, 1] {
        await session.take(line: "/delete last")
        _ = await meeting.journal.reading { $0.state == .cancelled && $0.number == number }
      }
      #expect(await Self.texts(session) == ["innocent"])
      await session.take(line: "/delete last")
      #expect(await Self.texts(session) == [])
      // A line that was said since is later than the file.
      for line in ["/send \(paths[0])", "said since", "/delete last"] {
        await session.take(line: line)
      }
      #expect(await Self.texts(session) == [])
      #expect(await session.files.readings.map(\.path) == [paths[0]])
    }
  }

  @Test("Leaving waits until all is kept, and says so if lines come that it can't say any more")
  func leaving() async throws {
    try await FileMeeting.run { meeting in
      let session = meeting.session
      let gate = await Self.hold(session)
      for line in Self.lines { await session.say(line) }
      async let leaving: Void = session.leave()
      while await !session.isLeaving { await Task.yield() }
      await session.take(line: " ")
      await session.take(line: "too late")
      await session.take(line: "much too late")
      gate.raise()
      await leaving
      _ = await meeting.journal.first { if case .left = $0 { true } else { nil } }
      // The blank one is nothing, and what is wrong is told once.
      #expect(await meeting.journal.warnings("lines-unsaid").count == 1)
      let path = meeting.parts.history.path
      let kept = try await HistoryStore(reading: path).messages(limit: 1000)
      #expect(kept.map(\.text) == Self.lines)
    }
  }

  @Test(
    "Leaving waits only so long while nothing can be kept, and says what isn't",
    arguments: [false, true])
  func held(isCancelled: Bool) async throws {
    try await FileMeeting.run { meeting in
      let session = meeting.session
      await session.keepLines()
      await session.set(keepingPatience: .milliseconds(200))
      let gate = await Self.hold(session)
      await session.say("never kept")
      let leaving = Task { await session.leave() }
      if isCancelled { leaving.cancel() }
      await leaving.value
      gate.raise()
      let told = await meeting.journal.warning("lines-unkept")
      #expect(told.contains("couldn't be kept on this computer"))
      _ = await meeting.journal.warning("lines-unsaid")
    }
  }
}

extension MeetingSession {
  fileprivate func set(keepingPatience: Duration) { self.keepingPatience = keepingPatience }
}
