import Foundations
import Testing

@testable import Protection

@Suite("A DTLS session")
struct DTLSSessionTests {
  private let alice: DTLSIdentity
  private let bob: DTLSIdentity

  init() throws {
    alice = try TestIdentity(name: "alice").identity()
    bob = try TestIdentity(name: "bob").identity()
  }

  @Test("Two sessions that know each other's fingerprints share keys and prefer GCM")
  func handshake() throws {
    let wire = SimulatedWire(client: alice, server: bob)
    let start = wire.now
    wire.start()
    wire.run()
    let keys = try #require(wire.client.keys)
    #expect(wire.server.keys == keys)
    #expect(keys.profile == .galoisCounterMode)
    #expect(keys.clientKey.count == 16 && keys.clientSalt.count == 12)
    #expect(keys.clientKey != keys.serverKey)
    #expect(wire.client.deadline == nil && wire.server.deadline == nil)
    #expect(wire.now - start < .milliseconds(20))
  }

  @Test("Every handshake has keys of its own")
  func freshKeys() throws {
    let keys = try (0..<2).map { seed in
      let wire = SimulatedWire(client: alice, server: bob, seed: UInt64(seed))
      wire.start()
      wire.run()
      return try #require(wire.client.keys)
    }
    #expect(keys[0] != keys[1])
  }

  @Test(
    "A handshake comes through loss, doubling and overtaking",
    arguments: [
      Weather(loss: 0.1), Weather(loss: 0.2, duplication: 0.2),
      Weather(duplication: 0.5, reordering: 0.5),
      Weather(loss: 0.3, duplication: 0.1, reordering: 0.3),
    ])
  func badWeather(_ weather: Weather) {
    for seed in 0..<50 as Range<UInt64> {
      let wire = SimulatedWire(client: alice, server: bob, weather: weather, seed: seed)
      wire.start()
      wire.run()
      #expect(
        wire.client.keys != nil && wire.client.keys == wire.server.keys,
        "seed \(seed): client \(wire.client.state), server \(wire.server.state)")
    }
  }

  @Test("The same seed sends the same number of datagrams at the same moments")
  func reproducible() {
    func trace() -> [Int64] {
      let weather = Weather(loss: 0.3, duplication: 0.1, reordering: 0.3)
      let wire = SimulatedWire(client: alice, server: bob, weather: weather, seed: 7)
      var moments: [Int64] = []
      wire.interfere = { [unowned wire] datagram, _ in
        moments.append(wire.now.nanoseconds)
        return datagram
      }
      wire.start()
      wire.run()
      return moments
    }
    #expect(trace() == trace())
  }

  @Test("An unanswered client repeats itself after 100 ms, then ever more slowly, then gives up")
  func patience() throws {
    let wire = SimulatedWire(client: alice, server: bob)
    let start = wire.now
    var moments: [Double] = []
    wire.interfere = { [unowned wire] _, _ in
      moments.append((wire.now - start).milliseconds)
      return nil
    }
    wire.start()
    wire.run()
    #expect(moments == [0, 100, 300, 700, 1500, 3100, 5100, 7100, 9100])
    #expect(try #require(wire.client.failure).contains("10"))
    #expect(wire.server.failure != nil)
    #expect(wire.now - start == DTLSSession.patience)
  }

  @Test("A peer that lost our last flight gets it again, though the handshake is over for us")
  func lastFlight() {
    let wire = SimulatedWire(client: alice, server: bob)
    var isOver = false
    wire.interfere = { [unowned wire] datagram, toServer in
      // The server's last flight leaves in the call that connects it: it is lost once.
      guard !toServer, !isOver, wire.server.keys != nil else { return datagram }
      isOver = datagram[0] == 22
      return nil
    }
    wire.start()
    wire.run()
    #expect(isOver)
    #expect(wire.client.keys != nil && wire.client.keys == wire.server.keys)
  }

  @Test("The client refuses a server with another fingerprint, and both fail")
  func wrongServer() {
    let wire = SimulatedWire(client: alice, server: bob, clientExpects: alice.fingerprint)
    wire.start()
    wire.run()
    #expect(wire.client.failure != nil && wire.server.failure != nil)
  }

  @Test("The server refuses a client with another fingerprint, and neither is left connected")
  func wrongClient() {
    let wire = SimulatedWire(client: alice, server: bob, serverExpects: bob.fingerprint)
    wire.start()
    wire.run()
    #expect(wire.client.failure != nil && wire.server.failure != nil)
  }

  @Test("A fingerprint of another length is refused", arguments: [0, 20, 31, 33, 64])
  func oddFingerprint(_ count: Int) {
    let expected = Array((bob.fingerprint + bob.fingerprint).prefix(count))
    let wire = SimulatedWire(client: alice, server: bob, clientExpects: expected)
    wire.start()
    wire.run()
    #expect(wire.client.failure != nil && wire.server.keys == nil)
  }

  @Test("What arrives before the start is read at the start")
  func early() {
    let wire = SimulatedWire(client: alice, server: bob)
    wire.client.start(at: wire.now)
    wire.run(for: .milliseconds(50))
    wire.server.start(at: wire.now)
    wire.run(for: .milliseconds(20))
    #expect(wire.client.keys != nil && wire.client.keys == wire.server.keys)
  }

  @Test("Closing tells the peer", arguments: [true, false])
  func close(clientCloses: Bool) {
    let wire = SimulatedWire(client: alice, server: bob)
    wire.start()
    wire.run()
    (clientCloses ? wire.client : wire.server)!.close()
    #expect((clientCloses ? wire.client : wire.server)!.state == .closed)
    wire.run()
    #expect(wire.client.state == .closed && wire.server.state == .closed)
  }

  @Test("A session that is closed before it starts stays silent")
  func closedEarly() {
    let wire = SimulatedWire(client: alice, server: bob)
    wire.client.close()
    wire.client.start(at: wire.now)
    wire.run()
    #expect(wire.client.state == .closed && wire.client.deadline == nil && wire.sent == 0)
  }

  @Test("OpenSSL's own timer repeats a lost flight where ours can't steer it")
  func libraryTiming() {
    let clock = HostClock()
    var toClient: [[UInt8]] = []
    var toServer: [[UInt8]] = []
    let client = DTLSSession(
      role: .client, identity: alice, peerFingerprint: bob.fingerprint, timing: .library
    ) { toServer.append($0) }
    let server = DTLSSession(
      role: .server, identity: bob, peerFingerprint: alice.fingerprint, timing: .library
    ) { toClient.append($0) }
    server.start(at: clock.now())
    client.start(at: clock.now())
    toServer.removeAll()
    while client.keys == nil || server.keys == nil, client.failure == nil, server.failure == nil {
      while !toServer.isEmpty { server.receive(toServer.removeFirst(), at: clock.now()) }
      while !toClient.isEmpty { client.receive(toClient.removeFirst(), at: clock.now()) }
      guard let deadline = [client.deadline, server.deadline].compactMap({ $0 }).min() else {
        continue
      }
      if toServer.isEmpty, toClient.isEmpty { clock.sleep(until: deadline) }
      client.wake(at: clock.now())
      server.wake(at: clock.now())
    }
    #expect(client.keys != nil && client.keys == server.keys)
  }
}

