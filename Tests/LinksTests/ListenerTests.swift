import Foundations
import Links
import Testing

extension LinksTests {
  @Suite("Listening and connecting") struct ListenerTests {
    @Test("Without restriction it listens over IPv4 and IPv6 on one port")
    func bothFamilies() async throws {
      let links = try makeLinks()
      let listener = try await links.listen()
      #expect(listener.port > 0)
      #expect(listener.addresses.first?.host == "0.0.0.0")
      for host in ["127.0.0.1", "::1"] where hasAddress(host) {
        let target = NetworkAddress(host: host, port: listener.port)
        let stream = try await links.connect(to: target, purpose: .link)
        let other = try #require(await next(of: listener))
        #expect(stream.send([1]))
        #expect(await other.next() == [1])
        #expect(stream.remoteAddress == target)
      }
      await links.close()
    }

    @Test("A port that is taken is said so")
    func portInUse() async throws {
      let (first, second) = (try makeLinks(), try makeLinks())
      let listener = try await first.listen()
      let failure = await #expect(throws: Failure.self) {
        try await second.listen(port: listener.port)
      }
      #expect(failure?.code == "port-in-use")
      #expect(failure?.exit == .cannotCreate)
      // The failed attempt holds nothing: after the first has gone, the port can be had.
      await listener.close()
      let again = try await second.listen(port: listener.port)
      #expect(again.port == listener.port)
      await first.close()
      await second.close()
    }

