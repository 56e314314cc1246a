// discovery-probe: publishes and browses with Discovery, and prints what happens as lines of JSON.
//
//   discovery-probe [--interface NAME]... [--responder automatic|daemon|embedded]
//                   [--publish LABEL:PORT[:[KEY=VALUE,...][:SUBTYPE,...]]]...
//                   [--subtype SUBTYPE] [--seconds N]
//
// Lines on standard input are commands: "publish LABEL:PORT[:…]", "withdraw LABEL", "seek" (all services),
// "flood N" (N hostile packets over loopback), "churn N" (as many more Discoveries opened, used and
// closed), "quit" (also the end of the input, when no --seconds are given).
import Discovery
import Foundation
import Foundations

struct Line: Encodable {
  /// Milliseconds since the start.
  var at: Double
  var event: String
  var label: String?
  var registered: String?
  var interface: String?
  var addresses: [String]?
  var attributes: [String: String]?
  var text: String?
}

struct Printer: Sendable {
  let clock = HostClock()
  let start = HostClock().now()

  func print(_ make: (inout Line) -> Void) {
    var line = Line(at: (clock.now() - start).milliseconds, event: "")
    make(&line)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(line) else { return }
    // A test that has ended reads no more.
    try? FileHandle.standardOutput.write(contentsOf: data + Data("\n".utf8))
  }

  func print(_ event: DiscoveryEvent) {
    print { line in
      switch event {
      case .found(let found):
        line.event = "found"
        line.label = found.label
        line.interface = found.interface
        line.addresses = found.addresses.map(\.description)
        line.attributes = found.attributes
      case .lost(let label):
        line.event = "lost"
        line.label = label
      case .published(let label, let registered):
        line.event = "published"
        line.label = label
        line.registered = registered
      case .responder(let kind):
        line.event = "responder"
        line.text = kind.rawValue
      case .networkChanged: line.event = "network"
      case .mark: line.event = "mark"
      case .problem(let text):
        line.event = "problem"
        line.text = text
      }
    }
  }
}

func advertisement(_ text: String) -> Advertisement? {
  let parts = text.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
    .map(String.init)
  guard parts.count >= 2, let port = UInt16(parts[1]) else { return nil }
  var attributes: [String: String] = [:]
  for pair in (parts.count > 2 ? parts[2] : "").split(separator: ",") {
    let halves = pair.split(separator: "=", maxSplits: 1).map(String.init)
    attributes[halves[0]] = halves.count > 1 ? halves[1] : ""
  }
  let subtypes = parts.count > 3 ? Set(parts[3].split(separator: ",").map(String.init)) : []
  return Advertisement(
    label: parts[0], port: port, attributes: attributes, subtypes: subtypes)
}

/// Opens and closes, or merely drops, and tells how many files are open before and after.
@MainActor func churn(times: Int) async throws {
  func openFiles() -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? -1
  }
  // Whatever the first one opens for good doesn't count.
  await (try Discovery(interfaces: ["lo"])).close()
  try await Task.sleep(for: .milliseconds(100))
  let before = openFiles()
  for number in 0..<times {
    let another = try Discovery(interfaces: interfaces.isEmpty ? nil : interfaces)
    try another.publish(Advertisement(label: "churn\(number)", port: 9, attributes: [:]))
    if number % 3 == 0 { another.withdraw("churn\(number)") }
    if number % 2 == 0 { await another.close() }
  }
  // Dropped ones close in the background.
  for _ in 0..<100 where openFiles() > before { try await Task.sleep(for: .milliseconds(20)) }
  let after = openFiles()
  printer.print {
    $0.event = "churned"
    $0.text = after <= before ? "clean" : "\(before) files before, \(after) after"
  }
}

signal(SIGPIPE, SIG_IGN)
let printer = Printer()
var interfaces: [String] = []
var choice = Discovery.Choice.automatic
var advertisements: [Advertisement] = []
var subtype: String?
var seconds: Double?
var arguments = CommandLine.arguments.dropFirst()
while let option = arguments.popFirst() {
  let value = arguments.popFirst() ?? ""
  switch option {
  case "--interface": interfaces.append(value)
  case "--responder": choice = Discovery.Choice(rawValue: value) ?? .automatic
  case "--publish": advertisements += advertisement(value).map { [$0] } ?? []
  case "--subtype": subtype = value
  case "--seconds": seconds = Double(value)
  case _: fatalError("discovery-probe: unknown option \(option)")
  }
}

let discovery = try Discovery(
  interfaces: interfaces.isEmpty ? nil : interfaces, subtype: subtype, responder: choice,
  log: { text in
    printer.print {
      $0.event = "log"
      $0.text = text
    }
  })
for advertisement in advertisements { try discovery.publish(advertisement) }

/// Ends the run: by the clock, or with standard input.
let ending: Task<Void, Never>
if let seconds {
  ending = Task {
    try? await Task.sleep(for: .seconds(seconds))
    await discovery.close()
  }
} else {
  let commands = AsyncStream<String> { continuation in
    Thread.detachNewThread {
      while let line = readLine() { continuation.yield(line) }
      continuation.finish()
    }
  }
  ending = Task {
    for await command in commands {
      let words = command.split(separator: " ", maxSplits: 1).map(String.init)
      do {
        switch words.first {
        case "publish": try advertisement(words[1]).map(discovery.publish)
        case "seek": discovery.seek(nil)
        case "withdraw": discovery.withdraw(words[1])
        case "churn": try await churn(times: Int(words[1]) ?? 0)
        case "flood": flood(packets: Int(words[1]) ?? 0)
        case "quit": return await discovery.close()
        case _: break
        }
      } catch {
        printer.print {
          $0.event = "refused"
          $0.text = "\(error)"
        }
      }
    }
    await discovery.close()
  }
}
for await event in discovery.events { printer.print(event) }
await ending.value
printer.print { $0.event = "closed" }
