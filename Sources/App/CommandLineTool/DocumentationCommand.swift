import ArgumentParser
import Foundation
import Foundations
import Meeting

/// Writes the man pages and completions that are kept in the repository. Hidden: for those who build
/// the program.
struct DocumentationCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "documentation",
    abstract: "Write man pages and completions.",
    shouldDisplay: false)

  @Argument(help: "The directory that holds `man` and `completions`.")
  var directory: String

  func run() throws {
    for (name, text) in try Self.files() {
      let path = directory + "/" + name
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
  }

  /// Every file by its path, "man/virtue-host.1", and what belongs in it.
  static func files() throws -> [String: String] {
    let tool = try JSONDecoder().decode(
      ToolDescription.self, from: Data(VirtueCommand._dumpHelp().utf8))
    var files = [
      "completions/virtue.bash": VirtueCommand.completionScript(for: .bash),
      "completions/_virtue": VirtueCommand.completionScript(for: .zsh),
      "completions/virtue.fish": VirtueCommand.completionScript(for: .fish),
    ].mapValues { $0.hasSuffix("\n") ? $0 : $0 + "\n" }
    for page in ManualPage.all(of: tool.command) { files["man/\(page.name).1"] = page.text }
    return files
  }
}

/// What argument-parser says of a command (its ToolInfo, version 0).
struct ToolDescription: Decodable {
  let command: Command

  struct Command: Decodable {
    let commandName: String
    let abstract: String?
    let discussion: String?
    let shouldDisplay: Bool?
    let subcommands: [Command]?
    let arguments: [Argument]?

    var isShown: Bool { shouldDisplay != false && commandName != "help" }
  }

  struct Argument: Decodable {
    let kind: String
    let shouldDisplay: Bool
    let isOptional: Bool
    let isRepeating: Bool
    let names: [Name]?
    let valueName: String?
    let defaultValue: String?
    let abstract: String?

    struct Name: Decodable {
      let kind: String
      let name: String
      var text: String { kind == "long" ? "--\(name)" : "-\(name)" }
    }
  }
}

/// A command's page for section 1, in man(7)'s macros.
struct ManualPage {
  let command: ToolDescription.Command
  /// The commands that lead to it, from the program on.
  let parents: [String]

  /// The command's, and those of the commands below it.
  static func all(of command: ToolDescription.Command, below parents: [String] = []) -> [ManualPage]
  {
    [ManualPage(command: command, parents: parents)]
      + (command.subcommands ?? []).filter(\.isShown).flatMap {
        all(of: $0, below: parents + [command.commandName])
      }
  }

  var name: String { words.joined(separator: "-") }
  private var spoken: String { words.joined(separator: " ") }
  private var words: [String] { parents + [command.commandName] }
  private var arguments: [ToolDescription.Argument] {
    (command.arguments ?? []).filter(\.shouldDisplay)
  }
  private var subcommands: [ToolDescription.Command] {
    (command.subcommands ?? []).filter(\.isShown)
  }

  var text: String {
    var lines = [
      ".TH \(name.uppercased()) 1 \"\" \"virtue \(programVersion)\" \"User commands\"",
      ".SH NAME", "\(escaped(name)) \\- \(escaped(command.abstract ?? ""))",
      ".SH SYNOPSIS", ".B \(escaped(spoken))", escaped(synopsis),
    ]
    let takesLines = command.discussion?.hasSuffix(LineDiscussion.text) == true
    let discussion = command.discussion?.dropLast(takesLines ? LineDiscussion.text.count : 0)
    if let discussion, !discussion.isEmpty {
      lines += [".SH DESCRIPTION"] + paragraphs(discussion)
    }
    let options = arguments.filter { !($0.names ?? []).isEmpty }
    let values = arguments.filter { ($0.names ?? []).isEmpty }
    if !values.isEmpty {
      lines.append(".SH ARGUMENTS")
      for value in values {
        lines += [".TP", ".I \(escaped(value.valueName ?? ""))", escaped(value.abstract ?? "")]
      }
    }
    if !options.isEmpty {
      lines.append(".SH OPTIONS")
      for option in options { lines += describe(option) }
    }
    if !subcommands.isEmpty {
      lines.append(".SH COMMANDS")
      for subcommand in subcommands {
        lines += [
          ".TP", ".BR \(escaped("\(name)-\(subcommand.commandName)")) (1)",
          escaped(subcommand.abstract ?? ""),
        ]
      }
    }
    if takesLines { lines += lineCommands }
    lines += exitStatuses
    lines.append(".SH SEE ALSO")
    lines.append(
      parents.isEmpty
        ? ".BR avahi-daemon (8)" : ".BR \(escaped(parents.joined(separator: "-"))) (1)")
    return lines.joined(separator: "\n") + "\n"
  }

