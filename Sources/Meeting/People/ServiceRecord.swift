import Foundations

/// What a member says of itself on mDNS, as the attributes of its DNS-SD record: the protocol's
/// version, the nameplates that it answers for, a tag that only members recognise, and no more unless
/// the host chose to be visible.
package struct ServiceRecord: Sendable {
  package var version: UInt32?
  package var nameplates: [Int]
  package var tag: String?
  package var visible: Visibility?

  /// For `virtue nearby`.
  package struct Visibility: Sendable {
    package let title: String
    package let host: String
  }

  /// A TXT entry has 255 bytes; three digits and a space each.
  private static let mostNameplates = 60

  init(nameplates: [Int], tag: String, visible: Visibility?) {
    version = 1
    self.nameplates = nameplates
    self.tag = tag
    self.visible = visible
  }

  /// What somebody else says; what makes no sense is left out.
  package init(attributes: [String: String]) {
    version = attributes["v"].flatMap { UInt32($0) }
    nameplates = (attributes["n"] ?? "").split(separator: " ").prefix(Self.mostNameplates)
      .compactMap { Int($0) }.filter { (1...999).contains($0) }
    tag = attributes["m"]
    if let title = attributes["title"] {
      visible = Visibility(
        title: DisplayText.line(title, limit: 128, otherwise: "Meeting"),
        host: DisplayText.line(attributes["host"] ?? "", limit: 64, otherwise: "somebody"))
    }
  }

  /// A joiner's question for one nameplate is answered by those who claim it, and by no others: where
  /// thirty join at once all of them would be too much for receive buffers.
  var subtypes: Set<String> { Set(nameplates.prefix(Self.mostNameplates).map(Self.subtype)) }

  /// With a letter, which every DNS-SD name has (RFC 6335 §5.1).
  static func subtype(of nameplate: Int) -> String { "_n\(nameplate)" }

  var attributes: [String: String] {
    var attributes = ["v": "\(version ?? 0)"]
    if !nameplates.isEmpty {
      attributes["n"] = nameplates.prefix(Self.mostNameplates).map(String.init)
        .joined(separator: " ")
    }
    attributes["m"] = tag
    if let visible {
      attributes["title"] = Self.cut(visible.title)
      attributes["host"] = Self.cut(visible.host)
    }
    return attributes
  }

  /// Key and value of an entry share 255 bytes.
  private static func cut(_ text: String) -> String {
    var text = text
    while text.utf8.count > 200 { text.removeLast() }
    return text
  }
}
