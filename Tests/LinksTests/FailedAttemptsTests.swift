import Foundations
import Testing

@testable import Links

extension LinksTests {
  @Suite("Addresses where nobody answers") struct FailedAttemptsTests {
    @Test("One is tried some times at once and twice a second, whatever its ports and its names")
    func bounded() async throws {
      let links = try makeLinks()
      var bystanders: [Bystander] = []
      for _ in 0..<4 { bystanders.append(try await Bystander()) }
      let ports = bystanders.map(\.address.port)
      let addresses = ports.flatMap { port in
        ["127.0.0.1", "::ffff:127.0.0.1"].map { NetworkAddress(host: $0, port: port) }
      }
      let named = AddressSource.member(sponsor: PeerID([UInt8](repeating: 1, count: 16))!)
      let start = ContinuousClock.now
      var dials = 0
      while start.duration(to: .now) < .seconds(2) {
        dials += 1
        await #expect(throws: Failure.self) {
          try await links.connectFirst(of: addresses, from: named, purpose: .link)
        }
      }
      let seconds = start.duration(to: .now).inSeconds
      let connections = bystanders.reduce(0) { $0 + $1.connections }
      print("\(dials) dials made \(connections) connections in \(seconds) s")
      #expect((32...37).contains(connections))

      // What the user names is tried.
      await #expect(throws: Failure.self) {
        try await links.connectFirst(of: addresses, from: .user, purpose: .link)
      }
      #expect(bystanders.reduce(0) { $0 + $1.connections } >= connections + 8)

      // Whoever lives there is reached in a moment by what the same one says, at once by its own word, and
      // at another address at once.
      let far = try makeLinks()
      let listener = try await far.listen(interfaces: ["lo"])
      let elsewhere = NetworkAddress(host: "127.0.0.2", port: listener.port)
      _ = try await links.connectFirst(of: [elsewhere], from: named, purpose: .link)
      let member = NetworkAddress(host: "127.0.0.1", port: listener.port)
      let asked = ContinuousClock.now
      let own = AddressSource.member(sponsor: PeerID([UInt8](repeating: 2, count: 16))!)
      _ = try await links.connectFirst(of: [member], from: own, purpose: .link)
      while (try? await links.connectFirst(of: [member], from: named, purpose: .link)) == nil {
        try await Task.sleep(for: .milliseconds(50))
        #expect(asked.duration(to: .now) < .seconds(2))
      }
      // Again and again: it costs nothing.
      for _ in 0..<40 {
        _ = try await links.connectFirst(of: [elsewhere], from: named, purpose: .link)
      }
      for bystander in bystanders { try await bystander.close() }
      await links.close()
      await far.close()
    }

    @Test(
      "Of thirty on one computer those that were killed don't keep the others from being reached",
      arguments: [15, 29])
    func shared(killed: Int) {
      var attempts = FailedAttempts()
      var chance = SeededGenerator(seed: 1)
      // As the gossip dials them in a meeting of thirty.
      let crowd = max(1, Double(30 - killed) / 9)
      var dials: [Double] = []
      for _ in 0..<killed {
        var (moment, wait) = (0.0, crowd)
        while moment < 120 {
          moment += wait * Double.random(in: 1..<2, using: &chance)
          wait = min(wait * 2, 8 * crowd)
          dials.append(moment)
        }
      }
      let failed = dials.map { ($0, false) }
      let good = stride(from: 0, to: 120, by: 0.1).map { ($0, true) }
      var (longest, refused) = (0, 0)
      for (moment, isThere) in (failed + good).sorted(by: { $0.0 < $1.0 }) {
        let mayTry = attempts.begin("192.0.2.1", from: .advertisement, at: .zero + .seconds(moment))
        guard isThere else { continue }
        if mayTry { attempts.succeed("192.0.2.1", from: .advertisement) }
        refused = mayTry ? 0 : refused + 1
        longest = max(longest, refused)
      }
      print("nobody was kept out for longer than \(longest * 100) ms")
      // Of the 29 some dials fall together.
      #expect(longest < (killed == 15 ? 5 : 20))
    }

    @Test("Addresses without end take bounded room")
    func boundedRoom() {
      var attempts = FailedAttempts()
      for number in 0..<5000 {
        _ = attempts.begin(
          "2001:db8::\(number)", from: .advertisement, at: .zero + .milliseconds(number))
      }
      #expect(attempts.count <= FailedAttempts.most)
    }

    @Test("Of more addresses than a member may name those are left out that others replace")
    func order() {
      func address(_ interface: String, _ host: String, isBridge: Bool = false) -> LocalAddress {
        let isIPv6 = host.contains(":")
        return LocalAddress(
          interface: interface, host: host, isIPv6: isIPv6, isLinkLocal: host.hasPrefix("fe80"),
          isLoopback: false, isBridge: isBridge)
      }
      let bridges = (1...8).map { address("br-\($0)", "172.17.\($0).1", isBridge: true) }
      let temporary = (1...6).map { address("wlan0", "2001:db8::\($0)") }
      let all =
        bridges + [address("eth0", "192.0.2.1"), address("wlan0", "198.51.100.1")] + temporary
        + [address("eth0", "fe80::1"), address("wlan0", "fe80::2")]
      #expect(
        all.byUse.prefix(5).map(\.host)
          == ["192.0.2.1", "198.51.100.1", "2001:db8::1", "fe80::1", "fe80::2"])
      #expect(all.byUse.count == all.count && all.byUse.last?.interface == "br-8")
    }
  }
}
