import ArgumentParser
import Foundations
import Meeting

struct JoinCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "join",
    abstract: "Join a meeting with its code or link.",
    discussion: """
      Without a code, goes back into the latest meeting that this computer was in and that can \
      still be found: a member needs no code a second time.
      """)

  @Argument(
    help: ArgumentHelp(
      "An invite code such as 7-lagoon-copper-finch, or a virtue:// link.", valueName: "code"),
    completion: .custom { _, _, prefix in InviteCompletion.candidates(for: prefix) })
  var invite: String?

  @OptionGroup var meeting: MeetingArguments

  func run() async throws {
    try await MeetingRunner(arguments: meeting).run { [self] options throws(Failure) in
      if let invite {
        try await MeetingSession.join(invite: invite, options: options)
      } else {
        try await MeetingSession.rejoin(options: options)
      }
    }
  }
}