  private var synopsis: String {
    if !subcommands.isEmpty { return "COMMAND [OPTION]..." }
    let values = arguments.filter { ($0.names ?? []).isEmpty }
      .map { $0.isOptional ? "[\($0.valueName ?? "")]" : "\($0.valueName ?? "")" }
    return (["[OPTION]..."] + values).joined(separator: " ")
  }

  private func describe(_ option: ToolDescription.Argument) -> [String] {
    let names = (option.names ?? []).sorted { $0.name.count < $1.name.count }
      .map { "\\fB\(escaped($0.text))\\fR" }.joined(separator: ", ")
    let value = option.kind == "option" ? " \\fI\(escaped(option.valueName ?? "value"))\\fR" : ""
    var text = escaped(option.abstract ?? "")
    if option.kind == "option", let value = option.defaultValue {
      text += " Default: \(escaped(value))."
    }
    return [".TP", names + value, text]
  }

  private var lineCommands: [String] {
    [".SH LINES", escaped(LineDiscussion.introduction)]
      + LineHelp.commands.flatMap {
        [".TP", ".B \(escaped($0.usage))", escaped("\($0.meaning).")]
      }
      + [".PP", escaped(LineHelp.remark)]
  }

  private var exitStatuses: [String] {
    guard parents.isEmpty || ["host", "join"].contains(command.commandName) else { return [] }
    let meanings: [(ExitStatus, String)] = [
      (.success, "the meeting was left in order"),
      (.usage, "the command line is wrong, or the code can't be one"),
      (.badData, "the code has expired, or a file is damaged"),
      (.noInput, "a file to read from isn't there"),
      (.ambiguous, "several meetings answer to the code's number"),
      (.noHost, "nobody here answers to the code"),
      (.unavailable, "the code is used up, or a part that is needed is missing"),
      (.software, "a fault of this program"),
      (.cannotCreate, "an output or the data directory can't be made, or is in use"),
      (.inputOutput, "reading or writing failed"),
      (.temporary, "too many attempts: try again later"),
      (.protocolMismatch, "the other side speaks another version"),
      (.noPermission, "the code is wrong"),
      (.configuration, "a later version has written the history"),
    ]
    return [".SH EXIT STATUS"]
      + meanings.flatMap { [".TP", ".B \($0.rawValue)", escaped($1 + ".")] }
  }

  private func paragraphs(_ text: some StringProtocol) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { line -> [String] in
      if line.isEmpty { return [".PP"] }
      if line.hasPrefix("  ") {
        return [".nf", ".RS", escaped(line.drop { $0 == " " }), ".RE", ".fi"]
      }
      return [escaped(line)]
    }
  }

  private func escaped(_ text: some StringProtocol) -> String {
    let escaped = text.replacingOccurrences(of: "\\", with: "\\e")
      .replacingOccurrences(of: "-", with: "\\-")
      .replacingOccurrences(of: "\n", with: " ")
    // A line that begins with a point or an apostrophe would be a request.
    return escaped.first == "." || escaped.first == "'" ? "\\&" + escaped : escaped
  }
}
