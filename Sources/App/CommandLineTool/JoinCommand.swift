import ArgumentParser
import Foundations
import Meeting

struct JoinCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "join",
    abstract: "Join a meeting with its code or link.",
    discussion: """
      Without a code, goes back into the latest meeting that this computer was in and that can \
      still be found: a member needs no code a second time. Where all of them have gone, by a power \
      cut or because the day was over, --reopen goes on with it: whoever comes back first waits for \
      the others.
      """ + LineDiscussion.text)

  @Argument(
    help: ArgumentHelp(
      "An invite code such as 7-lagoon-copper-finch, or a virtue:// link.", valueName: "code"),
    completion: .custom { _, _, prefix in InviteCompletion.candidates(for: prefix) })
  var invite: String?

  @Flag(
    help:
      "Without a code: open the latest meeting again if nobody of it is here, and wait for the others."
  )
  var reopen = false

  @OptionGroup var meeting: MeetingArguments

  func validate() throws {
    guard invite == nil || !reopen else {
      throw ValidationError(
        "--reopen goes back into a meeting that was joined before: leave out the code.")
    }
  }

  func run() async throws {
    try await MeetingRunner(arguments: meeting).run { [self] options throws(Failure) in
      if let invite {
        try await MeetingSession.join(invite: invite, options: options)
      } else {
        try await MeetingSession.rejoin(options: options, reopens: reopen)
      }
    }
  }
}
