import ArgumentParser
import Foundation
import Foundations
import Meeting

/// The whole command line; `virtue`'s main does nothing but run it.
struct VirtueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "virtue",
    abstract: "Meet the people in your building: no Internet, no server.",
    discussion: """
      One computer hosts and reads out a short code; the others type it. From then on everybody \
      sees, hears and writes to everybody else directly, and the meeting goes on when its host \
      leaves.

        virtue host "Standup"
        virtue join 7-lagoon-copper-finch
      """,
    version: "virtue \(programVersion)",
    subcommands: [
      HostCommand.self, JoinCommand.self, NearbyCommand.self, HistoryCommand.self,
      DevicesCommand.self, ModelsCommand.self, VisionCommand.self, DoctorCommand.self,
      DemoCommand.self,
      DocumentationCommand.self,
    ])
}

/// Runs the command that this process was started with, and ends the process.
package func runVirtue() async {
  openStandardStreams()
  raiseFileLimit()
  do {
    var command = try VirtueCommand.parseAsRoot()
    if var command = command as? any AsyncParsableCommand {
      try await command.run()
    } else {
      try command.run()
    }
  } catch {
    // A script that reads events hears of a wrong option there too.
    // What failed later has told of itself.
    let isUsage = !(error is ExitCode) && VirtueCommand.exitCode(for: error) == .validationFailure
    if isUsage, CommandLine.arguments.contains("--json") {
      JSONEventPrinter().print(
        .failed(Failure("bad-option", exit: .usage, VirtueCommand.message(for: error))))
    }
    VirtueCommand.exit(withError: error)
  }
}

/// A standard stream that was closed by whoever started the program would be the number of the next file
/// that is opened, and what is said for people would be written into that.
private func openStandardStreams() {
  for number in STDIN_FILENO...STDERR_FILENO where fcntl(number, F_GETFD) < 0 {
    // The lowest number that is free.
    _ = open("/dev/null", O_RDWR)
  }
}

/// A call with each of many members takes some files for its sockets and wake-ups, and GLib ends the program
/// where it gets none. The usual 1,024 are for programs that use select(2), which this one doesn't.
private func raiseFileLimit() {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
  limit.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, 1 << 16))
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// What `virtue --version` says.
let programVersion = "0.1.0"
