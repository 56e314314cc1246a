import Foundation
import Foundations
import Glibc
import Synchronization
import Testing

/// One event line of a `discovery-probe`.
struct ProbeEvent: Decodable, Sendable {
  var at: Double
  var event: String
  var label: String?
  var registered: String?
  var interface: String?
  var addresses: [String]?
  var attributes: [String: String]?
  var text: String?
}

/// A host of the test's own: namespaces of network, processes and files, alive until ``tearDown()``,
/// in which nothing but loopback is up at first. Nothing sent there leaves this computer, and nothing
/// started there with ``run(_:)`` outlives it.
final class TestHost: Sendable {
  /// Making namespaces takes root; so do these tests.
  static let canBeMade = geteuid() == 0 && (try? execute(["unshare", "--net", "true"])) == 0

  private let holder: pid_t
  /// Its first process, by which others enter it.
  let process: pid_t

  init() throws {
    let pipe = Pipe()
    holder = try Self.spawn(
      [
        "unshare", "--net", "--mount", "--propagation", "private", "--pid", "--fork",
        "--kill-child=KILL", "sh", "-c",
        "mount -t tmpfs tmpfs /run && ip link set lo up && echo ready && exec sleep 60",
      ], output: pipe.fileHandleForWriting.fileDescriptor)
    try pipe.fileHandleForWriting.close()
    #expect(pipe.fileHandleForReading.availableData == Data("ready\n".utf8))
    let children = try String(
      contentsOfFile: "/proc/\(holder)/task/\(holder)/children", encoding: .utf8)
    process = try #require(children.split(separator: " ").first.flatMap { pid_t($0) })
  }

  /// The words that run a command in the host.
  var prefix: [String] { ["nsenter", "-t", "\(process)", "-n", "-m", "--wdns=/"] }

  /// Runs a command in the host and waits for it.
  func run(_ command: String) throws {
    try #require(try Self.execute(prefix + ["-p", "sh", "-c", command]) == 0, "\(command)")
  }

  /// Joins this host's interface `eth0` with another host's, as by a cable.
  func connect(to other: TestHost) throws {
    let cable = "ip link add eth0 type veth peer name eth0 netns \(other.process)"
    // With the processes of the test, which know the other host by this number.
    try #require(try Self.execute(prefix + ["sh", "-c", cable]) == 0)
    for host in [self, other] {
      // Without it a link-local address can't be used for its first two seconds.
      try host.run("echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad")
      try host.run("ip link set eth0 up")
    }
  }

  func tearDown() {
    kill(holder, SIGKILL)
    waitpid(holder, nil, 0)
  }

  /// Not Foundation's `Process`, which takes a command for running while a daemon lives that the
  /// command has left behind.
  private static func execute(_ words: [String]) throws -> Int32 {
    let child = try spawn(words, output: nil)
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    return status
  }

  private static func spawn(_ words: [String], output: Int32?) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    if let output {
      posix_spawn_file_actions_adddup2(&actions, output, 1)
    } else {
      posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    }
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var arguments = words.map { strdup($0) } + [nil]
    defer { arguments.forEach { free($0) } }
    var child: pid_t = 0
    let error = posix_spawnp(&child, words[0], &actions, nil, &arguments, environ)
    guard error == 0 else { throw POSIXError(POSIXErrorCode(rawValue: error) ?? .EIO) }
    return child
  }
}

/// A `discovery-probe` that runs in a host.
final class Probe: Sendable {
  private let process = Process()
  private let input = Pipe()
  private let lines: AsyncStream<ProbeEvent>
  private let history = Mutex<[ProbeEvent]>([])

  init(on host: TestHost, as words: [String] = [], _ arguments: String...) throws {
    let probe = URL(
      filePath: try FileManager.default.destinationOfSymbolicLink(
        atPath: "/proc/self/exe")
    ).deletingLastPathComponent().appending(path: "discovery-probe")
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = host.prefix + words + [probe.path()] + arguments
    process.standardInput = input
    let output = Pipe()
    process.standardOutput = output
    let (lines, continuation) = AsyncStream.makeStream(of: ProbeEvent.self)
    self.lines = lines
    try process.run()
    Thread.detachNewThread {
      var rest = Data()
      while case let data = output.fileHandleForReading.availableData, !data.isEmpty {
        rest += data
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
          if let event = try? JSONDecoder().decode(
            ProbeEvent.self, from: rest[rest.startIndex..<end])
          {
            continuation.yield(event)
          }
          rest = Data(rest[(end + 1)...])
        }
      }
      continuation.finish()
    }
  }

  /// Waits for an event that `matches`, past or coming; `nil` and an issue when none comes in time.
  @discardableResult
  func event(
    _ what: Comment, within limit: Duration = .seconds(8),
    sourceLocation: SourceLocation = #_sourceLocation,
    matching matches: @escaping @Sendable (ProbeEvent) -> Bool
  ) async -> ProbeEvent? {
    if let past = history.withLock({ $0.first(where: matches) }) { return past }
    let found = await withTaskGroup(of: ProbeEvent?.self) { group in
      group.addTask { [self] in
        for await event in lines {
          history.withLock { $0.append(event) }
          if matches(event) { return event }
        }
        return nil
      }
      group.addTask {
        try? await Task.sleep(for: limit)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
    if found == nil {
      Issue.record(
        "\(what) didn't happen: \(history.withLock { $0 })", sourceLocation: sourceLocation)
    }
    return found
  }

  /// Waits for a service with an address.
  @discardableResult
  func found(
    _ label: String, at address: String, within limit: Duration = .seconds(8),
    sourceLocation: SourceLocation = #_sourceLocation
  ) async -> ProbeEvent? {
    await event(
      "Finding \(label) at \(address)", within: limit, sourceLocation: sourceLocation
    ) { event in
      event.event == "found" && event.label == label
        && event.addresses?.contains { $0.contains(address) } == true
    }
  }

  func forgetPast() { history.withLock { $0 = [] } }

  /// What was seen until now.
  var past: [ProbeEvent] { history.withLock { $0 } }

  func say(_ command: String) throws {
    try input.fileHandleForWriting.write(contentsOf: Data((command + "\n").utf8))
  }

  /// Lets it close orderly.
  func quit() { try? say("quit") }

  /// Ends it without a word.
  func kill() { Glibc.kill(process.processIdentifier, SIGKILL) }
}
