import Foundations
import Meeting

/// What can be typed in a meeting, for `--help`; ``ManualPage`` has a section of its own for it.
enum LineDiscussion {
  static let introduction =
    "In a meeting each line of standard input is said to everybody, or is one of these commands:"

  /// Follows a command's own discussion. argument-parser would set no rows of a list in.
  static let text = """


    \(introduction)

    \(LineHelp.commands.map(row).joined(separator: "\n"))

    \(LineHelp.remark)
    """

  private static func row(_ command: CommandForm) -> String {
    WrappedText.wrap("  \(command.usage): \(command.meaning).", columns: columns)
  }

  /// As wide as argument-parser makes help where no terminal says.
  private static let columns = 80
}
