import Foundation
import Foundations
import Synchronization

/// The demo's live table: drawn over itself in a terminal, a line now and then elsewhere.
final class DemoTable: Sendable {
  private let output = LineWriter(descriptor: STDOUT_FILENO)
  private let isTerminal = isatty(STDOUT_FILENO) == 1
  private let drawn = Mutex((lines: 0, latest: -1))

  func note(_ line: String) {
    drawn.withLock { $0.lines = 0 }
    output.write(line)
  }

  func draw(
    _ observations: [String: Demo.Observation], order: [String], elapsed: Duration, total: Duration
  ) {
    let second = Int(elapsed.inSeconds)
    if isTerminal {
      let lines = self.lines(observations, order: order, elapsed: elapsed, total: total)
      let up = drawn.withLock { drawn in
        defer { drawn.lines = lines.count }
        return drawn.lines
      }
      // Up over the last table, and each line cleared to its end.
      let back = up > 0 ? "\u{1B}[\(up)A" : ""
      output.write(back + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\n"))
    } else if drawn.withLock({ drawn in
      defer { drawn.latest = second }
      return drawn.latest != second && second.isMultiple(of: 5)
    }) {
      lines(observations, order: order, elapsed: elapsed, total: total).forEach(output.write)
    }
  }

  private func lines(
    _ observations: [String: Demo.Observation], order: [String], elapsed: Duration, total: Duration
  ) -> [String] {
    let width = 30
    let done = min(Int(elapsed.inSeconds / total.inSeconds * Double(width)), width)
    let bar =
      String(repeating: "█", count: done) + String(repeating: "░", count: width - done)
    let time = "\(min(Int(elapsed.inSeconds), Int(total.inSeconds))) s"
    var lines = [isTerminal ? "\(bar) \(time)" : time]
    lines.append(row(["sees", "", "fps", "size", "kbit/s", "latency", "lost"]))
    for name in order {
      for member in observations[name]?.rows ?? [] {
        lines.append(
          row([
            name, "← \(member.name)", String(format: "%.0f", member.framesPerSecond),
            member.width > 0 ? "\(member.width)×\(member.height)" : "–",
            "\(member.bitrate / 1000)",
            member.latency.map { String(format: "%.0f ms", $0) } ?? "–", "\(member.packetsLost)",
          ]))
      }
    }
    return lines
  }

  private func row(_ cells: [String]) -> String {
    let widths = [8, 10, 5, 10, 8, 9, 6]
    return zip(cells, widths).enumerated().map { index, cell in
      let padding = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
      return index < 2 ? cell.0 + padding : padding + cell.0
    }.joined()
  }
}
