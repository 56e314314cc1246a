import Foundations
import Protection
import Testing

@Suite("An SRTP session")
struct SRTPSessionTests {
  private static func pair(_ profile: SRTPProfile) throws -> (SRTPSession, SRTPSession) {
    let exported = (0..<SRTPKeys.exportedByteCount(profile)).map { UInt8($0 * 7 & 255) }
    let keys = try #require(SRTPKeys(profile: profile, exported: exported))
    return (try SRTPSession(keys: keys, role: .client), try SRTPSession(keys: keys, role: .server))
  }

  private static func rtp(_ sequence: Int, source: UInt8 = 1, bytes: Int = 1000) -> [UInt8] {
    let head: [UInt8] = [
      0x80, 96, UInt8(sequence >> 8 & 255), UInt8(sequence & 255), 0, 0, 0, 7, 0, 0, 0, source,
    ]
    return head + (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &+ sequence) }
  }

  /// An empty receiver report.
  private static let report: [UInt8] = [0x80, 201, 0, 1, 0, 0, 0, 1]

  private static func failure(_ body: () throws(SRTPFailure) -> [UInt8]) -> SRTPFailure? {
    do throws(SRTPFailure) {
      _ = try body()
      return nil
    } catch {
      return error
    }
  }

  @Test("Packets come back as they were, both ways", arguments: SRTPProfile.allCases)
  func roundTrip(_ profile: SRTPProfile) throws {
    let (client, server) = try Self.pair(profile)
    for sequence in 0..<100 {
      let plain = Self.rtp(sequence, bytes: sequence * 12)
      let there = try #require(client.protect(rtp: plain))
      let back = try #require(server.protect(rtp: plain))
      #expect(there != back && there.count > plain.count)
      #expect(plain.count <= 12 || !there.dropFirst(12).starts(with: plain.dropFirst(12)))
      #expect(try server.unprotect(rtp: there) == plain)
      #expect(try client.unprotect(rtp: back) == plain)
    }
    let control = try #require(client.protect(rtcp: Self.report))
    #expect(try server.unprotect(rtcp: control) == Self.report)
    #expect(client.statistics.protected == 101 && client.statistics.unprotected == 100)
  }

  @Test("The sequence number may wrap", arguments: SRTPProfile.allCases)
  func wrap(_ profile: SRTPProfile) throws {
    let (client, server) = try Self.pair(profile)
    for sequence in 65_500..<65_600 {
      let plain = Self.rtp(sequence)
      #expect(try server.unprotect(rtp: #require(client.protect(rtp: plain))) == plain)
    }
  }

  @Test("A packet is taken once, in any order, within the window", arguments: SRTPProfile.allCases)
  func replay(_ profile: SRTPProfile) throws {
    let (client, server) = try Self.pair(profile)
    let packets = try (0..<2000).map { try #require(client.protect(rtp: Self.rtp($0, bytes: 20))) }
    #expect(
      Self.failure { () throws(SRTPFailure) in try server.unprotect(rtp: packets[1000]) } == nil)
    #expect(
      Self.failure { () throws(SRTPFailure) in try server.unprotect(rtp: packets[10]) } == nil)
    #expect(
      Self.failure { () throws(SRTPFailure) in try server.unprotect(rtp: packets[10]) } == .replayed
    )
    #expect(
      Self.failure { () throws(SRTPFailure) in try server.unprotect(rtp: packets[1000]) }
        == .replayed)
    #expect(
      Self.failure { () throws(SRTPFailure) in try server.unprotect(rtp: packets[1999]) } == nil)
    #expect(
      Self.failure { () throws(SRTPFailure) in try server.unprotect(rtp: packets[900]) } == .tooOld)
    let control = try #require(client.protect(rtcp: Self.report))
    _ = try server.unprotect(rtcp: control)
    #expect(
      Self.failure { () throws(SRTPFailure) in try server.unprotect(rtcp: control) } == .replayed)
    #expect(server.statistics.replayed == 3 && server.statistics.tooOld == 1)
  }

  @Test("A packet asked for again is protected to the same bytes", arguments: SRTPProfile.allCases)
  func again(_ profile: SRTPProfile) throws {
    let (client, server) = try Self.pair(profile)
    let first = try #require(client.protect(rtp: Self.rtp(5)))
    _ = try #require(client.protect(rtp: Self.rtp(6)))
    let second = try #require(client.protect(rtp: Self.rtp(5)))
    #expect(first == second)
    #expect(try server.unprotect(rtp: second) == Self.rtp(5))
  }

  @Test("Any altered bit and any truncation is refused", arguments: SRTPProfile.allCases)
  func tamper(_ profile: SRTPProfile) throws {
    let (client, server) = try Self.pair(profile)
    let packet = try #require(client.protect(rtp: Self.rtp(1, bytes: 30)))
    let control = try #require(client.protect(rtcp: Self.report))
    for bit in 0..<(packet.count * 8) {
      var altered = packet
      altered[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(
        Self.failure { () throws(SRTPFailure) in try server.unprotect(rtp: altered) } != nil)
    }
    for bit in 0..<(control.count * 8) {
      var altered = control
      altered[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(
        Self.failure { () throws(SRTPFailure) in try server.unprotect(rtcp: altered) } != nil)
    }
    for count in 0..<packet.count {
      let cut = Array(packet.prefix(count))
      #expect(Self.failure { () throws(SRTPFailure) in try server.unprotect(rtp: cut) } != nil)
      #expect(Self.failure { () throws(SRTPFailure) in try server.unprotect(rtcp: cut) } != nil)
    }
    #expect(try server.unprotect(rtp: packet) == Self.rtp(1, bytes: 30))
    #expect(try server.unprotect(rtcp: control) == Self.report)
    #expect(server.statistics.notAuthentic > 0)
  }

  @Test("Garbage is refused and counted, never a crash", arguments: SRTPProfile.allCases)
  func garbage(_ profile: SRTPProfile) throws {
    let (_, server) = try Self.pair(profile)
    var chance = SeededGenerator(seed: 11)
    for _ in 0..<5000 {
      let count = Int.random(in: 0...100, using: &chance)
      var bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &chance) }
      if count > 0 { bytes[0] = bytes[0] & 0x3F | 0x80 }
      #expect(Self.failure { () throws(SRTPFailure) in try server.unprotect(rtp: bytes) } != nil)
      #expect(Self.failure { () throws(SRTPFailure) in try server.unprotect(rtcp: bytes) } != nil)
      _ = server.protect(rtp: bytes)
      _ = server.protect(rtcp: bytes)
    }
    let long = [UInt8](repeating: 0x80, count: 70_000)
    #expect(
      Self.failure { () throws(SRTPFailure) in try server.unprotect(rtp: long) } == .malformed)
    #expect(server.protect(rtp: long) == nil)
    #expect(server.statistics.unprotected == 0)
  }

  @Test("Keys of another handshake open nothing", arguments: SRTPProfile.allCases)
  func strangers(_ profile: SRTPProfile) throws {
    let (client, _) = try Self.pair(profile)
    let exported = [UInt8](repeating: 9, count: SRTPKeys.exportedByteCount(profile))
    let keys = try #require(SRTPKeys(profile: profile, exported: exported))
    let stranger = try SRTPSession(keys: keys, role: .server)
    let packet = try #require(client.protect(rtp: Self.rtp(1)))
    #expect(
      Self.failure { () throws(SRTPFailure) in try stranger.unprotect(rtp: packet) }
        == .notAuthentic)
  }

  @Test("A peer may have only so many sources")
  func sources() throws {
    let (client, server) = try Self.pair(.galoisCounterMode)
    for source in 0..<40 {
      let packet = try #require(client.protect(rtp: Self.rtp(1, source: UInt8(source))))
      let refusal = Self.failure { () throws(SRTPFailure) in try server.unprotect(rtp: packet) }
      #expect(refusal == (source < SRTPSession.sourceLimit ? nil : .tooManySources))
    }
  }

  @Test("Keys of a wrong length are refused")
  func wrongKeys() {
    #expect(SRTPKeys(profile: .counterMode, exported: [1, 2, 3]) == nil)
    let keys = SRTPKeys(
      profile: .counterMode, clientKey: [1], clientSalt: [], serverKey: [], serverSalt: [])
    #expect(throws: ProtectionFailure.badKeys) { try SRTPSession(keys: keys, role: .client) }
  }
}

