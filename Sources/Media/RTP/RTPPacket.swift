package import Foundations

/// One RTP packet (RFC 3550 §5.1).
///
///     0                   1                   2                   3
///     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     |V=2|P|X|  CC   |M|     PT      |       sequence number         |
///     |                           timestamp                           |
///     |                             SSRC                              |
///     |                      CSRC, CC of them                         |
///     |        profile (X)            |   length in 32-bit words      |
package struct RTPPacket: Hashable, Sendable {
  package var marker: Bool
  package var payloadType: PayloadType
  package var sequenceNumber: SequenceNumber
  package var timestamp: UInt32
  package var ssrc: SSRC
  package var extensions: HeaderExtensions?
  /// A part of the bytes that the packet was parsed from, without padding.
  package var payload: ArraySlice<UInt8>

  package static let headerLength = 12

  package init(
    marker: Bool, payloadType: PayloadType, sequenceNumber: SequenceNumber, timestamp: UInt32,
    ssrc: SSRC, extensions: HeaderExtensions? = nil, payload: ArraySlice<UInt8>
  ) {
    self.marker = marker
    self.payloadType = payloadType
    self.sequenceNumber = sequenceNumber
    self.timestamp = timestamp
    self.ssrc = ssrc
    self.extensions = extensions
    self.payload = payload
  }

  /// The packet that `bytes`, one datagram, hold. Contributing sources are passed over: nobody
  /// mixes here.
  package init(parsing bytes: [UInt8]) throws(PacketError) {
    var reader = ByteReader(bytes[...])
    let first = try reader.uint8()
    guard first >> 6 == 2 else { throw .wrongVersion }
    let second = try reader.uint8()
    marker = second & 0x80 != 0
    payloadType = PayloadType(second)
    sequenceNumber = SequenceNumber(try reader.uint16())
    timestamp = try reader.uint32()
    ssrc = SSRC(try reader.uint32())
    _ = try reader.bytes(Int(first & 0x0F) * 4)
    if first & 0x10 != 0 {
      let profile = try reader.uint16()
      let words = try reader.uint16()
      extensions = HeaderExtensions(profile: profile, body: try reader.bytes(Int(words) * 4))
    } else {
      extensions = nil
    }
    payload = reader.rest
    if first & 0x20 != 0 {
      // The last byte counts the padding, itself included (RFC 3550 §5.1).
      guard let padding = payload.last, padding > 0, Int(padding) <= payload.count else {
        throw .malformed
      }
      payload = payload.dropLast(Int(padding))
    }
  }

  /// As it travels, before protection.
  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    let extended = extensions.map { 4 + $0.body.count } ?? 0
    bytes.reserveCapacity(Self.headerLength + extended + payload.count + Self.protectionLength)
    bytes.append(extensions == nil ? 0x80 : 0x90)
    bytes.append(payloadType.rawValue | (marker ? 0x80 : 0))
    bytes.append(uint16: sequenceNumber.rawValue)
    bytes.append(uint32: timestamp)
    bytes.append(uint32: ssrc.rawValue)
    if let extensions {
      bytes.append(uint16: extensions.profile)
      bytes.append(uint16: UInt16(extensions.body.count / 4))
      bytes.append(contentsOf: extensions.body)
    }
    bytes.append(contentsOf: payload)
    return bytes
  }

  /// Room left behind a packet for SRTP's tag (16 bytes with AES-GCM, RFC 7714 §5), so that
  /// protecting it need not move it.
  private static let protectionLength = 16
}
