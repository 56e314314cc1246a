import Foundations
import Glibc
import Testing

@testable import Connectivity

@Suite("An ICE agent under hostile input")
struct HostilePeerTests {
  @Test("Garbage on the port harms neither the checks nor the path")
  func garbage() async throws {
    try await withHall { hall in
      let (one, other) = await makePair(in: hall)
      try await one.on { try $0.gather() }
      try await other.on { try $0.gather() }
      let ports = try await one.on { agent in
        try agent.localCandidates.map { try #require(ICECandidate($0)) }
          .filter(\.address.isIPv4).map(\.port)
      }
      flood(ports, seed: 1)
      try await introduce(one, to: other)
      try await introduce(other, to: one)
      flood(ports, seed: 2)
      #expect(await one.reach(.ready))
      #expect(await other.reach(.ready))
      flood(ports, seed: 3)
      #expect(await other.on { $0.send([0x80, 42]) })
      // The strangers' datagrams don't come through: the first one is the peer's.
      #expect(await one.nextDatagram() == [0x80, 42])
    }
  }

  /// Random bytes, and mutated STUN requests.
  private func flood(_ ports: [UInt16], seed: UInt64) {
    var chance = SeededGenerator(seed: seed)
    let socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(socket) }
    for port in ports {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      for _ in 0..<300 {
        let count = Int.random(in: 0...400, using: &chance)
        var bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &chance) }
        if Bool.random(using: &chance), count >= 20 {
          // A binding request's header with attributes of random lengths (RFC 8489 §5).
          bytes.replaceSubrange(
            0..<8,
            with: [
              0, 1, UInt8((count - 20) >> 8), UInt8((count - 20) & 0xFC), 0x21, 0x12, 0xA4, 0x42,
            ])
        }
        _ = bytes.withUnsafeBytes { buffer in
          withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
              sendto(
                socket, buffer.baseAddress, buffer.count, 0, $0,
                socklen_t(MemoryLayout<sockaddr_in>.size))
            }
          }
        }
      }
    }
  }

  @Test("Garbage among the candidates is left out, and there are never too many")
  func candidates() async throws {
    try await withHall { hall in
      let (one, _) = await makePair(in: hall)
      try await one.on { try $0.gather() }
      await one.on { $0.setRemote(.make(from: .system)) }
      let bad = [
        "", "candidate:", "a=", "garbage", "candidate:1 1 UDP 1 10.0.0.1 9", "\u{0}",
        "candidate:1 1",
        "candidate:1 1 UDP 2122252543 3f2a.local 50000 typ host",
        "candidate:1 1 TCP 2122252543 10.0.0.1 9 typ host tcptype active",
      ]
      #expect(await one.on { $0.addRemote(candidates: bad) } == 0)
      let many = (1...100).map { "candidate:\($0) 1 UDP 2122252543 127.0.0.1 \($0) typ host" }
      #expect(await one.on { $0.addRemote(candidates: many) } == ICEAgent.remoteCandidateLimit)
      #expect(await one.on { $0.addRemote(candidates: many) } == 0)
    }
  }

  @Test("Without loopback of our own, a peer's loopback candidates are left out")
  func knocking() async throws {
    let others = LocalAddresses.all().filter { $0.isRunning && !$0.isLoopback }
    guard let name = others.first?.interface else { return }
    try await withHall { hall in
      let agent = await hall.visit { hall in
        TestAgent(in: hall, ICEConfiguration(controlling: true, interfaces: [name]))
      }
      try await agent.on { try $0.gather() }
      let line = "candidate:1 1 UDP 2122252543 127.0.0.1 631 typ host"
      #expect(await agent.on { $0.addRemote(candidates: [line]) } == 0)
    }
  }
}

@Suite("A candidate line")
struct ICECandidateTests {
  @Test(
    "What browsers write is read",
    arguments: [
      "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 10.0.0.7 rport 46154 generation 0 ufrag EsAw network-cost 999",
      "candidate:0 1 UDP 2122252543 192.0.2.9 40001 typ host",
      "a=candidate:1 1 UDP 2122252543 2001:db8::7 40001 typ host",
      "candidate:abc+/ 1 UDP 1 fe80::1 1 typ relay raddr 0.0.0.0 rport 0",
      "candidate:1 1 UDP 1862270975 192.0.2.9 40001 typ prflx",
    ])
  func read(_ line: String) throws {
    let candidate = try #require(ICECandidate(line))
    #expect(ICECandidate(candidate.attribute) == candidate)
  }

