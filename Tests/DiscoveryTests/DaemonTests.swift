import Foundation
import Testing

/// With a system bus and Avahi's daemon of the test's own.
@Suite(
  "Discovery through Avahi's daemon",
  .enabled(if: TestHost.canBeMade, "needs network namespaces: run as root"),
  .enabled(
    if: ["/usr/bin/dbus-daemon", "/usr/sbin/avahi-daemon"].allSatisfy(
      FileManager.default.isExecutableFile), "needs dbus-daemon and avahi-daemon"))
struct DaemonTests {
  /// Starts a bus at its usual place.
  private func startBus(_ host: TestHost) throws {
    try host.run(
      """
      mkdir -p /run/dbus /run/avahi-daemon
      dbus-daemon --system --fork --nosyslog --print-pid=1 >/run/bus.pid
      """)
  }

  private func startDaemon(_ host: TestHost) throws {
    try host.run(
      """
      printf '[server]\nhost-name=test\n[publish]\npublish-workstation=no\n' >/run/avahi.conf
      avahi-daemon -D -f /run/avahi.conf --no-drop-root --no-chroot --no-rlimits
      """)
  }

  private func stopDaemon(_ host: TestHost) throws {
    try host.run(
      """
      kill $(cat /run/avahi-daemon/pid)
      while [ -e /run/avahi-daemon/pid ]; do sleep 0.02; done
      """)
  }

  @Test("Processes with and without the daemon find each other on one computer")
  func mixed() async throws {
    let host = try TestHost()
    try startBus(host)
    try startDaemon(host)
    defer { host.tearDown() }
    let client = try Probe(on: host, "--publish", "client:4001:v=1")
    let other = try Probe(on: host, "--publish", "other:4002")
    let embedded = try Probe(on: host, "--responder", "embedded", "--publish", "embedded:4003")
    await client.event("Using the daemon") { $0.event == "responder" && $0.text == "daemon" }
    await client.found("other", at: "127.0.0.1:4002")
    await client.found("embedded", at: "127.0.0.1:4003")
    await embedded.found("client", at: "127.0.0.1:4001")
    await embedded.found("other", at: "127.0.0.1:4002")
    let taken = try Probe(on: host, "--publish", "client:4004")
    await taken.event("Publishing under another name") {
      $0.event == "published" && $0.registered == "client #2"
    }
    client.kill()
    await other.event("Losing client") { $0.event == "lost" && $0.label == "client" }
    [other, embedded, taken].forEach { $0.quit() }
  }

  @Test("A daemon that restarts is used again, and one that stays away is done without")
  func restart() async throws {
    let host = try TestHost()
    try startBus(host)
    try startDaemon(host)
    defer { host.tearDown() }
    let one = try Probe(on: host, "--publish", "one:4001")
    let two = try Probe(on: host, "--responder", "embedded", "--publish", "two:4002")
    await one.found("two", at: "127.0.0.1:4002")
    await two.found("one", at: "127.0.0.1:4001")
    one.forgetPast()
    try stopDaemon(host)
    try startDaemon(host)
    await one.event("The daemon again") { $0.event == "responder" && $0.text == "daemon" }
    await one.event("Publishing again") { $0.event == "published" }
    two.forgetPast()
    try stopDaemon(host)
    await two.event("Losing one") { $0.event == "lost" && $0.label == "one" }
    await one.event("The responder inside") { $0.event == "responder" && $0.text == "embedded" }
    let three = try Probe(on: host, "--responder", "embedded")
    await three.found("one", at: "127.0.0.1:4001")
    two.quit()
    await one.event("Losing two") { $0.event == "lost" && $0.label == "two" }
    [one, three].forEach { $0.quit() }
  }

  @Test("A bus that ends takes nothing with it")
  func busEnds() async throws {
    let host = try TestHost()
    try startBus(host)
    try startDaemon(host)
    defer { host.tearDown() }
    let one = try Probe(on: host, "--publish", "one:4001")
    await one.event("Publishing") { $0.event == "published" }
    try host.run("kill -9 $(cat /run/bus.pid)")
    await one.event("The responder inside") { $0.event == "responder" && $0.text == "embedded" }
    let two = try Probe(on: host, "--responder", "embedded")
    await two.found("one", at: "127.0.0.1:4001")
    one.quit()
    two.quit()
  }
}
