import ArgumentParser
import Foundation
import Foundations
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
      "Where recordings and the contact sheet go. Default: a new temporary directory.",
      valueName: "directory"))
  var output: String?

  func validate() throws {
    guard (5...3600).contains(seconds) else {
      throw ValidationError("--seconds takes a number from 5 to 3600.")
    }
  }

  func run() async throws {
    let directory = output ?? NSTemporaryDirectory() + "virtue-demo-\(getpid())"
    let printer = TextEventPrinter(showsStatistics: false)
    let signals = InterruptSignals()
    let demo = Demo(directory: directory, seconds: seconds)
    signals.onInterrupt { Task { await demo.interrupt() } }
    do {
      let passed = try await demo.run()
      if !passed { throw ExitCode(1) }
    } catch let failure as Failure {
      printer.print(.failed(failure))
      throw ExitCode(failure.exit.rawValue)
    } catch is CancellationError {
      throw ExitCode(130)
    }
  }
}
