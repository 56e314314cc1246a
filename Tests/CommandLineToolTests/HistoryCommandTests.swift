import ArgumentParser
import Chat
import Foundation
import Foundations
import Meeting
import SwiftProtobuf
import Testing
import Wire

@testable import CommandLineTool
@testable import History

@Suite("virtue history")
struct HistoryCommandTests {
  private let directory: String
  private let genesis = SigningKey(from: .system)
  private var meeting: MeetingID { MeetingID(publicKey: genesis.publicKey) }

  init() throws {
    directory = NSTemporaryDirectory() + "virtue-" + SecretSource.system.bytes(8).hexadecimal
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  /// A hostile title, hostile names and texts, and one of each kind.
  private func keep() async throws {
    let store = try HistoryStore(path: directory + "/history.sqlite", now: wall(0))
    try await store.register(
      MeetingRecord(
        id: meeting, genesisKey: genesis.publicKey, title: "</title><script>alert(1)</script>",
        chain: nil), at: wall(0))
    var log = ChatLog(meeting: meeting, key: SigningKey(from: .system), stored: [])
    var time: Int64 = 0
    func say(_ body: WireChatBody) async throws -> Entry {
      time += 60_000
      var outputs: [ChatLog.Output] = []
      log.handle(.compose(body, wall: wall(time)), at: .zero, into: &outputs)
      guard case .commit(let entries)? = outputs.first else { throw CancellationError() }
      log.handle(.committed(entries.map(\.id)), at: .zero, into: &outputs)
      try await store.append(entries, at: wall(time))
      return entries[0]
    }
    _ = try await say(.joined(name: "<b>Ada</b> \"&'"))
    let said = try await say(
      .text("a <img src=x onerror=alert(1)> & \u{202E}evil\u{1B}[2J\n12:00:00 Bob: forged"))
    _ = try await say(.reply(to: said.hash, "an answer"))
    _ = try await say(.edit(of: said.hash, "<i>edited</i>\n12:00:00 Bob: forged"))
    _ = try await say(.reaction(to: said.hash, "<u>"))
    let poll = try await say(.poll("<q>Tea?", options: ["<yes>", "no"]))
    _ = try await say(.vote(in: poll.hash, [0]))
    _ = try await say(.hand(isRaised: true))
    let secret = try await say(.text("secret"))
    _ = try await say(.delete([secret.hash]))
    await store.close()
  }

  private func wall(_ milliseconds: Int64) -> WallTime {
    WallTime(milliseconds: 1_700_000_000_000 + milliseconds)
  }

  private func export(_ name: String, _ options: [String] = []) async throws -> String {
    let path = "\(directory)/\(name)"
    let command = try HistoryCommand.parse(
      ["--data-dir", directory, "--export", path, "--json"] + options)
    try await command.run()
    return try String(contentsOfFile: path, encoding: .utf8)
  }

  @Test("An exported page holds what was said as text, and nothing that runs or is fetched")
  func page() async throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await keep()
    let page = try await export("lesson.html")
    for tag in ["<script", "<img", "<i>", "<u>", "<q>", "<yes>", "<b>Ada"] {
      #expect(!page.contains(tag), "\(tag)")
    }
    for part in [
      "&lt;i&gt;edited&lt;/i&gt;", "&lt;b&gt;Ada&lt;/b&gt; &quot;&amp;&#39;", "an answer",
      "&lt;yes&gt;", "raised a hand", "deleted what stood here", "Attendance", "default-src 'none'",
    ] {
      #expect(page.contains(part), "\(part)")
    }
    #expect(!page.contains("secret"))
    #expect(!page.unicodeScalars.contains { $0 == "\u{202E}" || $0 == "\u{1B}" })
    // Nothing points out of the page.
    for address in ["http:", "https:", "//", "src=", "url("] {
      #expect(!page.contains(address), "\(address)")
    }
  }

