/// Names a stream of RTP packets (RFC 3550 §3).
package struct SSRC: Hashable, Sendable, CustomStringConvertible {
  package let rawValue: UInt32

  package init(_ rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// Of a remote track: whichever stream comes with its payload type. Of a local one: draw it from
  /// the session's seed.
  package static let any = SSRC(0)

  package var description: String { "\(rawValue)" }
}

/// What a packet's payload is encoded as; its meaning is agreed on in the description of the call.
package struct PayloadType: Hashable, Sendable, CustomStringConvertible {
  /// In 0...127.
  package let rawValue: UInt8

  package init(_ rawValue: UInt8) {
    self.rawValue = rawValue & 0x7F
  }

  package var description: String { "\(rawValue)" }
}

package enum MediaKind: Hashable, Sendable, CaseIterable {
  case sound
  case video
}

/// Why bytes from the network aren't a packet.
package enum PacketError: Error, Hashable, Sendable {
  case truncated
  /// Not version 2 of RTP.
  case wrongVersion
  /// Lengths or fields that contradict each other.
  case malformed
}
