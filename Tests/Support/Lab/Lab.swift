import Foundation

/// What went wrong, with what helps to find out why.
package struct LabError: Error, CustomStringConvertible {
  package let description: String

  package init(description: String) { self.description = description }
}

/// Hosts on a network of their own, made of namespaces by `lab.sh`, for one test.
///
/// It ends with this object, with this process, or with its script, whichever ends first.
package final class Lab: Sendable {
  package enum Family: String { case both, ipv6 }
  package enum Responder: String { case none, avahi }

  /// Network namespaces need root and the tools that make them.
  package static let isPossible: Bool =
    getuid() == 0
    && ["unshare", "nsenter", "setpriv", "ip", "sysctl"].allSatisfy(isInstalled)
  package static let isPossibleWithAvahi =
    isPossible && ["avahi-daemon", "dbus-daemon"].allSatisfy(isInstalled)

  /// Each test's own, removed with the lab.
  package let directory: String
  private let child: Child
  /// `nsenter`'s arguments for each host, the first at 0.
  private let entries: [[String]]

  /// Makes a lab, runs the test in it, and takes it down whatever becomes of the test.
  package static func run(
    hosts: Int, family: Family = .both, responder: Responder = .none,
    _ body: (Lab) async throws -> Void
  ) async throws {
    let lab = try await Lab(hosts: hosts, family: family, responder: responder)
    do {
      try await body(lab)
    } catch {
      await lab.close()
      throw error
    }
    await lab.close()
  }

  private init(hosts: Int, family: Family, responder: Responder) async throws {
    directory = NSTemporaryDirectory() + "/virtue-lab-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("lab.sh").path
    child = try Child([
      "unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc",
      "bash", script, "\(hosts)", family.rawValue, responder.rawValue, directory,
    ])
    _ = try await child.output.first("the lab is ready", within: .seconds(30)) {
      $0.text == "ready"
    }
    // Seen through its own /proc, a process of the lab has the number that the script printed.
    guard let script = child.onlyChild else { throw LabError(description: "lab.sh has ended") }
    entries = await child.output.lines.compactMap { line in
      guard line.text.hasPrefix("host ") else { return nil }
      let namespaces = "/proc/\(script)/root/proc/\(line.text.dropFirst(5))/ns"
      return [
        "nsenter", "--net=\(namespaces)/net", "--mount=\(namespaces)/mnt",
        "--uts=\(namespaces)/uts", "--pid=/proc/\(script)/ns/pid", "--",
        // Ends with nsenter.
        "setpriv", "--pdeathsig", "KILL", "--",
      ]
    }
  }

  private func close() async {
    child.endInput()
    _ = try? await child.exit(within: .seconds(5))
    child.kill()
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// Starts a program on a host (1 is the first).
  package func start(_ arguments: [String], on host: Int) throws -> Child {
    try Child(entries[host - 1] + arguments)
  }

  /// Runs a shell script on a host to its end.
  package func shell(_ script: String, on host: Int) async throws {
    let child = try start(["bash", "-c", script], on: host)
    child.endInput()
    let status = try await child.exit(within: .seconds(20))
    guard status == 0 else {
      throw LabError(description: "exit \(status) of: \(script)\n\(child.errors)")
    }
  }

  /// Pulls a host's network cable.
  package func cut(_ host: Int) async throws { try await order("cut \(host)") }

  /// Plugs it in again.
  package func heal(_ host: Int) async throws { try await order("heal \(host)") }

  /// Plugs a host into another switch, with all others that were parted from the rest.
  package func part(_ host: Int) async throws { try await order("part \(host)") }

  /// Plugs it back in.
  package func rejoin(_ host: Int) async throws { try await order("rejoin \(host)") }

  private func order(_ line: String) async throws {
    let start = ContinuousClock.now
    child.write(line: line)
    _ = try await child.output.first("\(line) is done", within: .seconds(10)) {
      $0.text == "done" && $0.arrived >= start
    }
  }

  /// The address of a host's eth0.
  package func address(of host: Int) -> String { "10.77.0.\(host)" }

  private static func isInstalled(_ tool: String) -> Bool {
    ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].contains {
      FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)")
    }
  }
}
