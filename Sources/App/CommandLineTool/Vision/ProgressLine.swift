import Foundation
import Foundations
import Synchronization

/// How far something has come, on standard error: one line that is drawn over, or, where that isn't a
/// terminal, a line for each tenth.
final class ProgressLine: Sendable {
  private let title: String
  private let isTerminal: Bool
  private let state = Mutex(State())

  private struct State {
    var tenth = -1
    var drawn: Moment?
    var hasText = false
  }

  /// A terminal is drawn on this often at most.
  private static let interval = Duration.milliseconds(100)

  init(_ title: String) {
    self.title = title
    isTerminal = isatty(STDERR_FILENO) == 1
  }

  /// - Parameter scale: what one of `unit` is; numbers are shown divided by it.
  func show(_ done: Int, of total: Int, unit: String, scale: Double = 1) {
    let total = max(total, 1)
    let now = HostClock().now()
    let tenth = done * 10 / total
    let isDue = state.withLock { state in
      let isDue =
        isTerminal
        ? state.drawn.map { now - $0 >= Self.interval } ?? true || done >= total
        : tenth > state.tenth
      guard isDue else { return false }
      (state.tenth, state.drawn, state.hasText) = (tenth, now, true)
      return true
    }
    guard isDue else { return }
    func amount(_ count: Int) -> Int { Int((Double(count) / scale).rounded()) }
    let numbers = "\(amount(done)) of \(amount(total)) \(unit)"
    let text = "\(title): \(done * 100 / total) % (\(numbers))"
    write(isTerminal ? "\r\u{1B}[K\(text)" : text + "\n")
  }

  /// Leaves the last state standing.
  func end() {
    let hasText = state.withLock { $0.hasText }
    if isTerminal, hasText { write("\n") }
  }

  private func write(_ text: String) {
    LineWriter(descriptor: STDERR_FILENO).put(text)
  }
}
