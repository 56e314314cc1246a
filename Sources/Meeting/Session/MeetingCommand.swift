import Chat
package import Foundations

/// A command that is neither about what was said nor about files.
enum MeetingCommand: String, CaseIterable {
  case invite, leave, help

  var form: CommandForm {
    switch self {
    case .invite: CommandForm("/invite", "opens another code")
    case .leave: CommandForm("/leave", "leaves the meeting")
    case .help: CommandForm("/help", "prints these commands")
    }
  }
}

/// All that a line may be besides what is said.
package enum LineHelp {
  package static let commands =
    ChatCommand.Verb.allCases.map(\.form) + FileCommand.Verb.allCases.map(\.form)
    + MeetingCommand.allCases.map(\.form)

  /// What stands for what in ``commands``, and how to say what looks like one.
  package static let remark =
    "ID is the beginning of a message's identifier, at least four digits of it, or last for your own "
    + "latest message. FILE is a file's name or the beginning of its message's identifier. Two slashes "
    + "begin a line that is to begin with one."
}

extension MeetingSession {
  /// - Parameter line: without its slash.
  func take(command line: Substring) async {
    let words = line.split { $0.isWhitespace }
    let word = String(words.first ?? "")
    if let command = MeetingCommand(rawValue: word) {
      guard words.count == 1 else {
        return emit(
          .warning(
            code: "bad-command",
            message: "Write it as \(command.form.instruction). "
              + "To say the line, begin with two slashes."))
      }
      return await take(command)
    }
    if let verb = FileCommand.Verb(rawValue: word) { return await take(fileCommand: line, verb) }
    guard await !take(chatCommand: line) else { return }
    emit(
      .warning(
        code: "unknown-command",
        message: "/\(DisplayText.line(word, limit: 20)) is no command; /help prints them. "
          + "To say it, begin with two slashes."))
  }

  private func take(_ command: MeetingCommand) async {
    switch command {
    case .invite: offerInvite(uses: 50, life: .seconds(8 * 3600))
    case .leave: await leave()
    case .help: emit(.help(LineHelp.commands, remark: LineHelp.remark))
    }
  }
}
