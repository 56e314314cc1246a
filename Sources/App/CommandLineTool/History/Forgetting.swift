import Foundation
import Foundations
import History
import Meeting

/// Deleting a meeting from this computer.
struct Forgetting {
  let directory: String
  /// Whether to delete without asking.
  let isAgreed: Bool
  let json: Bool

  func run(_ name: String) async throws(Failure) {
    // Held to the end: no meeting can begin to write meanwhile. One that runs is refused here.
    let held = try DataDirectory(path: directory)
    let store = try HistoryStore(
      path: held.historyPath, now: HostClock().wallTime())
    for warning in await store.takeWarnings() {
      await store.close()
      throw warning
    }
    let meeting = try await store.meeting(named: name)
    try confirm(meeting)
    try await store.forget(meeting.id, at: HostClock().wallTime())
    await store.close()
    try held.forgetGenesis(of: meeting.id)
    held.forgetFiles(of: meeting.id)
    let output = LineWriter(descriptor: STDOUT_FILENO)
    output.write(json ? MeetingRow(meeting).json : "Forgotten: \(HistoryText.summary(meeting))")
    for file in HistoryStore.setAside(beside: held.historyPath) {
      LineWriter(descriptor: STDERR_FILENO).write(
        "It may still be in \(file), which was set aside as damaged: delete that too.")
    }
  }

  private func confirm(_ meeting: MeetingSummary) throws(Failure) {
    guard !isAgreed else { return }
    guard isatty(STDIN_FILENO) == 1 else {
      throw Failure(
        "not-confirmed", exit: .usage,
        "Forgetting can't be undone: add --yes to do it without being asked.")
    }
    LineWriter(descriptor: STDERR_FILENO).put(
      "\(HistoryText.summary(meeting))\nForget it, and all that was said? [y/N] ")
    guard ["y", "yes"].contains(readLine()?.lowercased()) else {
      throw Failure("not-confirmed", exit: .usage, "Nothing was forgotten.")
    }
  }
}
