/// A UDP candidate of a peer, read from the line that carries it and checked.
///
///     candidate:FOUNDATION COMPONENT TRANSPORT PRIORITY ADDRESS PORT typ TYPE …   (RFC 8839 §5.1)
struct ICECandidate: Hashable, Sendable {
  enum Kind: String, Sendable {
    case host
    case serverReflexive = "srflx"
    case peerReflexive = "prflx"
    case relayed = "relay"
  }

  let foundation: String
  let priority: UInt32
  let address: IPAddress
  let port: UInt16
  let kind: Kind

  /// Bytes of a line that is looked at; those of browsers have less than 200.
  private static let lineLimit = 512

  /// `nil` for what is no candidate, and for those of no use here: TCP, names (`.local`), a second
  /// component, and addresses that no peer has: unspecified, multicast, broadcast.
  init?(_ line: String) {
    guard line.utf8.count <= Self.lineLimit,
      line.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
    else { return nil }
    var text = line[...]
    if text.hasPrefix("a=") { text = text.dropFirst(2) }
    guard text.hasPrefix("candidate:") else { return nil }
    let words = text.dropFirst("candidate:".count).split(separator: " ")
    guard words.count >= 8, words[6] == "typ" else { return nil }

    guard (1...32).contains(words[0].utf8.count), words[0].utf8.allSatisfy(isICECharacter),
      words[1] == "1", words[2].lowercased() == "udp",
      // RFC 8445 §5.1.2.1.
      let priority = Self.number(words[3]), (1...0x7FFF_FFFF).contains(priority),
      let address = IPAddress(words[4]), !address.isUnspecified, !address.isForMany,
      !address.isEmbeddedIPv4,
      let port = Self.number(words[5]), let port = UInt16(exactly: port), port > 0,
      let kind = Kind(rawValue: String(words[7]))
    else { return nil }
    foundation = String(words[0])
    self.priority = priority
    self.address = address
    self.port = port
    self.kind = kind
  }

  /// As libnice's parser wants it, made anew so that nothing of the peer's own text gets there.
  var attribute: String {
    "a=candidate:\(foundation) 1 UDP \(priority) \(address) \(port) typ \(kind.rawValue)"
  }

  private static func number(_ word: Substring) -> UInt32? {
    guard word.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return UInt32(word)
  }
}

/// ALPHA / DIGIT / "+" / "/" (RFC 8839 §5.1).
func isICECharacter(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
    true
  case _: false
  }
}