@Suite("A DTLS session under hostile datagrams")
struct HostileDTLSTests {
  private let alice: DTLSIdentity
  private let bob: DTLSIdentity

  init() throws {
    alice = try TestIdentity(name: "alice").identity()
    bob = try TestIdentity(name: "bob").identity()
  }

  @Test(
    "Garbage that is no record doesn't disturb the handshake", arguments: 0..<20 as Range<UInt64>)
  func garbage(seed: UInt64) {
    var chance = SeededGenerator(seed: seed)
    let wire = SimulatedWire(client: alice, server: bob, seed: seed)
    wire.interfere = { [unowned wire] datagram, toServer in
      let noise = (0..<Int.random(in: 0...200, using: &chance)).map { _ in
        UInt8.random(in: .min ... .max, using: &chance)
      }
      // A first byte that is no content type; 20 to 26 are.
      let junk = [UInt8(63)] + noise
      (toServer ? wire.server : wire.client)!.receive(junk, at: wire.now)
      return datagram
    }
    wire.start()
    wire.run()
    #expect(wire.client.keys != nil && wire.client.keys == wire.server.keys)
  }

  @Test("Altered and truncated handshakes end or succeed, and never crash")
  func mutations() {
    for seed in 0..<400 as Range<UInt64> {
      var chance = SeededGenerator(seed: seed)
      let wire = SimulatedWire(client: alice, server: bob, seed: seed)
      wire.interfere = { datagram, _ in
        guard Int.random(in: 0..<3, using: &chance) == 0 else { return datagram }
        var datagram = datagram
        if Bool.random(using: &chance) {
          return Array(datagram.prefix(Int.random(in: 0...datagram.count, using: &chance)))
        }
        for _ in 0..<Int.random(in: 1...8, using: &chance) {
          let index = Int.random(in: 0..<datagram.count, using: &chance)
          datagram[index] = UInt8.random(in: .min ... .max, using: &chance)
        }
        return datagram
      }
      wire.start()
      wire.run()
      if let keys = wire.client.keys, let others = wire.server.keys { #expect(keys == others) }
    }
  }

  @Test("Random records with a plausible header never crash a session")
  func randomRecords() {
    var chance = SeededGenerator(seed: 3)
    for role in [DTLSRole.client, .server] {
      for _ in 0..<300 {
        let session = DTLSSession(
          role: role, identity: alice, peerFingerprint: bob.fingerprint
        ) { _ in }
        session.start(at: .zero)
        for step in 0..<10 {
          let length = Int.random(in: 0...300, using: &chance)
          // type, version, epoch and sequence number, length (RFC 6347 §4.1)
          let header: [UInt8] = [
            UInt8.random(in: 20...25, using: &chance), 0xFE, Bool.random() ? 0xFD : 0xFF,
            0, 0, 0, 0, 0, 0, 0, UInt8(step), UInt8(length >> 8), UInt8(length & 255),
          ]
          let body = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &chance) }
          session.receive(header + body, at: .zero + .milliseconds(step))
        }
        #expect(session.keys == nil)
      }
    }
  }

  @Test("Garbage after the handshake leaves the session connected")
  func afterwards() {
    var chance = SeededGenerator(seed: 5)
    let wire = SimulatedWire(client: alice, server: bob)
    wire.start()
    wire.run()
    for _ in 0..<500 {
      let length = Int.random(in: 0...100, using: &chance)
      let body = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &chance) }
      let epoch = UInt8.random(in: 0...2, using: &chance)
      let kind = UInt8.random(in: 20...30, using: &chance)
      let header: [UInt8] = [kind, 0xFE, 0xFD, 0, epoch, 0, 0, 0, 0, 1, 9, 0, UInt8(length)]
      wire.client.receive(header + body, at: wire.now)
      wire.server.receive(header + body, at: wire.now)
    }
    #expect(wire.client.keys != nil && wire.client.keys == wire.server.keys)
  }

  @Test("A record of any length in any epoch leaves the session connected", arguments: 0...80)
  func shortRecords(length: Int) {
    let wire = SimulatedWire(client: alice, server: bob)
    wire.start()
    wire.run()
    for kind in 20...23 as ClosedRange<UInt8> {
      for epoch in 0...2 as ClosedRange<UInt8> {
        let header: [UInt8] = [kind, 0xFE, 0xFD, 0, epoch, 0, 0, 0, 0, 1, 9, 0, UInt8(length)]
        let record = header + [UInt8](repeating: 1, count: length)
        for datagram in [record, record + record] {
          wire.client.receive(datagram, at: wire.now)
          wire.server.receive(datagram, at: wire.now)
        }
      }
    }
    #expect(wire.client.keys != nil && wire.client.keys == wire.server.keys)
  }

  @Test("Datagrams that wait for the start, or have an impossible size, are bounded and counted")
  func bounds() {
    let session = DTLSSession(
      role: .server, identity: alice, peerFingerprint: bob.fingerprint
    ) { _ in }
    for _ in 0..<100 { session.receive([UInt8](repeating: 22, count: 100), at: .zero) }
    #expect(session.dropped == 92)
    session.start(at: .zero)
    session.receive([22], at: .zero)
    session.receive([UInt8](repeating: 22, count: 70_000), at: .zero)
    #expect(session.dropped == 94)
  }
}

