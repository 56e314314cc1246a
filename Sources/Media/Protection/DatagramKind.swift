/// What a datagram on a media port carries, told by its first two bytes.
package enum DatagramKind: Hashable, Sendable {
  case stun
  case dtls
  case rtp
  case rtcp
  /// Too short, or nothing that belongs here: ZRTP, TURN channels, QUIC, garbage.
  case other

  // First byte, RFC 7983 §7:
  //   0...3     STUN       20...63   DTLS
  //   16...19   ZRTP       64...79   TURN channel
  //                        128...191 RTP or RTCP
  // RTP and RTCP share version 2; RTCP's packet types, 192...223, are payload types (with or
  // without marker) that RTP leaves free (RFC 5761 §4).
  package init(_ bytes: some Collection<UInt8>) {
    guard let first = bytes.first else {
      self = .other
      return
    }
    switch first {
    case 0...3 where bytes.count >= 20: self = .stun
    case 20...63 where bytes.count >= 13: self = .dtls
    case 128...191 where bytes.count >= 8:
      let second = bytes[bytes.index(after: bytes.startIndex)]
      if (192...223).contains(second) {
        self = .rtcp
      } else {
        self = bytes.count >= 12 ? .rtp : .other
      }
    case _: self = .other
    }
  }
}
