import ArgumentParser
import Foundations
import Meeting

struct HostCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "host",
    abstract: "Open a meeting; prints the code that lets others in.",
    discussion: """
      The code is good until it has been used --uses times or --life is over, whichever comes \
      first. The meeting ends when its last member leaves; virtue join --reopen goes on with it. \
      At most 64 members that send pictures or sound are seen and heard at a time; the warning \
      calls-full tells, once, that somebody is left out until another leaves.
      """ + LineDiscussion.text)

  @Argument(help: "What the meeting is called.")
  var title: String = "Meeting"

  @Option(help: "How many people may come in with the code.")
  var uses: Int = 50

  @Option(help: ArgumentHelp("How long the code is good: 90s, 30m, 8h, 2d.", valueName: "time"))
  var life: String = "8h"

  @Flag(help: "Tell title and host's name to everybody on the network (virtue nearby).")
  var visible = false

  @OptionGroup var meeting: MeetingArguments

  func validate() throws {
    guard (1...10_000).contains(uses) else {
      throw ValidationError("--uses takes a number from 1 to 10000.")
    }
    guard Self.parseLife(life) != nil else {
      throw ValidationError("--life takes a time such as 90s, 30m, 8h or 2d, at most 30d.")
    }
  }

  func run() async throws {
    try await MeetingRunner(arguments: meeting).run { [self] options throws(Failure) in
      let host = HostOptions(
        title: DisplayText.line(title, limit: 128, otherwise: "Meeting"), uses: uses,
        life: Self.parseLife(life)!, isVisible: visible)
      return try await MeetingSession.host(host, options: options)
    }
  }

  /// "90s", "30m", "8h", "2d"; `nil` for anything else, zero, or more than thirty days.
  static func parseLife(_ text: String) -> Duration? {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    guard let unit = text.last.flatMap({ units[$0] }), text.utf8.count <= 9,
      let count = Int(text.dropLast()), count > 0
    else { return nil }
    let seconds = count * unit
    return seconds <= 30 * 86_400 ? .seconds(seconds) : nil
  }
}
