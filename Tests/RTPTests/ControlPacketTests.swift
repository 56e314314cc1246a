import Foundations
import Testing

@testable import RTP

@Suite("An RTCP compound")
struct ControlPacketTests {
  private let block = ReportBlock(
    source: SSRC(0x0102_0304), fractionLost: 64, cumulativeLost: -2, highestSequence: 0x0001_FFFF,
    jitter: 450, lastReport: 0xAABB_CCDD, delaySinceLastReport: 65_536)

  @Test("writes a sender report bit by bit as in RFC 3550 §6.4.1")
  func senderReport() throws {
    let report = SenderReport(
      sender: SSRC(0x1111_2222), time: NTPTime(rawValue: 0x8333_4444_5555_6666),
      timestamp: 0x7777_8888, packetCount: 9, octetCount: 10, blocks: [block])
    let bytes = ControlPacket.bytes(ofCompound: [.senderReport(report)])
    #expect(
      bytes.hexadecimal
        == "81c8000c" + "11112222" + "8333444455556666" + "77778888" + "00000009" + "0000000a"
        + "01020304" + "40fffffe" + "0001ffff" + "000001c2" + "aabbccdd" + "00010000")
    #expect(try ControlPacket.parse(compound: bytes) == [.senderReport(report)])
  }

  @Test("comes back as it was written, packet by packet")
  func roundTrip() throws {
    let packets: [ControlPacket] = [
      .receiverReport(ReceiverReport(sender: SSRC(1), blocks: [block, block])),
      .sourceDescription([
        SourceDescription(source: SSRC(1), cname: "a"),
        SourceDescription(source: SSRC(2), cname: "abcdef"),
        SourceDescription(source: SSRC(3), cname: ""),
      ]),
      .retransmissionRequest(
        sender: SSRC(1), media: SSRC(2),
        missing: [65_530, 65_535, 0, 1, 10, 11, 5000].map { SequenceNumber($0) }),
      .pictureLossIndication(sender: SSRC(1), media: SSRC(2)),
      .fullIntraRequest(
        sender: SSRC(1), entries: [FullIntraEntry(media: SSRC(2), number: 200)]),
      .bitrateEstimate(sender: SSRC(1), Bitrate(bitsPerSecond: 1_500_000)),
      .goodbye([SSRC(1), SSRC(2)]),
    ]
    let parsed = try ControlPacket.parse(compound: ControlPacket.bytes(ofCompound: packets))
    #expect(parsed.count == packets.count)
    for (read, written) in zip(parsed, packets) { #expect(read == written) }
  }

  @Test("packs missing packets as RFC 4585 §6.2.1 does: a number and the 16 after it")
  func masks() {
    let bytes = ControlPacket.bytes(ofCompound: [
      .retransmissionRequest(
        sender: SSRC(1), media: SSRC(2), missing: [100, 101, 116, 117].map { SequenceNumber($0) })
    ])
    #expect(bytes.hexadecimal == "81cd0004" + "00000001" + "00000002" + "00648001" + "00750000")
  }

  @Test("ends each description with zeros up to a word, at least one (RFC 3550 §6.5)")
  func descriptionPadding() {
    for length in 0...9 {
      let name = String(repeating: "x", count: length)
      let bytes = ControlPacket.bytes(ofCompound: [
        .sourceDescription([SourceDescription(source: SSRC(1), cname: name)])
      ])
      #expect(bytes.count.isMultiple(of: 4))
      #expect(bytes.last == 0)
    }
  }

  @Test("of reduced size, feedback alone, is taken (RFC 5506)")
  func reducedSize() throws {
    let bytes = ControlPacket.bytes(ofCompound: [
      .pictureLossIndication(sender: SSRC(1), media: SSRC(2))
    ])
    #expect(bytes.hexadecimal == "81ce0002" + "00000001" + "00000002")
    #expect(try ControlPacket.parse(compound: bytes).count == 1)
  }

  @Test("may hold packets of types that mean nothing here")
  func unknown() throws {
    // An extended report (RFC 3611), transport-wide feedback, application-defined.
    let bytes: [UInt8] = [
      0x80, 207, 0, 1, 0, 0, 0, 1, 0x8F, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x80, 204, 0, 0,
    ]
    #expect(
      try ControlPacket.parse(compound: bytes) == [
        .other(type: 207), .other(type: 205), .other(type: 204),
      ])
  }

  @Test("refuses lengths that lead past its end")
  func lengths() {
    for bytes: [UInt8] in [
      [], [0x80], [0x80, 200, 0, 1], [0x81, 201, 0, 1, 0, 0, 0, 1], [0x80, 200, 0xFF, 0xFF],
      [0xA0, 203, 0, 1, 0, 0, 0, 9], [0x82, 203, 0, 1, 0, 0, 0, 1], [0x81, 206, 0, 1, 0, 0, 0, 1],
    ] {
      #expect(throws: PacketError.self) { try ControlPacket.parse(compound: bytes) }
    }
  }

  @Test("keeps its reports when a description in it makes no sense")
  func brokenDescription() throws {
    let report = ControlPacket.receiverReport(ReceiverReport(sender: SSRC(1)))
    // A chunk whose item is longer than the packet; two chunks where there is one.
    for description: [UInt8] in [
      [0x81, 202, 0, 2, 0, 0, 0, 1, 1, 200, 65, 66],
      [0x82, 202, 0, 2, 0, 0, 0, 1, 1, 1, 65, 0],
    ] {
      let compound = ControlPacket.bytes(ofCompound: [report]) + description
      #expect(try ControlPacket.parse(compound: compound) == [report, .other(type: 202)])
    }
  }

  @Test("holds an estimate with any exponent without overflow")
  func estimates() throws {
    for exponent in 0..<64 {
      let rate = UInt32(exponent) << 18 | 0x3FFFF
      let bytes: [UInt8] = [
        0x8F, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0x52, 0x45, 0x4D, 0x42, 1,
        UInt8(rate >> 16), UInt8(rate >> 8 & 0xFF), UInt8(rate & 0xFF), 0, 0, 0, 2,
      ]
      if exponent <= 40 {
        let expected = Bitrate(bitsPerSecond: 0x3FFFF << exponent)
        #expect(
          try ControlPacket.parse(compound: bytes) == [
            .bitrateEstimate(sender: SSRC(1), expected)
          ])
      } else {
        #expect(throws: PacketError.malformed) { try ControlPacket.parse(compound: bytes) }
      }
    }
  }
}

@Suite("NTP time")
struct NTPTimeTests {
  @Test("counts seconds from 1900 and fractions of 2^-32")
  func epoch() {
    #expect(NTPTime(sinceUnixEpoch: .zero).rawValue == 2_208_988_800 << 32)
    #expect(NTPTime(sinceUnixEpoch: .milliseconds(500)).rawValue & 0xFFFF_FFFF == 0x8000_0000)
    #expect(NTPTime(rawValue: 0x1111_2222_3333_4444).middle == 0x2222_3333)
  }

  @Test(
    "comes back to within a nanosecond, in the era after 2036 too",
    arguments: [
      1_700_000_000.123_456_789, 2_085_978_495.5, 2_085_978_496.0, 2_500_000_000.25,
    ])
  func roundTrip(seconds: Double) {
    let duration = Duration.nanoseconds(Int64(seconds * 1e9))
    let back = NTPTime(sinceUnixEpoch: duration).sinceUnixEpoch
    #expect(abs((back - duration).nanoseconds) <= 1)
  }
}
