import Foundation
import Foundations
import Synchronization

/// How far something has come, on standard error: one line that is drawn over, or, where that isn't a
/// terminal, a line for each tenth.
final class ProgressLine: Sendable {
  private let title: String
  private let name: String?
  private let isTerminal: Bool
  private let state = Mutex(State())

  private struct State {
    var tenth = -1
    var drawn: Moment?
    var hasText = false
  }

  /// A terminal is drawn on this often at most.
  private static let interval = Duration.milliseconds(100)
  /// Columns of a name below which it says nothing.
  private static let shortestName = 9

  /// - Parameter name: of what the title speaks of; where there is little room, less of it is shown.
  init(_ title: String, about name: String? = nil) {
    self.title = title
    self.name = name
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
    let text = Self.text(
      title, about: name, share: ": \(done * 100 / total) %",
      numbers: " (\(amount(done)) of \(amount(total)) \(unit))",
      columns: Terminal.size(of: STDERR_FILENO)?.columns)
    write(isTerminal ? "\r\u{1B}[K\(text)" : text + "\n")
  }

  /// What would fill a row is made shorter, or the next state would be drawn below it: of the name the
  /// middle, then the numbers go, then the name, and at last the title's middle.
  /// - Parameter columns: of the terminal; `nil` where there is none.
  static func text(
    _ title: String, about name: String?, share: String, numbers: String, columns: Int?
  ) -> String {
    let named = name.map { " (\($0))" } ?? ""
    guard let columns else { return title + named + share + numbers }
    // A terminal may go on to the next row once the last column is filled.
    let room = columns - 1
    for end in [share + numbers, share] {
      let free = room - Terminal.width(of: title + end)
      if Terminal.width(of: named) <= free { return title + named + end }
      if let name, free >= shortestName + 3 {
        return title + " (" + Terminal.shortened(name, columns: free - 3) + ")" + end
      }
    }
    for end in [share + numbers, share] where Terminal.width(of: title + end) <= room {
      return title + end
    }
    let short = Terminal.shortened(title, columns: room - Terminal.width(of: share))
    return Terminal.shortened(short + share, columns: room)
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
