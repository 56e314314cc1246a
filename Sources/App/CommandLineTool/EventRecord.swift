import Foundation
import Foundations
import Meeting
import Roster
import Vision

/// An event as it stands in JSON: `event`, `time`, and what belongs to it.
struct EventRecord: Encodable {
  let event: MeetingEvent
  let time: WallTime

  /// The object on one line.
  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else {
      preconditionFailure("an event that JSON can't hold: \(event)")
    }
    return String(decoding: data, as: UTF8.self)
  }

  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Field.self)
    try fields.encode(time.seconds, forKey: "time")
    func put(_ name: String, _ pairs: KeyValuePairs<Field, any Encodable>) throws {
      try fields.encode(name, forKey: "event")
      for (key, value) in pairs { try fields.encode(value, forKey: key) }
    }
    switch event {
    case .invite(let code, let link, let uses, let expires):
      try put(
        "invite", ["code": code, "link": link, "uses": uses, "expires": expires.seconds])
    case .joined(let meeting, let member, let title, let securityWords):
      try put(
        "joined", ["meeting": "\(meeting)", "member": "\(member)", "title": title])
      try fields.encodeIfPresent(securityWords, forKey: "securityWords")
    case .admitted(let member, let name, let words):
      try put("admitted", ["member": "\(member)", "name": name, "securityWords": words])
    case .memberJoined(let member, let name):
      try put("member-joined", ["member": "\(member)", "name": name])
    case .memberLeft(let member, let name, let reason):
      try put(
        "member-left", ["member": "\(member)", "name": name, "reason": reason.rawValue])
    case .connected(let member, let sinceStart, let local, let remote):
      try put(
        "connected",
        [
          "member": "\(member)", "milliseconds": sinceStart.wholeMilliseconds,
          "localCandidate": local, "remoteCandidate": remote,
        ])
    case .firstFrame(let member, let sinceStart, let steps):
      try put(
        "first-frame",
        [
          "member": "\(member)", "milliseconds": sinceStart.wholeMilliseconds,
          "steps": Dictionary(
            steps.map { ($0.name, $0.reached.wholeMilliseconds) }, uniquingKeysWith: { $1 }),
        ])
    case .chat(let line):
      try put(
        "chat",
        [
          "id": "\(line.id)", "member": "\(line.member)", "name": line.name, "text": line.text,
          "kind": line.kind.name, "sent": line.sent.seconds, "own": line.isOwn,
        ])
      try fields.encodeIfPresent(line.kind.target?.description, forKey: "target")
      switch line.kind {
      case .poll(let options): try fields.encode(options, forKey: "options")
      case .vote(_, let choice): try fields.encode(choice, forKey: "choice")
      case .reaction(_, let isWithdrawn): try fields.encode(isWithdrawn, forKey: "withdrawn")
      case .file(let name, let byteCount):
        try fields.encode(name, forKey: "fileName")
        try fields.encode(byteCount, forKey: "size")
      case .text, .reply, .edit, .delete, .moderation: break
      }
    case .file(let report):
      try put(
        "file",
        [
          "file": "\(report.file)", "name": report.name, "state": report.state.rawValue,
          "bytes": report.bytes, "total": report.total, "from": report.holders.map(\.description),
        ])
      try fields.encodeIfPresent(report.path, forKey: "path")
    case .reading(let reading):
      try put(
        "file-reading",
        [
          "number": reading.number, "name": reading.name, "state": reading.state.rawValue,
          "bytes": reading.bytes, "total": reading.total,
        ])
    case .hand(let member, let name, let isRaised):
      try put("hand", ["member": "\(member)", "name": name, "raised": isRaised])
    case .statistics(let statistics):
      try put(
        "statistics",
        [
          "members": statistics.members.map(MemberRow.init),
          "refused": [
            "connections": statistics.refused.connections,
            "datagrams": statistics.refused.datagrams,
          ],
          "processorSeconds": statistics.processorTime.inSeconds,
          "residentBytes": statistics.residentBytes,
        ])
    case .cameraSelected(let camera, let reason):
      try put("camera-selected", ["camera": camera, "reason": reason.rawValue])
    case .recording(let path, let member):
      try put("recording", ["path": path, "member": "\(member)"])
    case .help(let commands, let remark):
      let rows = commands.map { ["usage": $0.usage, "meaning": $0.meaning] }
      try put("help", ["commands": rows, "remark": remark])
    case .warning(let code, let message):
      try put("warning", ["code": code, "message": message])
    case .failed(let failure):
      try put("error", ["code": failure.code, "message": failure.message])
    case .left: try put("left", [:])
    }
  }

  struct Field: CodingKey, ExpressibleByStringLiteral {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringLiteral name: String) { stringValue = name }
    init(stringValue name: String) { stringValue = name }
    init?(intValue: Int) { nil }
  }
}

extension ChatLine.Kind {
  /// As entries and `virtue history` call it.
  fileprivate var name: String {
    switch self {
    case .text: "text"
    case .reply: "reply"
    case .edit: "edit"
    case .delete: "delete"
    case .reaction: "reaction"
    case .poll: "poll"
    case .vote: "vote"
    case .moderation: "moderation"
    case .file: "file"
    }
  }

  fileprivate var target: EntryID? {
    switch self {
    case .reply(let target), .edit(let target), .delete(let target), .reaction(let target, _),
      .vote(let target, _):
      target
    case .text, .poll, .moderation, .file: nil
    }
  }
}

/// One member's line in `statistics`.
private struct MemberRow: Encodable {
  let member: String
  let name: String
  let sent: FlowRow
  let received: FlowRow
  let packetsLost: Int
  let roundTripMilliseconds: Double?
  let jitterBufferMilliseconds: Double?
  let captureToDisplayMilliseconds: Double?

  init(_ statistics: MemberStatistics) {
    member = "\(statistics.member)"
    name = statistics.name
    sent = FlowRow(statistics.sent)
    received = FlowRow(statistics.received)
    packetsLost = statistics.packetsLost
    roundTripMilliseconds = statistics.roundTrip?.milliseconds
    jitterBufferMilliseconds = statistics.jitterBuffer?.milliseconds
    captureToDisplayMilliseconds = statistics.captureToDisplay?.milliseconds
  }
}

private struct FlowRow: Encodable {
  let fps: Double
  let width: Int
  let height: Int
  let bitrate: Int

  init(_ flow: MemberStatistics.Flow) {
    fps = (flow.framesPerSecond * 10).rounded() / 10
    width = flow.width
    height = flow.height
    bitrate = flow.bitrate.bitsPerSecond
  }
}

extension Duration {
  var wholeMilliseconds: Int { Int(milliseconds.rounded()) }
}
