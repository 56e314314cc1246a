import ArgumentParser
import Foundation
import Foundations
import Links
import Meeting
import Vision

struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Hold a whole meeting of three on this computer.",
    discussion: """
      Three processes find each other through mDNS, let each other in with an invite code, and \
      send pictures, sound and chat over real ICE, DTLS-SRTP, VP8 and Opus, all on the loopback \
      interface: nothing leaves this computer. One of them is a clip of somebody before three \
      cameras: the background is blurred, and the camera looked at is sent. The neural networks for \
      that are fetched the first time, as "virtue models install" does it; without Internet the demo \
      runs without effects and says so. At the end you get a summary and a picture of what \
      each of them saw. Ends with status 1 when anything failed.
      """)

  @Option(help: "How long the meeting lasts, in seconds.")
  var seconds: Int = 15

  @Option(
    help: ArgumentHelp(
      "Where recordings and the contact sheet go. Default: a new temporary directory, which is "
        + "removed if the demo is interrupted.",
      valueName: "directory"))
  var output: DirectoryArgument?

  @Option(help: ArgumentHelp("Where the models are kept.", valueName: "directory"))
  var dataDir: DirectoryArgument?

  func validate() throws {
    guard (5...3600).contains(seconds) else {
      throw ValidationError("--seconds takes a number from 5 to 3600.")
    }
  }

  func run() async throws {
    let directory = output?.path ?? NSTemporaryDirectory() + "virtue-demo-\(getpid())"
    defer { DemoParticipant.removeSecrets(in: directory) }
    let printer = TextEventPrinter()
    #if DEBUG
      LineWriter(descriptor: STDOUT_FILENO).write(
        "This is a debug build, which may be too slow for three members on one computer. "
          + "swift run -c release virtue demo has the program as it is.")
    #endif
    let signals = InterruptSignals()
    do {
      guard !LocalAddresses.current(interfaces: ["lo"]).isEmpty else {
        throw Failure(
          "no-loopback", exit: .unavailable,
          "The loopback interface, on which the demo runs, is down. "
            + "Switch it on with: ip link set lo up")
      }
      let effects = try await effects(signals)
      let demo = Demo(directory: directory, seconds: seconds, effects: effects)
      signals.onInterrupt { Task { await demo.interrupt() } }
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

  /// `nil`, and said why, where there can't be any.
  private func effects(_ signals: InterruptSignals) async throws -> DemoEffects? {
    let store = ModelStore(dataDirectory: dataDirectory(dataDir))
    let work = Task { () async throws -> DemoEffects in try await DemoEffects.prepare(store: store)
    }
    signals.onInterrupt { work.cancel() }
    do {
      return try await work.value
    } catch let failure as Failure {
      if work.isCancelled { throw CancellationError() }
      LineWriter(descriptor: STDOUT_FILENO)
        .write("Without blur and God's eye: \(failure.message)")
      return nil
    }
  }
}
