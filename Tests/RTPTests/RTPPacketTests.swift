import Foundations
import Testing

@testable import RTP

@Suite("An RTP packet")
struct RTPPacketTests {
  @Test("reads the fields of RFC 3550 §5.1")
  func fields() throws {
    let bytes: [UInt8] = [
      0x80, 0xE0, 0x12, 0x34, 0x00, 0x01, 0x5F, 0x90, 0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3,
    ]
    let packet = try RTPPacket(parsing: bytes)
    #expect(packet.marker)
    #expect(packet.payloadType == PayloadType(96))
    #expect(packet.sequenceNumber == SequenceNumber(0x1234))
    #expect(packet.timestamp == 90_000)
    #expect(packet.ssrc == SSRC(0xDEAD_BEEF))
    #expect(packet.extensions == nil)
    #expect(Array(packet.payload) == [1, 2, 3])
    #expect(packet.bytes == bytes)
  }

  @Test("passes over contributing sources and takes padding off")
  func sourcesAndPadding() throws {
    let packet = try RTPPacket(parsing: [
      0xA2, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9, 8, 8, 8, 8, 5, 6, 0, 0, 3,
    ])
    #expect(Array(packet.payload) == [5, 6])
    #expect(!packet.marker)
  }

  @Test("may be nothing but padding, as probes are")
  func paddingOnly() throws {
    let packet = try RTPPacket(parsing: [
      0xA0, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4,
    ])
    #expect(packet.payload.isEmpty)
  }

  @Test("refuses padding that is longer than the payload, or of no length")
  func badPadding() {
    for last: UInt8 in [0, 5, 255] {
      #expect(throws: PacketError.malformed) {
        try RTPPacket(parsing: [0xA0, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, last])
      }
    }
  }

  @Test("refuses another version")
  func version() {
    #expect(throws: PacketError.wrongVersion) {
      try RTPPacket(parsing: [0x40, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3])
    }
  }

  @Test("cut short anywhere in its head is refused")
  func truncated() throws {
    let whole: [UInt8] =
      [0x91, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0xBE, 0xDE, 0, 1, 0x10, 0x85, 0, 0]
    #expect(try RTPPacket(parsing: whole).payload.isEmpty)
    for count in 0..<whole.count {
      #expect(throws: PacketError.truncated) { try RTPPacket(parsing: Array(whole[..<count])) }
    }
  }

  @Test("finds elements in the one-byte form, past padding and others")
  func oneByteElements() throws {
    // RFC 8285 §4.2's figure has elements of 1, 2 and 4 bytes.
    let packet = try RTPPacket(parsing: [
      0x90, 0x6F, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xBE, 0xDE, 0, 3,
      0x10, 0xAA, 0x21, 0xBB, 0xBB, 0x00, 0x00, 0x33, 1, 2, 3, 4, 7,
    ])
    // The last word ends within the extension's 12 bytes; the payload follows.
    let extensions = try #require(packet.extensions)
    #expect(extensions[1].map { Array($0) } == [0xAA])
    #expect(extensions[2].map { Array($0) } == [0xBB, 0xBB])
    #expect(extensions[3].map { Array($0) } == [1, 2, 3, 4])
    #expect(extensions[4] == nil)
    #expect(Array(packet.payload) == [7])
  }

  @Test("finds elements in the two-byte form, empty ones too")
  func twoByteElements() {
    let extensions = HeaderExtensions(
      profile: 0x1000, body: [1, 0, 2, 2, 0xAA, 0xBB, 0, 200, 1, 0xCC, 0, 0][...])
    #expect(extensions[1].map { Array($0) } == [])
    #expect(extensions[2].map { Array($0) } == [0xAA, 0xBB])
    #expect(extensions[200].map { Array($0) } == [0xCC])
  }

  @Test("stops reading elements where they lead past the end, or at identifier 15")
  func badElements() {
    let long = HeaderExtensions(profile: 0xBEDE, body: [0x1F, 1, 2, 3][...])
    #expect(long[1] == nil)
    let reserved = HeaderExtensions(profile: 0xBEDE, body: [0xF0, 1, 0x20, 2][...])
    #expect(reserved[2] == nil)
    let unknown = HeaderExtensions(profile: 0x1234, body: [0x10, 1, 0, 0][...])
    #expect(unknown[1] == nil)
  }

  @Test("carries the level of RFC 6464 in one word")
  func audioLevel() throws {
    let level = AudioLevel(level: 42)
    let packet = RTPPacket(
      marker: false, payloadType: PayloadType(111), sequenceNumber: SequenceNumber(1),
      timestamp: 2, ssrc: SSRC(3), extensions: HeaderExtensions(oneByte: [(5, [level.byte])]),
      payload: [9])
    let bytes = packet.bytes
    #expect(Array(bytes[12..<20]) == [0xBE, 0xDE, 0, 1, 0x50, 0x80 | 42, 0, 0])
    let parsed = try RTPPacket(parsing: bytes)
    #expect(parsed.extensions?[5].flatMap { AudioLevel($0) } == level)
    #expect(Array(parsed.payload) == [9])
    #expect(AudioLevel(level: 127).byte == 127)
  }
}
