import Foundation

/// A command about files, as it is typed.
package enum FileCommand: Hashable {
  case send(rest: String)
  case files
  case accept(String)
  case cancel(String)

  package static let verbs = ["send", "files", "accept", "cancel"]

  /// - Parameter line: without its slash.
  package init?(parsing line: some StringProtocol) {
    let parts = line.split(maxSplits: 1) { $0.isWhitespace }
    let rest =
      parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespacesAndNewlines) : ""
    switch parts.first {
    case "send" where !rest.isEmpty: self = .send(rest: rest)
    case "files": self = .files
    case "accept" where !rest.isEmpty: self = .accept(rest)
    case "cancel" where !rest.isEmpty: self = .cancel(rest)
    case _: return nil
    }
  }

  /// The path and the note of `/send`. A path with blanks stands in quotes, or alone.
  package static func split(
    _ rest: String, exists: (String) -> Bool
  ) -> (path: String, note: String) {
    if exists(rest) { return (rest, "") }
    if let quote = rest.first, quote == "\"" || quote == "'",
      let end = rest.dropFirst().firstIndex(of: quote)
    {
      let path = rest[rest.index(after: rest.startIndex)..<end]
      let note = rest[rest.index(after: end)...].trimmingCharacters(in: .whitespaces)
      return (String(path), note)
    }
    let parts = rest.split(maxSplits: 1) { $0.isWhitespace }
    // Nothing but blanks is a path too.
    guard let path = parts.first else { return (rest, "") }
    return (String(path), parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
  }
}
