import Foundation
import Foundations
import SwiftProtobuf
package import Wire

/// Reading a body, with every bound. The verdict must be the same on every member, so it is by bytes
/// and code points rather than by tables that grow with each edition of Unicode.
extension Entry.Body {
  package init(_ bytes: [UInt8]) throws(ChatError) {
    guard !bytes.isEmpty else {
      self = .deleted
      return
    }
    let body: WireChatBody
    do {
      body = try WireChatBody(wire: bytes, limit: ChatBounds.body)
    } catch {
      throw .wire(error)
    }
    try self.init(body)
  }

  init(_ body: WireChatBody) throws(ChatError) {
    switch body.kind {
    case .text(let text): self = .text(try Self.checked(text.text))
    case .joined(let member):
      self = .joined(name: Self.name(member.name), chain: member.chain)
    case .left(let member): self = .left(name: Self.name(member.name))
    case .reply(let reply):
      self = .reply(to: try Self.target(reply.target), try Self.checked(reply.text))
    case .edit(let edit):
      self = .edit(of: try Self.target(edit.target), try Self.checked(edit.text))
    case .delete(let delete): self = .delete(try Self.targets(delete.targets))
    case .reaction(let reaction):
      self = .reaction(
        to: try Self.target(reaction.target),
        try Self.checked(reaction.emoji, as: .reaction),
        isWithdrawn: reaction.withdrawn)
    case .poll(let poll): self = .poll(try Self.poll(poll))
    case .vote(let vote):
      self = .vote(in: try Self.target(vote.poll), try Self.choice(vote.options))
    case .hand(let hand): self = .hand(isRaised: hand.raised)
    case .moderation(let moderation): self = try Self.moderation(moderation)
    case .file(let file): self = .file(try OfferedFile(file))
    case nil: self = .unknown
    }
  }

  private static func name(_ name: String) -> String {
    DisplayText.line(name, limit: WireBounds.name, otherwise: "somebody")
  }

  private static func target(_ bytes: Data) throws(ChatError) -> EntryHash {
    guard let hash = EntryHash(bytes) else { throw .wire(.outOfBounds("target")) }
    return hash
  }

  private static func targets(_ all: [Data]) throws(ChatError) -> [EntryHash] {
    let hashes = all.prefix(ChatBounds.deletedAtOnce).compactMap { EntryHash($0) }
    guard !hashes.isEmpty, hashes.count == all.count else { throw .wire(.outOfBounds("targets")) }
    return hashes
  }

  private static func poll(_ poll: WireChatPoll) throws(ChatError) -> Poll {
    guard (2...ChatBounds.options).contains(poll.options.count) else {
      throw .wire(.outOfBounds("options"))
    }
    var options: [String] = []
    for option in poll.options {
      options.append(try checked(option, as: .answer))
    }
    return Poll(
      question: try checked(poll.question, as: .question), options: options,
      allowsSeveral: poll.several)
  }

  private static func choice(_ options: [UInt32]) throws(ChatError) -> [Int] {
    let isRising = zip(options, options.dropFirst()).allSatisfy(<)
    guard options.count <= ChatBounds.options, isRising else {
      throw .wire(.outOfBounds("options"))
    }
    return options.map { Int($0) }
  }

  private static func moderation(_ what: WireChatModeration) throws(ChatError) -> Self {
    guard what.reason.utf8.count <= EntryText.reason.limit else { throw .textTooLong(.reason) }
    let action: Moderation.Action
    switch what.action {
    case .removed: action = .removed
    case .muted: action = .muted
    case .loweredHand: action = .loweredHand
    case .locked: action = .locked
    case .unlocked: action = .unlocked
    case .unspecified, .UNRECOGNIZED: return .unknown
    }
    let member = PeerID(what.member)
    guard member != nil || what.member.isEmpty else { throw .wire(.outOfBounds("member")) }
    return .moderation(Moderation(action: action, member: member, reason: what.reason))
  }

  /// Something must be left after control characters and blanks.
  private static func checked(
    _ text: String, as part: EntryText = .message
  ) throws(ChatError) -> String {
    guard text.utf8.count <= part.limit else { throw .textTooLong(part) }
    let says = text.unicodeScalars.contains {
      $0.value > 0x20 && !(0x7F...0xA0).contains($0.value)
    }
    guard says else { throw .emptyText(part) }
    return text
  }
}

extension WireChatBody {
  package static func text(_ text: String) -> WireChatBody {
    .with { $0.text = .with { $0.text = text } }
  }

  package static func reply(to target: EntryHash, _ text: String) -> WireChatBody {
    .with {
      $0.reply = .with {
        $0.target = Data(target.bytes)
        $0.text = text
      }
    }
  }

  package static func edit(of target: EntryHash, _ text: String) -> WireChatBody {
    .with {
      $0.edit = .with {
        $0.target = Data(target.bytes)
        $0.text = text
      }
    }
  }

  package static func delete(_ targets: [EntryHash]) -> WireChatBody {
    .with { $0.delete = .with { $0.targets = targets.map { Data($0.bytes) } } }
  }

  package static func reaction(
    to target: EntryHash, _ emoji: String, isWithdrawn: Bool = false
  ) -> WireChatBody {
    .with {
      $0.reaction = .with {
        $0.target = Data(target.bytes)
        $0.emoji = emoji
        $0.withdrawn = isWithdrawn
      }
    }
  }

  package static func poll(
    _ question: String, options: [String], allowsSeveral: Bool = false
  ) -> WireChatBody {
    .with {
      $0.poll = .with {
        $0.question = question
        $0.options = options
        $0.several = allowsSeveral
      }
    }
  }

  package static func vote(in poll: EntryHash, _ options: [Int]) -> WireChatBody {
    .with {
      $0.vote = .with {
        $0.poll = Data(poll.bytes)
        $0.options = options.map { UInt32($0) }
      }
    }
  }

  package static func hand(isRaised: Bool) -> WireChatBody {
    .with { $0.hand = .with { $0.raised = isRaised } }
  }

  package static func moderation(_ what: Moderation) -> WireChatBody {
    .with {
      $0.moderation = .with {
        switch what.action {
        case .removed: $0.action = .removed
        case .muted: $0.action = .muted
        case .loweredHand: $0.action = .loweredHand
        case .locked: $0.action = .locked
        case .unlocked: $0.action = .unlocked
        }
        $0.member = Data(what.member?.bytes ?? [])
        $0.reason = what.reason
      }
    }
  }

  /// - Parameter chain: what makes the author a member: a log begins with it.
  package static func joined(name: String, chain: WireGrantChain = .init()) -> WireChatBody {
    .with {
      $0.joined = .with {
        $0.name = name
        $0.chain = chain
      }
    }
  }

  package static func left(name: String) -> WireChatBody {
    .with { $0.left = .with { $0.name = name } }
  }
}
