import Admission
import Capture
import Chat
import Foundations
import Meeting
import Playback

/// What people type and paste.
let textTargets: [FuzzTarget] = [
  text("invite-code") { _ = try? InviteCode(parsing: $0) },
  text("invite-link") { _ = try? InviteLink(parsing: $0) },
  text("network-address") { _ = NetworkAddress($0) },
  text("specs") {
    _ = try? CameraSpec($0)
    _ = try? MicrophoneSpec($0)
    _ = try? SpeakerSpec($0)
  },
  text("display-text") {
    let line = DisplayText.line($0, limit: 64)
    precondition(line.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "a control character")
    let lines = DisplayText.lines($0).unicodeScalars
    precondition(
      lines.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control },
      "a control character")
  },
  text("chat-command") { text in
    for line in text.split(separator: "\n") { _ = try? ChatCommand(parsing: line) }
  },
  text("service-record") { text in
    let pairs = text.split(separator: "\n").map { line in
      let halves = line.split(separator: "=", maxSplits: 1).map(String.init)
      return (halves.first ?? "", halves.count > 1 ? halves[1] : "")
    }
    _ = ServiceRecord(attributes: Dictionary(pairs, uniquingKeysWith: { first, _ in first }))
  },
]

private func text(_ name: String, _ take: @escaping @Sendable (String) -> Void) -> FuzzTarget {
  FuzzTarget(name: name) { take(String(decoding: $0, as: UTF8.self)) }
}
