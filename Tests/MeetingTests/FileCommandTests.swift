import Foundations
import Testing

@testable import Meeting

@Suite("Commands about files")
struct FileCommandTests {
  @Test(
    "A path with blanks stands in quotes of either kind, or alone; the rest is a note",
    arguments: [
      ("plan.pdf", "plan.pdf", ""), ("plan.pdf for  Monday", "plan.pdf", "for  Monday"),
      ("\"the plan.pdf\" for Monday", "the plan.pdf", "for Monday"),
      ("'the plan.pdf' for Monday", "the plan.pdf", "for Monday"),
      ("\"it's a plan\"", "it's a plan", ""), ("the real plan", "the real plan", ""),
      ("'no end", "'no", "end"), ("\"", "\"", ""), ("''", "", ""),
      ("\u{2028}", "\u{2028}", ""), ("\u{B}", "\u{B}", ""), ("", "", ""),
    ])
  func splits(rest: String, path: String, note: String) {
    let split = FileCommand.split(rest) { $0 == "the real plan" }
    #expect(split.path == path && split.note == note)
  }

  @Test(
    "What isn't one of them, or lacks its file, is no command",
    arguments: ["", "send", "accept ", "sent x", "send \u{2028}", "send \u{B} \u{85}"])
  func none(line: String) {
    #expect(FileCommand(parsing: line) == nil)
  }
}

@Suite("Commands that come at once", .serialized, .timeLimit(.minutes(1)))
struct FileCommandOrderTests {
  /// Holds up what is to be kept until the next command waits for it, as a slow disk does.
  private static func slowly(
    _ session: MeetingSession, _ body: () async -> Void
  ) async {
    let gate = AsyncFlag()
    await session.keepInTurn { (_, _) async throws(Failure) in
      await gate.wait(atMost: .milliseconds(500))
    }
    await body()
    gate.raise()
  }

  @Test("A file that was just sent is listed and called off by its name")
  func justSent() async throws {
    try await FileMeeting.run { meeting in
      let session = meeting.session
      await session.keepLines()
      let path = try meeting.write([1, 2, 3], to: "secret.txt")
      await Self.slowly(session) {
        await session.take(line: "/send \(path)")
        await session.take(line: "/files")
      }
      let other = try meeting.write([4, 5, 6], to: "other.txt")
      await Self.slowly(session) {
        await session.take(line: "/send \(other)")
        await session.take(line: "/cancel \"other.txt\"")
      }
      await session.take(line: "/accept 'secret.txt'")
      await session.take(line: "done")
      _ = await meeting.journal.texts(until: "done")
      #expect(await meeting.journal.warnings("no-files").isEmpty)
      #expect(await meeting.journal.warnings("no-such-file").isEmpty)
      let states = await session.files.items.values.map { ($0.offer.name, $0.state.isOffered) }
      #expect(Dictionary(uniqueKeysWithValues: states) == ["secret.txt": false, "other.txt": true])
    }
  }

  @Test("What is withdrawn as soon as it is offered stays withdrawn")
  func withdrawnAtOnce() async throws {
    try await FileMeeting.run { meeting in
      let session = meeting.session
      for number in 0..<100 {
        let path = try meeting.write([UInt8(number)], to: "\(number)")
        await session.take(line: "/send \(path)")
        await session.take(line: "/delete last")
      }
      await session.take(line: "/files")
      #expect(await session.files.items.isEmpty)
    }
  }
}