@Suite("A datagram's kind")
struct DatagramKindTests {
  @Test("The first bytes tell what a datagram is")
  func kinds() {
    func kind(_ first: UInt8, _ second: UInt8 = 0, count: Int = 40) -> DatagramKind {
      DatagramKind([first, second] + [UInt8](repeating: 0, count: count - 2))
    }
    #expect(kind(0, 1) == .stun && kind(3) == .stun)
    #expect(kind(4) == .other && kind(19) == .other)
    #expect(kind(20) == .dtls && kind(63) == .dtls)
    #expect(kind(64) == .other && kind(127) == .other && kind(192) == .other && kind(255) == .other)
    #expect(kind(0x80, 96) == .rtp && kind(0x90, 96 | 0x80) == .rtp && kind(191, 111) == .rtp)
    #expect(kind(0x80, 191) == .rtp && kind(0x80, 224) == .rtp)
    #expect(kind(0x80, 192) == .rtcp && kind(0x81, 200) == .rtcp && kind(0x80, 223) == .rtcp)
  }

  @Test("Datagrams too short for what they claim to be are none of it")
  func short() {
    #expect(DatagramKind([]) == .other)
    #expect(DatagramKind([0, 1]) == .other)
    #expect(DatagramKind([22] + [UInt8](repeating: 0, count: 11)) == .other)
    #expect(DatagramKind([0x80]) == .other)
    #expect(DatagramKind([0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0]) == .other)
    #expect(DatagramKind([0x80, 201, 0, 1, 0, 0, 0, 0]) == .rtcp)
  }
}