@Suite("A DTLS identity")
struct DTLSIdentityTests {
  @Test("The fingerprint is SHA-256 of the certificate")
  func fingerprint() throws {
    let identity = try TestIdentity()
    #expect(try identity.identity().fingerprint.count == 32)
    #expect(try identity.identity().fingerprint == identity.identity().fingerprint)
  }

  @Test("Garbage for a certificate or a key is refused by name")
  func garbage() throws {
    let good = try TestIdentity()
    let other = try TestIdentity()
    func attempt(_ der: [UInt8], _ pem: String) -> ProtectionFailure? {
      do throws(ProtectionFailure) {
        _ = try DTLSIdentity(certificateDER: der, privateKeyPEM: pem)
        return nil
      } catch {
        return error
      }
    }
    #expect(attempt([], good.privateKeyPEM) == .badCertificate)
    #expect(attempt([0x30, 0x82, 0xFF], good.privateKeyPEM) == .badCertificate)
    #expect(attempt(Array(good.certificateDER.dropLast()), good.privateKeyPEM) == .badCertificate)
    #expect(attempt(good.certificateDER + [0], good.privateKeyPEM) == .badCertificate)
    #expect(attempt(good.certificateDER, "") == .badPrivateKey)
    #expect(attempt(good.certificateDER, "-----BEGIN PRIVATE KEY-----\nAAAA\n") == .badPrivateKey)
    #expect(attempt(good.certificateDER, other.privateKeyPEM) == .mismatchedKey)
    #expect(attempt(good.certificateDER, good.privateKeyPEM) == nil)
  }
}
