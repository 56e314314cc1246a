import Foundation
import Foundations
import Meeting
import Roster
import Testing
import Vision

@testable import CommandLineTool

@Suite("Events in JSON")
struct EventSchemaTests {
  private static let member = PeerID(Array(0..<16))!
  private static let entry = EntryID(Array(0..<16))!
  private static let samples: [MeetingEvent] =
    [
      .invite(
        code: "7-lagoon-copper-finch", link: "virtue://join?code=x", uses: 3,
        expires: WallTime(milliseconds: 1)),
      .joined(
        meeting: MeetingID(Array(16..<32))!, member: member, title: "Standup",
        securityWords: "a b c"),
      .joined(
        meeting: MeetingID(Array(16..<32))!, member: member, title: "Standup", securityWords: nil),
      .admitted(member: member, name: "Ada", securityWords: "a b c"),
      .memberJoined(member: member, name: "Ada"),
      .memberLeft(member: member, name: "Ada", reason: .lost),
      .connected(
        member: member, sinceStart: .milliseconds(12), localCandidate: "host",
        remoteCandidate: "host"
      ),
      .firstFrame(
        member: member, sinceStart: .milliseconds(12),
        steps: [JoinStep(name: "found", reached: .milliseconds(3))]),
      .chat(
        ChatLine(
          id: EntryID(Array(0..<16))!, member: member, name: "Ada", text: "\u{1F600} \"quoted\"\n",
          sent: WallTime(milliseconds: 5), isOwn: true)),
    ]
    + ([
      .reply(to: entry), .edit(of: entry), .delete(of: entry),
      .reaction(to: entry, isWithdrawn: true), .poll(options: ["a", "b"]),
      .vote(in: entry, [1, 2]),
      .vote(in: entry, []), .moderation, .file(name: "a.pdf", byteCount: 1),
    ] as [ChatLine.Kind]).map { kind in
      .chat(
        ChatLine(
          id: entry, member: member, name: "Ada", text: "x", sent: WallTime(milliseconds: 5),
          isOwn: false, kind: kind))
    } + [
      .hand(member: member, name: "Ada", isRaised: true),
      .file(
        FileReport(
          file: entry, name: "a.pdf", state: .complete, bytes: 1, total: 1, holders: [member],
          path: "/tmp/a.pdf")),
      .reading(
        FileReading(number: 1, name: "a.pdf", state: .reading, bytes: 1, total: 2)),
      .statistics(
        MeetingStatistics(
          members: [
            MemberStatistics(
              member: member, name: "Ada", sent: .init(), received: .init(), packetsLost: 0,
              roundTrip: .milliseconds(1), jitterBuffer: .milliseconds(40), captureToDisplay: nil)
          ], processorTime: .seconds(1), residentBytes: 5)),
      .cameraSelected(camera: 1, reason: .gaze),
      .recording(path: "/tmp/a.webm", member: member),
      .help(LineHelp.commands, remark: LineHelp.remark),
      .warning(code: "x", message: "y"),
      .failed(Failure("x", exit: .usage, "y")),
      .left,
    ]

  @Test("Each event is one line that its schema allows", arguments: samples)
  func schema(event: MeetingEvent) throws {
    let schema = try Self.object(
      Data(Repository().text(of: "Sources/App/CommandLineTool/events.schema.json").utf8))
    let line = EventRecord(event: event, time: WallTime(milliseconds: 1500)).json
    #expect(!line.contains("\n"))
    let object = try Self.object(Data(line.utf8))
    #expect(object["time"] as? Double == 1.5)
    let definitions = try #require(schema["$defs"] as? [String: Any])
    let events = try #require(definitions["events"] as? [String: Any])
    let name = try #require(object["event"] as? String)
    let rule = try #require(events[name] as? [String: Any], "the schema lacks \(name)")
    try Self.check(
      object, against: rule, definitions: definitions, ignoring: ["event", "time"], at: name)
  }

  @Test("The schema has no event that the program never says")
  func complete() throws {
    let schema = try Self.object(
      Data(Repository().text(of: "Sources/App/CommandLineTool/events.schema.json").utf8))
    let definitions = try #require(schema["$defs"] as? [String: Any])
    let events = try #require(definitions["events"] as? [String: Any])
    let said = try Self.samples.map { event in
      try Self.object(Data(EventRecord(event: event, time: WallTime(milliseconds: 0)).json.utf8))[
        "event"] as? String
    }
    #expect(Set(events.keys) == Set(said.compactMap { $0 }))
  }

  private static func object(_ data: Data) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  /// The part of JSON Schema that the file uses; a property that isn't in it is a fault too.
  private static func check(
    _ value: Any, against rule: [String: Any], definitions: [String: Any],
    ignoring: Set<String> = [], at path: String
  ) throws {
    var rule = rule
    if let reference = rule["$ref"] as? String {
      let name = String(reference.split(separator: "/").last ?? "")
      rule = try #require(definitions[name] as? [String: Any])
    }
    switch rule["type"] as? String {
    case "string":
      let text = try #require(value as? String, "\(path) is no string")
      if let pattern = rule["pattern"] as? String {
        #expect(text.range(of: pattern, options: .regularExpression) != nil, "\(path): \(text)")
      }
      if let choices = rule["enum"] as? [String] { #expect(choices.contains(text), "\(path)") }
    case "number", "integer": _ = try #require(value as? NSNumber, "\(path) is no number")
    case "boolean": _ = try #require(value as? Bool, "\(path) is no boolean")
    case "array":
      let items = try #require(value as? [Any], "\(path) is no array")
      let itemRule = try #require(rule["items"] as? [String: Any])
      for item in items {
        try check(item, against: itemRule, definitions: definitions, at: path + "[]")
      }
    case _:
      let object = try #require(value as? [String: Any], "\(path) is no object")
      guard let properties = rule["properties"] as? [String: Any] else { return }
      for name in rule["required"] as? [String] ?? [] {
        #expect(object[name] != nil, "\(path) lacks \(name)")
      }
      for (name, value) in object where !ignoring.contains(name) {
        let property = try #require(
          properties[name] as? [String: Any], "\(path).\(name) is not in the schema")
        try check(value, against: property, definitions: definitions, at: "\(path).\(name)")
      }
    }
  }
}
