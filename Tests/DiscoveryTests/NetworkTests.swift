import Foundation
import Testing

/// Real processes and real multicast in network namespaces, each test in its own. As an ordinary
/// user, who can't make any, they are skipped.
@Suite(
  "Discovery between processes",
  .enabled(if: TestHost.canBeMade, "needs network namespaces: run as root"))
struct NetworkTests {
  @Test("Two processes of an ordinary user find each other with nothing but loopback")
  func loopback() async throws {
    let host = try TestHost()
    defer { host.tearDown() }
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    let one = try Probe(on: host, as: nobody, "--publish", "one:4001:v=1,n=7")
    let two = try Probe(on: host, as: nobody, "--publish", "two:4002")
    let found = await two.found("one", at: "127.0.0.1:4001")
    #expect(found?.attributes == ["v": "1", "n": "7"])
    #expect(found?.interface == "lo")
    await one.found("two", at: "127.0.0.1:4002")
    two.quit()
    await one.event("Losing two") { $0.event == "lost" && $0.label == "two" }
    #expect(!one.past.contains { $0.event == "found" && $0.label == "one" })
    one.quit()
    await one.event("Closing") { $0.event == "closed" }
  }

  @Test("Two hosts find each other over IPv4 and IPv6, and follow a new address")
  func twoHosts() async throws {
    let (here, there) = (try TestHost(), try TestHost())
    defer { [here, there].forEach { $0.tearDown() } }
    try here.connect(to: there)
    try here.run("ip addr add 10.99.0.1/24 dev eth0")
    try there.run("ip addr add 10.99.0.2/24 dev eth0")
    let one = try Probe(on: here, "--publish", "one:4001:v=1")
    let two = try Probe(on: there, "--publish", "two:4002")
    await two.found("one", at: "10.99.0.1:4001")
    await two.found("one", at: "%eth0]:4001")
    await one.found("two", at: "10.99.0.2:4002")
    #expect(!two.past.contains { $0.addresses?.contains { $0.hasPrefix("127.") } == true })
    try here.run("ip addr add 10.99.0.11/24 dev eth0")
    await two.found("one", at: "10.99.0.11:4001")
    try one.say("publish one:4001:v=2")
    await two.event("The change") {
      $0.event == "found" && $0.label == "one" && $0.attributes == ["v": "2"]
    }
    try one.say("withdraw one")
    await two.event("Losing one") { $0.event == "lost" && $0.label == "one" }
    two.quit()
  }

  @Test("Who looks for a subtype finds the service that has it, as it comes and goes, and no other")
  func subtypes() async throws {
    let (here, there) = (try TestHost(), try TestHost())
    defer { [here, there].forEach { $0.tearDown() } }
    try here.connect(to: there)
    try here.run("ip addr add 10.99.0.1/24 dev eth0")
    try there.run("ip addr add 10.99.0.2/24 dev eth0")
    let one = try Probe(on: here, "--publish", "one:4001:v=1:_n7,_n8")
    let other = try Probe(on: here, "--publish", "other:4002:v=1:_n9")
    let seven = try Probe(on: there, "--subtype", "_n7")
    let ten = try Probe(on: there, "--subtype", "_n10")
    await seven.found("one", at: "10.99.0.1:4001")
    try other.say("publish other:4002:v=1:_n9,_n10")
    await ten.found("other", at: "10.99.0.1:4002")
    try one.say("publish one:4001:v=1:_n8")
    await seven.event("Losing one's subtype") { $0.event == "lost" && $0.label == "one" }
    #expect(!seven.past.contains { $0.label == "other" })
    #expect(!ten.past.contains { $0.label == "one" })
    try ten.say("seek")
    await ten.found("one", at: "10.99.0.1:4001")
    [one, other, seven, ten].forEach { $0.quit() }
  }

  @Test("Hosts with only IPv6 find each other")
  func onlyIPv6() async throws {
    let (here, there) = (try TestHost(), try TestHost())
    defer { [here, there].forEach { $0.tearDown() } }
    try here.connect(to: there)
    let one = try Probe(on: here, "--publish", "one:4001")
    let two = try Probe(on: there)
    await two.found("one", at: "%eth0]:4001")
    one.quit()
    two.quit()
  }

