import Foundation
package import Foundations

/// A command about files, as it is typed.
package enum FileCommand: Hashable {
  case send(rest: String)
  case files
  case accept(String)
  case cancel(String)

  package enum Verb: String, CaseIterable, Sendable {
    case send, files, accept, cancel

    package var form: CommandForm {
      switch self {
      case .send:
        CommandForm(
          "/send PATH [NOTE]", "offers a file to everybody",
          detail: "with the path in quotes where it has blanks and a note follows")
      case .files: CommandForm("/files", "lists the files of the meeting")
      case .accept: CommandForm("/accept FILE", "fetches a file")
      case .cancel:
        CommandForm(
          "/cancel FILE", "stops fetching or giving a file, or calls off one that is being read")
      }
    }
  }

  /// - Parameter line: without its slash. `nil` when it isn't written as its verb's form says.
  package init?(parsing line: some StringProtocol) {
    let parts = line.split(maxSplits: 1) { $0.isWhitespace }
    guard let verb = parts.first.flatMap({ Verb(rawValue: String($0)) }) else { return nil }
    let rest =
      parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespacesAndNewlines) : ""
    guard verb == .files || !rest.isEmpty else { return nil }
    switch verb {
    case .send: self = .send(rest: rest)
    case .files: self = .files
    case .accept: self = .accept(rest)
    case .cancel: self = .cancel(rest)
    }
  }

  /// Whether a file of this name is meant by what was written: the name, or the name in quotes like a path.
  static func isMeant(_ name: String, by text: String) -> Bool {
    name == text || name == unquoted(text)
  }

  static func unquoted(_ text: String) -> String {
    let quote = text.first { $0 == "\"" || $0 == "'" }
    guard let quote, text.count > 2, text.first == quote, text.last == quote else { return text }
    return String(text.dropFirst().dropLast())
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
