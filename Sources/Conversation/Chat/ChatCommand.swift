import Foundation
package import Foundations
package import Wire

/// What somebody wants to say by a command, before it is known what it points to.
package enum ChatCommand: Hashable, Sendable {
  case reply(to: EntryName, String)
  case edit(EntryName, String)
  case delete(EntryName)
  case react(to: EntryName, String, isWithdrawn: Bool)
  case poll(String, options: [String], allowsSeveral: Bool)
  /// Options as they are numbered on the screen, from 1.
  case vote(EntryName, [Int])
  case hand(isRaised: Bool)

  /// The beginning of an entry's identifier, in lower case, or "last" for one's own latest message. Four
  /// digits tell the lines of a meeting apart nearly always, and when they don't, more can be given.
  package struct EntryName: Hashable, Sendable {
    package static let last = "last"
    package let prefix: String

    package init?(_ text: some StringProtocol) {
      if text.lowercased() == Self.last {
        prefix = Self.last
        return
      }
      let digits = text.lowercased().drop { $0 == "#" }
      guard (4...32).contains(digits.utf8.count),
        digits.utf8.allSatisfy({
          (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
        })
      else { return nil }
      prefix = String(digits)
    }
  }

  package enum Problem: Error, Hashable, Sendable {
    /// How it is to be written.
    case usage(String)
    case noSuchEntry(String)
    case severalEntries(String)
    /// Only its author may.
    case notOwn(String)
    case notEditable(String)
    case notPoll(String)
    /// The poll has fewer options, or allows one only.
    case badChoice(Int)
    /// Its edits could no longer be deleted together with it.
    case editedTooOften
    /// What was said last was refused.
    case lastNotSent
    /// What was said last is a file that is being read.
    case lastIsRead(String)

    /// What happened, and what to do.
    package var sentence: String {
      switch self {
      case .usage(let usage): "Write it as \(usage)."
      case .noSuchEntry(let name):
        name == EntryName.last
          ? "You haven't said anything that could be meant."
          : "No message here begins with \(name). Identifiers stand after messages, in the chat events "
            + "and in virtue history --json; last is your own latest message."
      case .severalEntries(let name):
        "Several messages begin with \(name). Give more of its digits."
      case .notOwn(let name):
        "The message \(name) is somebody else's: only its author can change it."
      case .notEditable(let name): "What \(name) is can't be changed."
      case .notPoll(let name): "The message \(name) is no poll."
      case .badChoice(let options):
        "Choose from 1 to \(options), and only one where the poll allows no more."
      case .editedTooOften:
        "It was edited \(ChatBounds.deletedAtOnce - 1) times already. Write a new message."
      case .lastNotSent:
        "Your last line was not sent. To mean the message before it, give the command again."
      case .lastIsRead(let name):
        "\(name) is being read still. It can be meant once it is offered; /delete last calls it off."
      }
    }
  }

  /// The words that begin a command of chat.
  package enum Verb: String, CaseIterable, Sendable {
    case reply, edit, delete, react, unreact, poll, vote, hand

    package var form: CommandForm {
      switch self {
      case .reply: CommandForm("/reply ID TEXT", "answers a message")
      case .edit: CommandForm("/edit ID TEXT", "changes a message of your own")
      case .delete: CommandForm("/delete ID", "deletes a message or a file of your own")
      case .react: CommandForm("/react ID EMOJI", "reacts to a message")
      case .unreact: CommandForm("/unreact ID EMOJI", "takes a reaction back")
      case .poll:
        CommandForm(
          "/poll QUESTION | ANSWER | ANSWER", "asks everybody",
          detail: "with /poll * for several answers a member")
      case .vote:
        CommandForm(
          "/vote ID NUMBER", "votes in a poll",
          detail: "with several numbers where the poll takes them and 0 to take the vote back")
      case .hand: CommandForm("/hand up or /hand down", "raises or lowers your hand")
      }
    }

    fileprivate var problem: Problem { .usage(form.instruction) }
  }

  /// Whether what is said by the line, without its slash, can be meant by "last".
  package static func isMessage(_ line: some StringProtocol) -> Bool {
    ["reply", "poll"].contains(line.split(maxSplits: 1) { $0.isWhitespace }.first ?? "")
  }

  package var meansLast: Bool {
    switch self {
    case .reply(let name, _), .edit(let name, _), .delete(let name), .react(let name, _, _),
      .vote(let name, _):
      name.prefix == EntryName.last
    case .poll, .hand: false
    }
  }

  /// - Parameter line: without its slash. `nil` when its first word is no verb of chat.
  package init?(parsing line: some StringProtocol) throws(Problem) {
    let parts = line.split(maxSplits: 1, omittingEmptySubsequences: true) { $0.isWhitespace }
    let rest = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespacesAndNewlines) : ""
    guard let verb = parts.first.flatMap({ Verb(rawValue: String($0)) }) else { return nil }
    switch verb {
    case .reply:
      let (name, text) = try Self.split(rest, of: verb)
      self = .reply(to: name, text)
    case .edit:
      let (name, text) = try Self.split(rest, of: verb)
      self = .edit(name, text)
    case .delete:
      guard let name = EntryName(rest) else { throw verb.problem }
      self = .delete(name)
    case .react, .unreact:
      let (name, emoji) = try Self.split(rest, of: verb)
      self = .react(to: name, emoji, isWithdrawn: verb == .unreact)
    case .poll: self = try Self.poll(rest)
    case .vote: self = try Self.vote(rest)
    case .hand:
      guard ["", "up", "down"].contains(rest) else { throw verb.problem }
      self = .hand(isRaised: rest != "down")
    }
  }

  private static func split(
    _ text: String, of verb: Verb
  ) throws(Problem) -> (EntryName, String) {
    let parts = text.split(maxSplits: 1, omittingEmptySubsequences: true) { $0.isWhitespace }
    guard parts.count == 2, let name = EntryName(parts[0]) else { throw verb.problem }
    return (name, parts[1].trimmingCharacters(in: .whitespaces))
  }

  private static func poll(_ text: String) throws(Problem) -> ChatCommand {
    let allowsSeveral = text.hasPrefix("*")
    let parts = text.drop { $0 == "*" }.split(separator: "|").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    guard parts.count > 2, !parts.contains("") else { throw Verb.poll.problem }
    guard parts.count - 1 <= ChatBounds.options else {
      throw .usage("\(Verb.poll.form.usage), with at most \(ChatBounds.options) answers")
    }
    return .poll(parts[0], options: Array(parts.dropFirst()), allowsSeveral: allowsSeveral)
  }

  private static func vote(_ text: String) throws(Problem) -> ChatCommand {
    let words = text.split { $0.isWhitespace || $0 == "," }
    guard let first = words.first, let name = EntryName(first), words.count > 1,
      words.count <= ChatBounds.options + 1
    else { throw Verb.vote.problem }
    var choice: Set<Int> = []
    for word in words.dropFirst() {
      guard let number = Int(word), number >= 0 else { throw Verb.vote.problem }
      // The poll tells how many answers there are.
      if number > 0 { choice.insert(min(number, ChatBounds.options + 1)) }
    }
    return .vote(name, choice.sorted())
  }
}

