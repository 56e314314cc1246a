/// An IP address and a port: "192.0.2.7:4455", "[2001:db8::7]:4455", "[fe80::1%eth0]:4455".
package struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
  /// A numeric address without brackets; a name is refused, since nothing here resolves names.
  package let host: String
  package let port: UInt16

  package init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// `nil` unless `text` is a numeric address with a port in 1...65535.
  package init?(_ text: String) {
    guard text.utf8.count <= 80, let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...]
    guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits), port > 0
    else { return nil }
    var host = text[..<colon]
    if host.first == "[" {
      guard host.last == "]", host.contains(":") else { return nil }
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    let allowed = host.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: ":"),
        UInt8(ascii: "%"), UInt8(ascii: "_"), UInt8(ascii: "-"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
        true
      case _: false
      }
    }
    guard allowed, host.contains(":") || host.split(separator: ".").count == 4 else { return nil }
    self.init(host: String(host), port: port)
  }

  package var description: String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