    @Test("An interface that isn't there is said so")
    func noInterface() async throws {
      let links = try makeLinks()
      let failure = await #expect(throws: Failure.self) {
        try await links.listen(interfaces: ["no-such-0"])
      }
      #expect(failure?.code == "no-interface")
      await links.close()
    }

    @Test("Nobody at an address is said so, at once on a refusal")
    func refused() async throws {
      let links = try makeLinks()
      let listener = try await links.listen(interfaces: ["lo"])
      let target = NetworkAddress(host: "127.0.0.1", port: listener.port)
      await listener.close()
      let failure = await #expect(throws: Failure.self) {
        try await links.connect(to: target, purpose: .link)
      }
      #expect(failure?.code == "unreachable")
      #expect(failure?.exit == .noHost)
      await links.close()
    }

    @Test(
      "What is no address is no crash", arguments: ["", "example.org", "1.2.3", "fe80::1%", "::g"])
    func badAddress(host: String) async throws {
      let links = try makeLinks()
      let failure = await #expect(throws: Failure.self) {
        try await links.connect(to: NetworkAddress(host: host, port: 9), purpose: .link)
      }
      #expect(failure?.code == "bad-address")
      await links.close()
    }

    @Test("A server that takes the connection and says nothing is given up in time")
    func silentServer() async throws {
      let links = try makeLinks()
      let server = try SilentServer()
      let failure = await #expect(throws: Failure.self) {
        try await links.connect(
          to: server.address, purpose: .link, timeout: .milliseconds(100))
      }
      #expect(failure?.code == "unreachable")
      await links.close()
    }

    @Test("A cancelled attempt ends at once")
    func cancelled() async throws {
      let links = try makeLinks()
      let server = try SilentServer()
      let start = ContinuousClock.now
      let attempt = Task {
        try await links.connect(to: server.address, purpose: .link, timeout: .seconds(30))
      }
      attempt.cancel()
      let failure = await #expect(throws: Failure.self) { try await attempt.value }
      #expect(failure?.code == "cancelled")
      #expect(start.duration(to: .now) < .seconds(5))
      await links.close()
    }

    @Test("Of several addresses the first that answers is taken, the others are given up")
    func firstOf() async throws {
      let pair = try await Pair()
      let silent = try SilentServer()
      let start = ContinuousClock.now
      let stream = try await pair.near.connectFirst(
        of: [silent.address, silent.address, pair.target], from: .advertisement, purpose: .link)
      #expect(start.duration(to: .now) < .seconds(2))
      #expect(stream.remoteAddress == pair.target)
      let other = try #require(await next(of: pair.listener))
      #expect(stream.send([5]))
      #expect(await other.next() == [5])
      #expect(pair.near.streamCount == 1)
      await pair.close()
    }

    @Test("When none of several addresses answers, or there is none, that is said")
    func noneOf() async throws {
      let links = try makeLinks()
      let listener = try await links.listen(interfaces: ["lo"])
      await listener.close()
      let dead = NetworkAddress(host: "127.0.0.1", port: listener.port)
      for addresses in [[], [dead], [dead, NetworkAddress(host: "127.0.0.2", port: dead.port)]] {
        let failure = await #expect(throws: Failure.self) {
          try await links.connectFirst(of: addresses, from: .advertisement, purpose: .link)
        }
        // A port that was given up may be another program's by now.
        #expect(["unreachable", "not-virtue"].contains(failure?.code))
      }
      await links.close()
    }

    @Test("A link-local address is reached through its scope")
    func linkLocal() async throws {
      let address = LocalAddresses.current().first { $0.isIPv6 && $0.isLinkLocal }
      guard let address else { return }
      let links = try makeLinks()
      let listener = try await links.listen(interfaces: [address.interface])
      for host in [address.scopedHost, address.host] {
        let stream = try await links.connectFirst(
          of: [NetworkAddress(host: host, port: listener.port)], from: .advertisement,
          purpose: .link)
        #expect(stream.remoteAddress.host == address.scopedHost)
      }
      await links.close()
    }

    @Test("Who dials over named interfaces tries each, and reaches nobody over another")
    func dialledOver() async throws {
      let pair = try await Pair()
      for (interfaces, isReached) in [
        (["lo"], true), (["no-such-0", "lo"], true), (["no-such-0"], false),
      ] {
        let links = try makeLinks(interfaces: interfaces)
        if isReached {
          let stream = try await links.connectFirst(
            of: [pair.target], from: .advertisement, purpose: .link)
          #expect(stream.remoteAddress == pair.target)
        } else {
          let failure = await #expect(throws: Failure.self) {
            try await links.connectFirst(of: [pair.target], from: .advertisement, purpose: .link)
          }
          #expect(failure?.code == "unreachable")
          #expect(failure?.message == "Nobody answers at \(pair.target) over no-such-0.")
        }
        await links.close()
      }
      let scoped = try makeLinks(interfaces: ["lo"])
      let elsewhere = NetworkAddress(host: "fe80::1%no-such-0", port: pair.target.port)
      let failure = await #expect(throws: Failure.self) {
        try await scoped.connectFirst(of: [elsewhere], from: .advertisement, purpose: .link)
      }
      #expect(failure?.message.contains("No network interface that is in use") == true)
      await scoped.close()
      await pair.close()
    }

    @Test("Who dials over loopback alone reaches this computer's other addresses over it")
    func ownOverLoopback() async throws {
      let links = try makeLinks(interfaces: ["lo"])
      let listener = try await links.listen()
      for address in LocalAddresses.current() where !address.isLinkLocal {
        let stream = try await links.connectFirst(
          of: [NetworkAddress(host: address.host, port: listener.port)], from: .advertisement,
          purpose: .link)
        #expect(stream.remoteAddress.host == address.host)
      }
      await links.close()
    }

    @Test("Who listens on one interface is reached from this computer at its addresses only")
    func ownAddresses() async throws {
      let every = LocalAddresses.current() + LocalAddresses.current(interfaces: ["lo"])
      for interface in Set(every.map(\.interface)) {
        let links = try makeLinks()
        let listener = try await links.listen(interfaces: [interface])
        for address in every {
          let target = NetworkAddress(host: address.scopedHost, port: listener.port)
          if address.interface == interface {
            let stream = try await links.connect(to: target, purpose: .link)
            #expect(stream.remoteAddress == target)
          } else {
            await #expect(throws: Failure.self, "\(interface) at \(target)") {
              try await links.connect(to: target, purpose: .link)
            }
          }
        }
        await links.close()
      }
    }

    @Test("After everything is closed each call ends, with a failure or at once")
    func afterClose() async throws {
      let pair = try await Pair()
      let (near, far) = try await pair.connect()
      let silent = try SilentServer()
      let attempt = Task {
        try await pair.near.connect(to: silent.address, purpose: .link, timeout: .seconds(30))
      }
      await pair.near.close()
      await pair.near.close()
      await #expect(throws: Failure.self) { try await attempt.value }
      await #expect(throws: Failure.self) { try await pair.near.listen() }
      let failure = await #expect(throws: Failure.self) {
        try await pair.near.connectFirst(of: [pair.target], from: .advertisement, purpose: .link)
      }
      #expect(failure?.code == "closed")
      near.confirm()
      near.close()
      #expect(!near.send([1]))
      #expect(await near.next() == nil)
      #expect(await near.closed() == .local)
      #expect(await far.closed() == .closedByPeer)
      await pair.far.close()
      await pair.listener.close()
      #expect(await next(of: pair.listener) == nil)
    }

    @Test("Closing the listener drops who is unconfirmed and leaves who is confirmed")
    func closeListener() async throws {
      let pair = try await Pair()
      let (near, far) = try await pair.connect()
      let (stranger, strangerFar) = try await pair.connect()
      far.confirm()
      await pair.listener.close()
      #expect(await strangerFar.closed() == .timeout)
      await stranger.closed()
      #expect(near.send([3]))
      #expect(await far.next() == [3])
      await #expect(throws: Failure.self) {
        try await pair.near.connect(to: pair.target, purpose: .link)
      }
      await pair.close()
    }

    @Test("Loopback is listed when it is named")
    func localAddresses() {
      let loopback = LocalAddresses.current(interfaces: ["lo"])
      #expect(loopback.contains { $0.host == "127.0.0.1" && $0.isLoopback && !$0.isIPv6 })
      let others = LocalAddresses.current()
      #expect(!others.isEmpty)
      #expect(others.allSatisfy(\.isLoopback) || !others.contains(where: \.isLoopback))
    }
  }
}

func hasAddress(_ host: String) -> Bool {
  LocalAddresses.current(interfaces: ["lo"]).contains { $0.host == host }
}