extension ChatLog {
  /// What to compose for the command.
  package func body(of command: ChatCommand) throws(ChatCommand.Problem) -> WireChatBody {
    switch command {
    case .reply(let name, let text): return .reply(to: try find(name).hash, text)
    case .edit(let name, let text):
      let entry = try find(name, ownOnly: true)
      guard entry.body.isEditable else { throw .notEditable(name.prefix) }
      guard edits(of: entry).count < ChatBounds.deletedAtOnce - 1 else { throw .editedTooOften }
      return .edit(of: entry.hash, text)
    case .delete(let name):
      let entry = try find(name, ownOnly: true)
      guard entry.body.kind != "delete" else { throw .notEditable(name.prefix) }
      return .delete([entry.hash] + edits(of: entry).prefix(ChatBounds.deletedAtOnce - 1))
    case .react(let name, let emoji, let isWithdrawn):
      return .reaction(to: try find(name).hash, emoji, isWithdrawn: isWithdrawn)
    case .poll(let question, let options, let allowsSeveral):
      return .poll(question, options: options, allowsSeveral: allowsSeveral)
    case .vote(let name, let choice):
      let entry = try find(name)
      guard case .poll(let poll) = entry.body else { throw .notPoll(name.prefix) }
      let options = choice.map { $0 - 1 }
      guard poll.counted(options) == options else { throw .badChoice(poll.options.count) }
      return .vote(in: entry.hash, options)
    case .hand(let isRaised): return .hand(isRaised: isRaised)
    }
  }

  private func find(
    _ name: ChatCommand.EntryName, ownOnly: Bool = false
  ) throws(ChatCommand.Problem) -> Entry {
    if name.prefix == ChatCommand.EntryName.last {
      let own = entries.values.lazy.map(\.entry).filter {
        $0.author == me && ["text", "reply", "poll", "file"].contains($0.body.kind)
      }
      guard let latest = own.max() else { throw .noSuchEntry(name.prefix) }
      return latest
    }
    // A meeting's entries are some thousands, and somebody has typed this: looking at each will do.
    let matches = entries.values.lazy.map(\.entry).filter {
      $0.id.description.hasPrefix(name.prefix) && counts($0)
    }
    guard let entry = matches.first else { throw .noSuchEntry(name.prefix) }
    guard matches.dropFirst().isEmpty else { throw .severalEntries(name.prefix) }
    guard entry.body != .deleted else { throw .noSuchEntry(name.prefix) }
    guard !ownOnly || entry.author == me else { throw .notOwn(name.prefix) }
    return entry
  }

  private func edits(of entry: Entry) -> [EntryHash] {
    entries.values.lazy.map(\.entry)
      .filter {
        guard case .edit(entry.hash, _) = $0.body else { return false }
        return $0.author == entry.author
      }
      .sorted().map(\.hash)
  }
}
