import Foundations
import SwiftProtobuf
package import Wire

extension Entry {
  /// What an entry says.
  package enum Body: Hashable, Sendable {
    case text(String)
    case joined(name: String)
    case left(name: String)
    /// It was deleted; the chain holds without it.
    case deleted
    /// Of a kind that this version doesn't know: kept and passed on, not shown.
    case unknown

    /// As events and files call it.
    package var kind: String {
      switch self {
      case .text: "text"
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
      case .text, .deleted, .unknown: false
      }
    }

    /// What is shown of it: the text, or the name of who came or went.
    package var displayText: String {
      switch self {
      case .text(let text): DisplayText.lines(text)
      case .joined(let name), .left(let name): name
      case .deleted, .unknown: ""
      }
    }

    init(_ bytes: [UInt8]) throws(ChatError) {
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
      switch body.kind {
      case .text(let text):
        try Self.check(text.text)
        self = .text(text.text)
      case .joined(let member): self = .joined(name: Self.name(member.name))
      case .left(let member): self = .left(name: Self.name(member.name))
      case nil: self = .unknown
      }
    }

    private static func name(_ name: String) -> String {
      DisplayText.line(name, limit: WireBounds.name, otherwise: "somebody")
    }

    /// The same verdict on every member, so by code points rather than by tables that grow with each
    /// edition of Unicode: something must be left after control characters and blanks.
    private static func check(_ text: String) throws(ChatError) {
      guard text.utf8.count <= WireBounds.chatText else { throw .textTooLong }
      let says = text.unicodeScalars.contains {
        $0.value > 0x20 && !(0x7F...0xA0).contains($0.value)
      }
      guard says else { throw .emptyText }
    }
  }
}

extension WireChatBody {
  package static func text(_ text: String) -> WireChatBody {
    .with { $0.text = .with { $0.text = text } }
  }

  package static func joined(name: String) -> WireChatBody {
    .with { $0.joined = .with { $0.name = name } }
  }

  package static func left(name: String) -> WireChatBody {
    .with { $0.left = .with { $0.name = name } }
  }
}
