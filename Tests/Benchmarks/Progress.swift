import Foundation

/// What is being measured, on standard error: some of it takes minutes.
enum Progress {
  private static let isTerminal = isatty(STDERR_FILENO) == 1

  /// On a terminal each text takes the place of the one before; elsewhere it has a line of its own.
  static func say(_ text: String) {
    let line = isTerminal ? "\r\u{1B}[K\(text)" : "\(text)\n"
    FileHandle.standardError.write(Data(line.utf8))
  }

  static func end() {
    if isTerminal { say("") }
  }
}
