import Admission
import Capture
import Chat
import Dispatch
import Foundations
import History
import Meeting
import Playback
import Synchronization
import Wire

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
    for line in text.split(separator: "\n") {
      _ = try? ChatCommand(parsing: line)
      guard case .send(let rest)? = FileCommand(parsing: line) else { continue }
      _ = FileCommand.split(rest) { $0.count % 2 == 0 }
    }
  },
  text("search") { text in
    let halves = text.split(separator: "\n", maxSplits: 1).map(String.init)
    searched.withLock { history in
      precondition(history.says(halves.last ?? "", search: halves.first ?? ""), "a search failed")
    }
  },
  text("service-record") { text in
    let pairs = text.split(separator: "\n").map { line in
      let halves = line.split(separator: "=", maxSplits: 1).map(String.init)
      return (halves.first ?? "", halves.count > 1 ? halves[1] : "")
    }
    _ = ServiceRecord(attributes: Dictionary(pairs, uniquingKeysWith: { first, _ in first }))
  },
]

private let searched = Mutex(SearchedHistory())

/// A history in memory, in which one line at a time is looked for.
private struct SearchedHistory {
  private static let meeting = MeetingID([UInt8](repeating: 7, count: 16))!
  private let key = SigningKey(from: .system)
  private let store: HistoryStore

  init() {
    let nowhere = Failure("nowhere", exit: .system, "It is never kept.")
    store = try! HistoryStore(insteadOf: "/nowhere", because: nowhere)
  }

  /// - Returns: whether the line was kept, if it can be said at all, and every search came to an end.
  func says(_ line: String, search: String) -> Bool {
    let now = HostClock().wallTime()
    var log = ChatLog(meeting: Self.meeting, key: key, stored: [])
    var outputs: [ChatLog.Output] = []
    log.handle(.compose(.text(line), wall: now), at: .zero, into: &outputs)
    let entries = outputs.flatMap { output -> [Entry] in
      if case .commit(let entries) = output { entries } else { [] }
    }
    return finishes { [store, key] in
      try await store.register(
        MeetingRecord(id: Self.meeting, genesisKey: key.publicKey, title: search, chain: nil),
        at: now)
      try await store.append(entries, at: now)
      for text in [search, line] { _ = try await store.messages(search: text, limit: 3) }
      try await store.forget(Self.meeting, at: now)
    }
  }

  private func finishes(_ body: @escaping @Sendable () async throws -> Void) -> Bool {
    let succeeded = Mutex(false)
    let done = DispatchSemaphore(value: 0)
    Task.detached {
      let result: Void? = try? await body()
      succeeded.withLock { $0 = result != nil }
      done.signal()
    }
    done.wait()
    return succeeded.withLock { $0 }
  }
}

private func text(_ name: String, _ take: @escaping @Sendable (String) -> Void) -> FuzzTarget {
  FuzzTarget(name: name) { take(String(decoding: $0, as: UTF8.self)) }
}
