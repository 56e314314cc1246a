import ArgumentParser
import Discovery
import Foundation
import Foundations
import Meeting

struct NearbyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nearby",
    abstract: "Meetings on this network that chose to be visible.",
    discussion: "A meeting is visible when it was hosted with --visible. Its code is still needed.")

  @Flag(help: "One JSON object a line.")
  var json = false

  @Option(help: "How long to listen, in seconds.")
  var seconds: Double = 2

  @Option(help: ArgumentHelp("Use only this interface (repeatable).", valueName: "interface"))
  var interface: [String] = []

  func validate() throws {
    guard seconds > 0, seconds <= 3600 else {
      throw ValidationError("--seconds takes a number up to 3600.")
    }
  }

  func run() async throws {
    let output = LineWriter(descriptor: STDOUT_FILENO)
    let discovery: Discovery
    do throws(Failure) {
      discovery = try Discovery(interfaces: interface.isEmpty ? nil : interface)
    } catch {
      LineWriter(descriptor: STDERR_FILENO).write("Error: \(error.message)")
      throw ExitCode(error.exit.rawValue)
    }
    let signals = InterruptSignals()
    let timer = Task { [seconds] in
      try? await Task.sleep(for: .seconds(seconds))
      await discovery.close()
    }
    signals.onInterrupt { timer.cancel() }
    var seen: Set<String> = []
    for await event in discovery.events {
      if case .problem(let sentence) = event {
        LineWriter(descriptor: STDERR_FILENO).write("Warning: \(sentence)")
      }
      guard case .found(let found) = event,
        let visible = ServiceRecord(attributes: found.attributes).visible,
        seen.insert(found.label).inserted
      else { continue }
      let address = found.addresses.first?.description ?? ""
      if json {
        output.write(Row(title: visible.title, host: visible.host, address: address).json)
      } else {
        output.write("\(visible.title)  (hosted by \(visible.host), \(address))")
      }
    }
    await timer.value
    if seen.isEmpty, !json { output.write("No visible meeting was found.") }
    try output.finish()
  }

  private struct Row: Encodable {
    let title, host, address: String
  }
}