  @Test("An exported text can't pass a line for somebody else's")
  func text() async throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await keep()
    let lines = try await export("lesson.txt").split(separator: "\n").map(String.init)
    // Quoted within an answer's line it is nobody's.
    let forged = lines.filter {
      $0.trimmingCharacters(in: .whitespaces).hasPrefix("12:00:00 Bob: forged")
    }
    #expect(forged.count == 1)
    #expect(forged.allSatisfy { $0.hasPrefix("           ") }, "\(forged)")
    #expect(lines.contains { $0.hasSuffix("<i>edited</i>") })
    #expect(lines.contains { $0.contains("1 × <yes>") })
  }

  @Test("Meetings of one title on one day stand under headings of their own, as days of one do")
  func headings() throws {
    let ids = [1, 2].map { MeetingID(Array(repeating: $0, count: 16))! }
    let day: Int64 = 86_400_000
    let said: [(Int, Int64)] = [(0, 0), (0, 1), (1, 2), (1, 3), (0, 4), (0, 4 + day)]
    let messages = said.enumerated().map { number, one in
      Message(
        id: EntryID(Array(repeating: UInt8(number), count: 16))!, meeting: ids[one.0],
        author: PeerID(Array(repeating: 7, count: 16))!, name: "Ada", kind: "text",
        text: "line \(number)", time: wall(one.1))
    }
    let lines = HistoryText.lines(
      messages, titles: [ids[0]: "Standup", ids[1]: "Standup"])
    let shape = lines.map { line in
      line.hasPrefix("Standup · ") ? "heading" : line.isEmpty ? "" : String(line.suffix(6))
    }
    #expect(
      shape == [
        "heading", "line 0", "line 1", "", "heading", "line 2", "line 3", "", "heading", "line 4",
        "", "heading", "line 5",
      ])
  }

  @Test("An exported object has every message, and the hash that the others have")
  func object() async throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await keep()
    let data = Data(try await export("lesson.json").utf8)
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let messages = try #require(object["messages"] as? [[String: Any]])
    #expect(
      messages.compactMap { $0["kind"] as? String }
        == ["joined", "text", "reply", "poll", "hand", "deleted"])
    #expect(messages[1]["edited"] as? Bool == true)
    #expect(messages[2]["target"] as? String == messages[1]["id"] as? String)
    #expect((object["sha256"] as? String)?.count == 64)
  }

  @Test("An export replaces no file unless it is told to, and only its owner may read it")
  func overwriting() async throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await keep()
    try Data("mine".utf8).write(to: URL(fileURLWithPath: directory + "/lesson.txt"))
    await #expect(throws: (any Error).self) { _ = try await export("lesson.txt") }
    #expect(FileManager.default.contents(atPath: directory + "/lesson.txt") == Data("mine".utf8))
    #expect(try await export("lesson.txt", ["--force"]).contains("an answer"))
    let attributes = try FileManager.default.attributesOfItem(atPath: directory + "/lesson.txt")
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    await #expect(throws: (any Error).self) { _ = try await export("none/lesson.txt") }
    let names = try FileManager.default.contentsOfDirectory(atPath: directory)
    #expect(!names.contains { $0.hasSuffix(".new") })
  }

  @Test("An export of nothing that fits writes nothing, and says so")
  func nothingFits() async throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await keep()
    #expect(try await export("lesson.txt", ["--search", "answer"]).contains("an answer"))
    await #expect(throws: ExitCode(ExitStatus.noInput.rawValue)) {
      _ = try await export("other.txt", ["--search", "xylophone"])
    }
    #expect(!FileManager.default.fileExists(atPath: directory + "/other.txt"))
  }

  @Test("What names no meeting is refused for what it is")
  func names() async throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await keep()
    let store = try HistoryStore(reading: directory + "/history.sqlite")
    let id = "\(meeting)"
    for name in [id, String(id.prefix(4)).uppercased(), "latest"] {
      #expect(try await store.meeting(named: name).id == meeting)
    }
    let other = id.hasPrefix("0000") ? "1111" : "0000"
    for (name, sentence) in [
      ("", "names no meeting"), (String(id.prefix(3)), "at least four digits"),
      ("Lesson", "names no meeting"), (other, "begins with \(other)"),
    ] {
      let failure = await #expect(throws: Failure.self) { _ = try await store.meeting(named: name) }
      #expect(failure?.message.contains(sentence) == true, "\(name)")
    }
  }

  @Test("A meeting is forgotten with its key, but not unasked and not while a program runs on it")
  func forget() async throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await keep()
    let yes = try HistoryCommand.parse([
      "--data-dir", directory, "--forget", "latest", "--yes", "--json",
    ])
    do {
      let running = try DataDirectory(path: directory)
      try running.keep(genesis: genesis, of: meeting)
      await #expect(throws: (any Error).self) { try await yes.run() }
      withExtendedLifetime(running) {}
    }
    #expect(try await meetings() == 1)
    try await yes.run()
    #expect(try await meetings() == 0)
    #expect(!FileManager.default.fileExists(atPath: "\(directory)/genesis-\(meeting).key"))
  }

  private func meetings() async throws -> Int {
    try await HistoryStore(reading: directory + "/history.sqlite").meetings().count
  }

  @Test("Options that make no sense are refused before anything is done")
  func usage() {
    for options in [
      ["--limit", "0"], ["--since", "soon"], ["--export", "a.pdf"], ["--export", "a"],
      ["--hash", "--export", "a.txt"], ["--forget", "x", "--hash"],
      ["--hash", "--search", "tea"], ["--forget", "x", "--meeting", "y"], ["--attendance"],
      ["--limit", "5"], ["--export", "a.txt", "--attendance"], ["--force"], ["--yes"],
    ] {
      #expect(throws: (any Error).self) { try HistoryCommand.parse(options) }
    }
  }

  @Test("Times are read as people write them")
  func times() throws {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(identifier: "Europe/Vienna"))
    // 14 November 2023, 23:13:20 in Vienna.
    let now = Date(timeIntervalSince1970: 1_700_000_000)
    let expected: [(String, Double)] = [
      ("today", 1_699_916_400), ("yesterday", 1_699_830_000), ("90m", 1_699_994_600),
      ("2h", 1_699_992_800), ("3d", 1_699_740_800), ("2023-11-01", 1_698_793_200),
      ("2023-11-01T14:30", 1_698_845_400), ("2023-11-01 14:30:05", 1_698_845_405),
      ("2023-11-01T14:30:00Z", 1_698_849_000),
    ]
    for (text, seconds) in expected {
      let time = TimeArgument.time(text, now: now, calendar: calendar)
      #expect(time?.timeIntervalSince1970 == seconds, "\(text)")
    }
    for text in ["", "m", "-3h", "2023-13-01", "99999999999999999999d", "10000000000w", "noon"] {
      #expect(TimeArgument.time(text, now: now, calendar: calendar) == nil, "\(text)")
    }
  }
}
