package import Foundations

/// An invite code with the inviter's addresses, for networks that filter multicast:
/// `virtue://join?code=7-lagoon-copper-finch&at=192.0.2.7:4455`.
package struct InviteLink: Hashable, Sendable, CustomStringConvertible {
  package static let mostAddresses = 16
  /// The longest text that is looked at: a code and sixteen addresses, each character escaped.
  package static let longestText = 4096

  package let code: InviteCode
  /// Where the inviter listens, best first; may be empty.
  package let addresses: [NetworkAddress]

  /// Addresses beyond ``mostAddresses`` are left out.
  package init(code: InviteCode, addresses: [NetworkAddress]) {
    self.code = code
    self.addresses = Array(addresses.prefix(Self.mostAddresses))
  }

  /// Whether `text` is meant to be a link, and so not a code.
  package static func isLink(_ text: String) -> Bool {
    text.prefix(scheme.count).lowercased() == scheme
  }

  /// - Throws: `bad-link` or `bad-code`.
  package init(parsing text: String) throws(Failure) {
    do {
      try self.init(reading: text)
    } catch {
      throw error.failure
    }
  }

  private init(reading text: String) throws(AdmissionFailure) {
    guard text.utf8.count <= Self.longestText else {
      throw .badLink(reason: "it is too long")
    }
    guard Self.isLink(text) else { throw .badLink(reason: "it doesn't begin with virtue:") }
    let rest = text.dropFirst(Self.scheme.count).drop { $0 == "/" }
    let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].lowercased() == "join" || parts[0].lowercased() == "join/"
    else { throw .badLink(reason: "it doesn't say virtue://join?") }
    var code: InviteCode?
    var addresses: [NetworkAddress] = []
    // A fragment is for whoever shows the link.
    let query = parts[1].prefix { $0 != "#" }
    for item in query.split(separator: "&") {
      let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, let value = Self.unescaped(pair[1]) else {
        throw .badLink(reason: "a part of it is damaged")
      }
      switch pair[0].lowercased() {
      case "code":
        guard code == nil else { throw .badLink(reason: "it holds two codes") }
        code = try InviteCode(reading: value)
      case "at":
        guard let address = NetworkAddress(value) else {
          throw .badLink(reason: "an address in it is damaged")
        }
        guard addresses.count < Self.mostAddresses else {
          throw .badLink(reason: "it holds more than \(Self.mostAddresses) addresses")
        }
        addresses.append(address)
      case _:
        // What a later version adds.
        continue
      }
    }
    guard let code else { throw .badLink(reason: "it holds no code") }
    self.init(code: code, addresses: addresses)
  }

  package var description: String {
    let places = addresses.map { "&at=\(Self.escaped($0.description))" }
    return "virtue://join?code=\(code)\(places.joined())"
  }

  private static let scheme = "virtue:"

  /// RFC 3986 §3.4: what may stand in a query, without the separators used here. Brackets may not.
  private static func escaped(_ text: String) -> String {
    text.utf8.map { byte -> String in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: ":"):
        String(UnicodeScalar(byte))
      case _:
        "%" + [byte].hexadecimal.uppercased()
      }
    }.joined()
  }

  /// `nil` when an escape is cut short or what it spells is not UTF-8.
  private static func unescaped(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2,
        let escaped = [UInt8](hexadecimal: String(decoding: rest.prefix(2), as: UTF8.self))
      else { return nil }
      bytes += escaped
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