  @Test(
    "What is no use is refused",
    arguments: [
      "candidate:1 2 UDP 1 192.0.2.9 40001 typ host",
      "candidate:1 1 UDP 0 192.0.2.9 40001 typ host",
      "candidate:1 1 UDP 4294967296 192.0.2.9 40001 typ host",
      "candidate:1 1 UDP -1 192.0.2.9 40001 typ host",
      "candidate:1 1 UDP 1 192.0.2.9 0 typ host",
      "candidate:1 1 UDP 1 192.0.2.9 65536 typ host",
      "candidate:1 1 UDP 1 192.0.2.9 +80 typ host",
      "candidate:1 1 UDP 1 192.0.2 80 typ host",
      "candidate:1 1 UDP 1 0.0.0.0 80 typ host",
      "candidate:1 1 UDP 1 :: 80 typ host",
      "candidate:1 1 UDP 1 224.0.0.251 80 typ host",
      "candidate:1 1 UDP 1 255.255.255.255 80 typ host",
      "candidate:1 1 UDP 1 ff02::fb 80 typ host",
      "candidate:1 1 UDP 1 ::ffff:127.0.0.1 80 typ host",
      "candidate:1 1 UDP 1 fe80::1%eth0 80 typ host",
      "candidate:1 1 UDP 1 example.org 80 typ host",
      "candidate:1 1 UDP 1 0b6dd8b1.local 80 typ host",
      "candidate:1 1 UDP 1 192.0.2.9 80 typ other",
      "candidate:1 1 UDP 1 192.0.2.9 80 host typ",
      "candidate:1 1 TCP 1 192.0.2.9 80 typ host tcptype passive",
      "candidate:a!b 1 UDP 1 192.0.2.9 80 typ host",
      "candidate:123456789012345678901234567890123 1 UDP 1 192.0.2.9 80 typ host",
      "candidate:1 1 UDP 1 192.0.2.9 80 typ host\r\na=setup:active",
      "candidate:1 1 UDP 1 192.0.2.9 80 typ host é",
    ])
  func refuse(_ line: String) {
    #expect(ICECandidate(line) == nil)
  }

  @Test("Any line is read or refused, without a crash")
  func fuzz() {
    var chance = SeededGenerator(seed: 17)
    let line = Array(
      "candidate:1 1 UDP 2122252543 192.0.2.9 40001 typ host raddr 1.2.3.4 rport 9".utf8)
    for _ in 0..<20_000 {
      var bytes = line
      for _ in 0..<Int.random(in: 1...6, using: &chance) {
        let index = Int.random(in: 0..<bytes.count, using: &chance)
        switch Int.random(in: 0..<4, using: &chance) {
        case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &chance)
        case 1: bytes.remove(at: index)
        case 2: bytes.insert(UInt8(ascii: " "), at: index)
        case _: bytes.removeLast(min(bytes.count - 1, 10))
        }
      }
      if let candidate = ICECandidate(String(decoding: bytes, as: UTF8.self)) {
        #expect(ICECandidate(candidate.attribute) == candidate)
      }
    }
    #expect(ICECandidate(String(repeating: " ", count: 100_000)) == nil)
  }
}

@Suite("ICE credentials")
struct ICECredentialsTests {
  @Test("Only lengths and characters of the standard are taken")
  func limits() {
    let password = String(repeating: "p", count: 22)
    #expect(ICECredentials(ufrag: "abc", password: password) == nil)
    #expect(ICECredentials(ufrag: "abcd", password: String(password.dropLast())) == nil)
    #expect(ICECredentials(ufrag: "ab d", password: password) == nil)
    #expect(ICECredentials(ufrag: "abcd", password: password + "\n") == nil)
    #expect(ICECredentials(ufrag: String(repeating: "a", count: 257), password: password) == nil)
    #expect(ICECredentials(ufrag: "ab+/", password: password) != nil)
  }

  @Test("Fresh ones differ")
  func fresh() {
    let made = Set((0..<100).map { _ in ICECredentials.make(from: .system) })
    #expect(made.count == 100)
  }
}

@Suite("The choice of local addresses")
struct LocalAddressesTests {
  private static func address(
    _ interface: String, _ text: String, loopback: Bool = false, running: Bool = true
  ) -> InterfaceAddress {
    InterfaceAddress(
      interface: interface, address: IPAddress(text)!, isLoopback: loopback, isRunning: running)
  }

  private static let all = [
    address("lo", "127.0.0.1", loopback: true), address("lo", "::1", loopback: true),
    address("eth0", "fe80::1"), address("eth0", "2001:db8::1"), address("eth0", "192.0.2.1"),
    address("wlan0", "fe80::2"), address("wlan0", "198.51.100.1"),
    address("docker0", "172.17.0.1", running: false),
  ]

  private static func choose(_ all: [InterfaceAddress], _ names: [String]? = nil) -> [String] {
    LocalAddresses.choose(from: all, named: names).map(\.description)
  }

  @Test("Every running interface but loopback counts, link-local IPv6 only where it is alone")
  func real() {
    #expect(
      Self.choose(Self.all) == ["192.0.2.1", "198.51.100.1", "2001:db8::1", "fe80::2"])
  }

  @Test("Named interfaces are the only ones")
  func named() {
    #expect(Self.choose(Self.all, ["wlan0"]) == ["198.51.100.1", "fe80::2"])
    #expect(Self.choose(Self.all, ["lo", "wlan0"]).contains("127.0.0.1"))
    #expect(Self.choose(Self.all, ["docker0"]).isEmpty)
    #expect(Self.choose(Self.all, []).isEmpty)
  }

  @Test("Loopback is used when nothing else is up")
  func alone() {
    #expect(Self.choose(Array(Self.all.prefix(2))) == ["127.0.0.1", "::1"])
    #expect(Self.choose([]).isEmpty)
  }

  @Test("There are never too many")
  func bounded() {
    let many = (1...100).map { Self.address("eth0", "10.0.0.\($0)") }
    #expect(Self.choose(many).count == LocalAddresses.limit)
  }
}
