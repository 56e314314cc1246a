import Foundation

/// Folders that a desktop has set apart for its user (xdg-user-dirs).
struct UserDirectories {
  private let environment: [String: String]
  private let home: String

  init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    self.environment = environment
    home = environment["HOME"] ?? NSHomeDirectory()
  }

  /// Where browsers put what they fetch: `$XDG_DOWNLOAD_DIR`, what user-dirs.dirs says, or ~/Downloads
  /// where that exists.
  var downloads: String? {
    if let folder = environment["XDG_DOWNLOAD_DIR"], folder.hasPrefix("/") { return folder }
    let configuration =
      environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? home + "/.config"
    if let data = FileManager.default.contents(atPath: configuration + "/user-dirs.dirs"),
      data.count <= Self.limit,
      let folder = Self.download(in: String(decoding: data, as: UTF8.self), home: home)
    {
      return folder
    }
    var isDirectory: ObjCBool = false
    let usual = home + "/Downloads"
    let exists = FileManager.default.fileExists(atPath: usual, isDirectory: &isDirectory)
    return exists && isDirectory.boolValue ? usual : nil
  }

  /// Bytes; the usual one has a line for each of eight folders.
  private static let limit = 64 << 10

  /// user-dirs.dirs(5): a line `XDG_DOWNLOAD_DIR="$HOME/yyy"` or `"/yyy"`, with backslashes before
  /// characters that a shell would take for its own. A folder set to the home itself is disabled.
  static func download(in text: String, home: String) -> String? {
    var result: String?
    for line in text.split(whereSeparator: \.isNewline) {
      let line = line.trimmingCharacters(in: .whitespaces)
      guard line.hasPrefix("XDG_DOWNLOAD_DIR=\""), line.hasSuffix("\"") else { continue }
      let value = unescaped(line.dropFirst("XDG_DOWNLOAD_DIR=\"".count).dropLast())
      let path = value.hasPrefix("$HOME/") ? home + value.dropFirst("$HOME".count) : value
      result = path.hasPrefix("/") && path != home + "/" ? path : nil
    }
    return result
  }

  private static func unescaped(_ text: some StringProtocol) -> String {
    var result = ""
    var isEscaped = false
    for character in text {
      if !isEscaped, character == "\\" {
        isEscaped = true
      } else {
        result.append(character)
        isEscaped = false
      }
    }
    return result
  }
}