  @Test("Who asks for loopback only isn't heard outside the computer")
  func loopbackOnly() async throws {
    let (here, there) = (try TestHost(), try TestHost())
    defer { [here, there].forEach { $0.tearDown() } }
    try here.connect(to: there)
    try here.run("ip addr add 10.99.0.1/24 dev eth0")
    try there.run("ip addr add 10.99.0.2/24 dev eth0")
    let outside = try Probe(on: there)
    let secret = try Probe(on: here, "--interface", "lo", "--publish", "secret:4001")
    let open = try Probe(on: here, "--publish", "open:4002")
    let inside = try Probe(on: here, "--interface", "lo")
    await inside.found("secret", at: "127.0.0.1:4001")
    await open.found("secret", at: "127.0.0.1:4001")
    await inside.found("open", at: "127.0.0.1:4002")
    await outside.found("open", at: "10.99.0.1:4002")
    #expect(!outside.past.contains { $0.label == "secret" })
    #expect(!inside.past.contains { $0.event == "found" && $0.interface != "lo" })
    [outside, secret, open, inside].forEach { $0.quit() }
  }

  @Test("Of two with one name one takes another, and both services are found")
  func conflict() async throws {
    let host = try TestHost()
    defer { host.tearDown() }
    let watcher = try Probe(on: host)
    let first = try Probe(on: host, "--publish", "same:4001")
    await first.event("Publishing") { $0.event == "published" && $0.registered == "same" }
    let second = try Probe(on: host, "--publish", "same:4002")
    // Usually the second; but where its probes go unheard both have the name for a moment, and then
    // either may give way (RFC 6762 §9).
    let renamed = await watcher.event("Finding the other name", within: .seconds(12)) {
      $0.event == "found" && $0.label == "same #2" && $0.addresses?.isEmpty == false
    }
    let port = try #require(renamed?.addresses?.first?.split(separator: ":").last)
    await watcher.event("Finding the one that kept its name", within: .seconds(12)) {
      $0.event == "found" && $0.label == "same"
        && $0.addresses?.contains { !$0.hasSuffix(":\(port)") } == true
    }
    [watcher, first, second].forEach { $0.quit() }
  }

  @Test("A flood of hostile packets neither ends discovery nor blinds it")
  func flood() async throws {
    let host = try TestHost()
    defer { host.tearDown() }
    let good = try Probe(on: host, "--publish", "good:4001:v=1")
    let hostile = try Probe(on: host)
    await hostile.found("good", at: "127.0.0.1:4001")
    try hostile.say("flood 1500")
    try hostile.say("publish end:4002")
    await hostile.event("The flood's end") { $0.event == "published" && $0.label == "end" }
    let late = try Probe(on: host)
    await late.found("good", at: "127.0.0.1:4001")
    good.quit()
    await good.event("Closing") { $0.event == "closed" }
    let made = good.past.filter { $0.event == "found" }
    #expect(!made.isEmpty)
    #expect(
      made.allSatisfy { event in
        event.attributes!.count <= 16 && event.addresses!.count <= 8
          && event.addresses!.allSatisfy { $0.hasPrefix("10.9.") || $0.hasPrefix("127.") }
      })
    [hostile, late].forEach { $0.quit() }
  }

  @Test("Opening and closing a hundred times leaves nothing behind")
  func churn() async throws {
    let host = try TestHost()
    defer { host.tearDown() }
    let probe = try Probe(on: host, "--publish", "steady:4001")
    await probe.event("Publishing") { $0.event == "published" }
    try probe.say("churn 100")
    let end = await probe.event("The end") { $0.event == "churned" }
    #expect(end?.text == "clean")
    probe.quit()
    await probe.event("Closing") { $0.event == "closed" }
  }

  @Test("An interface that comes and goes is used while it is there")
  func comingAndGoing() async throws {
    let (here, there) = (try TestHost(), try TestHost())
    defer { [here, there].forEach { $0.tearDown() } }
    let one = try Probe(on: here, "--interface", "eth0", "--publish", "one:4001")
    let two = try Probe(on: there, "--publish", "two:4002")
    await one.event("The interface missing") { $0.event == "problem" }
    try here.connect(to: there)
    try here.run("ip addr add 10.99.0.1/24 dev eth0")
    try there.run("ip addr add 10.99.0.2/24 dev eth0")
    await two.found("one", at: "10.99.0.1:4001")
    await one.found("two", at: "10.99.0.2:4002")
    try there.run("ip link del eth0")
    await two.event("Losing one") { $0.event == "lost" && $0.label == "one" }
    await one.event("Losing two") { $0.event == "lost" && $0.label == "two" }
    one.quit()
    two.quit()
  }
}
