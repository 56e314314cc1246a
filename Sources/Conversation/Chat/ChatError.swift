package import Wire

/// Why an entry was refused.
package enum ChatError: Error, Hashable, Sendable {
  case wire(WireError)
  /// Made by a later version.
  case unknownFormat(UInt32)
  case otherMeeting
  /// The body isn't the one that was signed.
  case otherBody
  /// No delete says that the body may be missing.
  case missingBody
  case emptyText(EntryText)
  /// More than ``EntryText/limit`` bytes.
  case textTooLong(EntryText)
  /// It doesn't follow the entry that it names as its predecessor.
  case brokenChain
  /// Its author's log doesn't begin with what makes it a member.
  case notMember
  /// A bound of ``ChatBounds`` is reached.
  case tooMany
}

/// What a person writes of an entry.
package enum EntryText: Hashable, Sendable {
  /// Of a text, a reply and an edit.
  case message
  case question
  case answer
  case reaction
  /// A moderator's.
  case reason
  /// A file's.
  case note

  /// Bytes of UTF-8.
  package var limit: Int {
    switch self {
    case .message: WireBounds.chatText
    case .question: ChatBounds.question
    case .answer: ChatBounds.option
    case .reaction: ChatBounds.emoji
    case .reason: ChatBounds.reason
    case .note: ChatBounds.fileNote
    }
  }

  /// In a sentence about the line that it stands in.
  fileprivate var phrase: String {
    switch self {
    case .message: "it"
    case .question: "the poll's question"
    case .answer: "an answer of the poll"
    case .reaction: "the reaction"
    case .reason: "the reason"
    case .note: "the file's note"
    }
  }
}

extension ChatLog.Refusal {
  /// What happened, and what to do.
  package var sentence: String { "The line was not sent: \(reason)." }

  private var reason: String {
    switch self {
    case .tooMany: "too many lines wait already"
    case .noPlace:
      "copies of this data directory have said so much else that there is no place for it. Use one of them "
        + "alone"
    case .invalid(.emptyText(let text)): "nothing of \(text.phrase) can be seen"
    case .invalid(.textTooLong(let text)):
      "\(text.phrase) is longer than \(text.limit) bytes. "
        + (text == .message ? "Shorten or divide it" : "Shorten it")
    // What commands make is within all other bounds.
    case .invalid(let error): "the program has made it wrongly (\(error)). Please report it"
    }
  }
}
