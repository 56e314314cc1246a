/// A DNS-SD text record: short attributes that travel with an advertisement (RFC 6763 §6).
///
///     entry  = key [ "=" value ]      at most 255 bytes
///     key    = printable ASCII without "=", compared without regard to case
///     value  = any bytes; here UTF-8
///
/// Keys are folded to lower case. A key without "=" has the empty value here: nothing in this
/// program tells the two apart.
package enum TextRecord {
  /// One length byte precedes each entry on the wire (RFC 6763 §6.1).
  package static let longestEntry = 255
  /// As many attributes as one advertisement may have; ours has about five.
  package static let mostEntries = 16
  /// All entries with their length bytes. RFC 6763 §6.2 advises 1,300, so that the record fits into
  /// one Ethernet packet with the others of its service.
  package static let mostBytes = 1_300

  /// Why attributes can't be published.
  package enum Refusal: Error, Hashable, Sendable {
    case tooMany
    case invalidKey(String)
    case entryTooLong(key: String)
    case tooLong
  }

  /// The entries to publish, in the order of their keys, so that equal attributes give equal
  /// records.
  package static func encode(_ attributes: [String: String]) throws(Refusal) -> [[UInt8]] {
    guard attributes.count <= mostEntries else { throw .tooMany }
    var entries: [[UInt8]] = []
    var size = 0
    for (key, value) in attributes.sorted(by: { $0.key < $1.key }) {
      guard let folded = foldedKey(key.utf8), folded == key else { throw .invalidKey(key) }
      let entry = Array(key.utf8) + [separator] + Array(value.utf8)
      guard entry.count <= longestEntry else { throw .entryTooLong(key: key) }
      size += 1 + entry.count
      guard size <= mostBytes else { throw .tooLong }
      entries.append(entry)
    }
    return entries
  }

  /// What a stranger's entries say. Anything malformed is left out: an entry that is too long, a key
  /// that isn't one, a value that isn't UTF-8, a key's second occurrence (RFC 6763 §6.4), and
  /// whatever comes after ``mostEntries`` good ones.
  package static func decode(_ entries: some Sequence<[UInt8]>) -> [String: String] {
    var attributes: [String: String] = [:]
    for entry in entries.prefix(4 * mostEntries) where entry.count <= longestEntry {
      let end = entry.firstIndex(of: separator) ?? entry.endIndex
      guard let key = foldedKey(entry[..<end]), attributes[key] == nil,
        let value = String(validating: entry[end...].dropFirst(), as: UTF8.self)
      else { continue }
      attributes[key] = value
      if attributes.count == mostEntries { break }
    }
    return attributes
  }

  private static let separator = UInt8(ascii: "=")

  /// The key in lower case, or `nil` when it isn't one: empty, or with a byte outside 0x20...0x7E.
  private static func foldedKey(_ bytes: some Collection<UInt8>) -> String? {
    guard !bytes.isEmpty, bytes.allSatisfy({ (0x20...0x7E).contains($0) && $0 != separator })
    else { return nil }
    return String(decoding: bytes, as: UTF8.self).lowercased()
  }
}
