package import Foundations
package import Wire

extension Entry {
  /// What an entry says.
  package enum Body: Hashable, Sendable {
    case text(String)
    case reply(to: EntryHash, String)
    case edit(of: EntryHash, String)
    /// The message, and the edits that hold its text too.
    case delete([EntryHash])
    case reaction(to: EntryHash, String, isWithdrawn: Bool)
    case poll(Poll)
    /// Options from 0, rising; none takes the vote back.
    case vote(in: EntryHash, [Int])
    case hand(isRaised: Bool)
    case moderation(Moderation)
    case file(OfferedFile)
    case joined(name: String, chain: WireGrantChain)
    case left(name: String)
    /// It was deleted; the chain holds without it.
    case deleted
    /// Of a kind that this version doesn't know: kept and passed on, not shown.
    case unknown

    /// As events and files call it.
    package var kind: String {
      switch self {
      case .text: "text"
      case .reply: "reply"
      case .edit: "edit"
      case .delete: "delete"
      case .reaction: "reaction"
      case .poll: "poll"
      case .vote: "vote"
      case .hand: "hand"
      case .moderation: "moderation"
      case .file: "file"
      case .joined: "joined"
      case .left: "left"
      case .deleted: "deleted"
      case .unknown: "unknown"
      }
    }

    /// Whether it only says who was there. What was said is compared without these.
    package var isAttendance: Bool {
      switch self {
      case .joined, .left: true
      case .text, .reply, .edit, .delete, .reaction, .poll, .vote, .hand, .moderation, .file,
        .deleted, .unknown:
        false
      }
    }

    /// The entries that it points to.
    package var targets: [EntryHash] {
      switch self {
      case .reply(let target, _), .edit(let target, _), .reaction(let target, _, _),
        .vote(let target, _):
        [target]
      case .delete(let targets): targets
      case .text, .poll, .hand, .moderation, .file, .joined, .left, .deleted, .unknown: []
      }
    }

    /// What is shown of it: the text, a poll's question, or the name of who came or went.
    package var displayText: String {
      switch self {
      case .text(let text), .reply(_, let text), .edit(_, let text): DisplayText.lines(text)
      case .poll(let poll): DisplayText.lines(poll.question)
      case .reaction(_, let emoji, _): Self.display(emoji: emoji)
      case .joined(let name, _), .left(let name): name
      case .moderation(let what): DisplayText.line(what.reason, limit: ChatBounds.reason)
      case .file(let file): file.displayText
      case .delete, .vote, .hand, .deleted, .unknown: ""
      }
    }

    /// Whether a delete has an effect on it. Without a delete, whoever still has the text would never hear
    /// that it is to go; and who joined shows that it is a member.
    var isDeletable: Bool {
      switch self {
      case .delete, .joined, .deleted: false
      case .text, .reply, .edit, .reaction, .poll, .vote, .hand, .moderation, .file, .left,
        .unknown:
        true
      }
    }

    /// Whether an edit may give it another text.
    var isEditable: Bool {
      switch self {
      case .text, .reply, .poll: true
      case .edit, .delete, .reaction, .vote, .hand, .moderation, .file, .joined, .left, .deleted,
        .unknown:
        false
      }
    }

    static func display(emoji: String) -> String {
      DisplayText.line(emoji, limit: ChatBounds.emoji, otherwise: "?")
    }
  }
}

/// A question to everybody, and what can be answered.
package struct Poll: Hashable, Sendable {
  package let question: String
  package let options: [String]
  /// Whether one member may choose more than one.
  package let allowsSeveral: Bool

  package init(question: String, options: [String], allowsSeveral: Bool) {
    self.question = question
    self.options = options
    self.allowsSeveral = allowsSeveral
  }

  /// The options, fit to be shown.
  package var displayOptions: [String] {
    options.map { DisplayText.line($0, limit: ChatBounds.option, otherwise: "?") }
  }

  /// Those of a vote that count.
  func counted(_ choice: [Int]) -> [Int] {
    let valid = choice.filter(options.indices.contains)
    return allowsSeveral ? valid : Array(valid.prefix(1))
  }
}

/// What somebody with the right to do so did to somebody.
package struct Moderation: Hashable, Sendable {
  package enum Action: String, Hashable, Sendable {
    case removed, muted, locked, unlocked
    case loweredHand = "lowered-hand"
  }

  package let action: Action
  /// `nil` where it concerns nobody alone.
  package let member: PeerID?
  package let reason: String

  package init(action: Action, member: PeerID?, reason: String) {
    self.action = action
    self.member = member
    self.reason = reason
  }
}

extension Moderation {
  /// What was done, to be read after the name of who did it.
  package func sentence(about name: String?) -> String {
    let name = name ?? "somebody"
    let done =
      switch action {
      case .removed: "removed \(name)"
      case .muted: "muted \(name)"
      case .loweredHand: "lowered \(name)'s hand"
      case .locked: "locked the meeting"
      case .unlocked: "unlocked the meeting"
      }
    let why = DisplayText.line(reason, limit: ChatBounds.reason)
    return why.isEmpty ? done : "\(done): \(why)"
  }
}
