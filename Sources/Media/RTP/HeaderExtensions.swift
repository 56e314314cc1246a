/// The header extension of one RTP packet (RFC 3550 §5.3.1, RFC 8285), kept as it travels: most
/// packets carry elements that nobody looks up, so none is taken apart before it is asked for.
package struct HeaderExtensions: Hashable, Sendable {
  let profile: UInt16
  /// Whole 32-bit words.
  let body: ArraySlice<UInt8>

  /// RFC 8285 §4.2.
  static let oneByteProfile: UInt16 = 0xBEDE

  init(profile: UInt16, body: ArraySlice<UInt8>) {
    self.profile = profile
    self.body = body
  }

  /// Elements in the one-byte form.
  /// - Parameter elements: by identifier 1...14, each of 1...16 bytes.
  package init(oneByte elements: [(id: UInt8, bytes: [UInt8])]) {
    var body: [UInt8] = []
    for element in elements {
      precondition((1...14).contains(element.id) && (1...16).contains(element.bytes.count))
      //  0 1 2 3 4 5 6 7
      // |  ID   |  len  |  RFC 8285 §4.2; len is one less than the count of bytes
      body.append(element.id << 4 | UInt8(element.bytes.count - 1))
      body += element.bytes
    }
    body += repeatElement(0, count: (4 - body.count % 4) % 4)
    self.init(profile: Self.oneByteProfile, body: body[...])
  }

  /// The bytes of the element that was given this identifier in the call's description; `nil` when
  /// it isn't there.
  package subscript(id: UInt8) -> ArraySlice<UInt8>? {
    let isTwoByte = profile & 0xFFF0 == 0x1000
    guard isTwoByte || profile == Self.oneByteProfile else { return nil }
    var index = body.startIndex
    while index < body.endIndex {
      let first = body[index]
      // Padding (RFC 8285 §4.1.2).
      if first == 0 {
        index += 1
        continue
      }
      let found: UInt8
      let count: Int
      if isTwoByte {
        guard index + 1 < body.endIndex else { return nil }
        found = first
        count = Int(body[index + 1])
        index += 2
      } else {
        found = first >> 4
        // 15 stops the reading (RFC 8285 §4.2); 0 with a length is just as meaningless.
        guard found != 15, found != 0 else { return nil }
        count = Int(first & 15) + 1
        index += 1
      }
      guard body.endIndex - index >= count else { return nil }
      if found == id { return body[index..<index + count] }
      index += count
    }
    return nil
  }
}

/// How loud one packet's sound is, as its sender measured it (RFC 6464 §3).
package struct AudioLevel: Hashable, Sendable {
  /// 0 is the loudest (0 dBov), 127 is silence.
  package let level: UInt8
  package let isVoice: Bool

  /// Without a voice detector, anything louder than −60 dBov counts as voice.
  package static let quietest: UInt8 = 60

  package init(level: UInt8) {
    self.level = min(level, 127)
    isVoice = level < Self.quietest
  }

  init?(_ element: ArraySlice<UInt8>) {
    // RFC 6464 §3 has one byte in either form; later bytes are none of ours.
    guard let byte = element.first else { return nil }
    level = byte & 0x7F
    isVoice = byte & 0x80 != 0
  }

  var byte: UInt8 { level | (isVoice ? 0x80 : 0) }
}
