import ArgumentParser
import Foundation
import Foundations
import Links
import Meeting

struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Hold a whole meeting of three on this computer.",
    discussion: """
      Three processes find each other through mDNS, let each other in with an invite code, and \
      send pictures, sound and chat over real ICE, DTLS-SRTP, VP8 and Opus, all on the loopback \
      interface: nothing leaves this computer. At the end you get a summary and a picture of what \
      each of them saw. Ends with status 1 when anything failed.
      """)

  @Option(help: "How long the meeting lasts, in seconds.")
  var seconds: Int = 15

  @Option(
    help: ArgumentHelp(
      "Where recordings and the contact sheet go. Default: a new temporary directory, which is "
        + "removed if the demo is interrupted.",
      valueName: "directory"))
  var output: String?

  func validate() throws {
    guard (5...3600).contains(seconds) else {
      throw ValidationError("--seconds takes a number from 5 to 3600.")
    }
  }

  func run() async throws {
    let directory = output ?? NSTemporaryDirectory() + "virtue-demo-\(getpid())"
    defer { DemoParticipant.removeSecrets(in: directory) }
    let printer = TextEventPrinter()
    let signals = InterruptSignals()
    let demo = Demo(directory: directory, seconds: seconds)
    signals.onInterrupt { Task { await demo.interrupt() } }
    do {
      guard !LocalAddresses.current(interfaces: ["lo"]).isEmpty else {
        throw Failure(
          "no-loopback", exit: .unavailable,
          "The loopback interface, on which the demo runs, is down. "
            + "Switch it on with: ip link set lo up")
      }
      let passed = try await demo.run()
      if !passed { throw ExitCode(1) }
    } catch let failure as Failure {
      printer.print(.failed(failure))
      throw ExitCode(failure.exit.rawValue)
    } catch is CancellationError {
      if output == nil { try? FileManager.default.removeItem(atPath: directory) }
      throw ExitCode(130)
    }
  }
}
