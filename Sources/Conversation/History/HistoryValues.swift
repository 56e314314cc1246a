package import Foundations
package import Wire

/// A meeting as it is registered when this member hosts or joins it.
package struct MeetingRecord: Sendable {
  package let id: MeetingID
  /// Ed25519, 32 bytes.
  package let genesisKey: [UInt8]
  package let title: String
  /// One's own grant, for coming back without a code.
  package let chain: WireGrantChain?

  package init(id: MeetingID, genesisKey: [UInt8], title: String, chain: WireGrantChain?) {
    self.id = id
    self.genesisKey = genesisKey
    self.title = title
    self.chain = chain
  }
}

/// A line of `virtue history`. Names and texts are fit to be shown.
package struct MeetingSummary: Hashable, Sendable {
  package let id: MeetingID
  package let title: String
  package let firstJoined: WallTime
  package let lastSeen: WallTime
  /// Texts, replies and polls, not who came and went.
  package let messages: Int
  /// Members that wrote an entry, coming and going included.
  package let members: Int
  package let last: Message?
}

/// An entry as it is shown. Its name and text are fit to be shown, the text with its line breaks.
package struct Message: Hashable, Sendable {
  package let id: EntryID
  package let meeting: MeetingID
  package let author: PeerID
  package let name: String
  /// As entries call it: "text", "reply", "poll", "hand", "moderation", "deleted", "joined", "left".
  package let kind: String
  /// The latest that its author made of it; empty when the kind has none.
  package var text: String
  /// When it was said, as far as its author's clock is to be believed.
  package let time: WallTime
  package var isEdited = false
  /// What a reply answers.
  package var target: EntryID?
  package var reactions: [Reaction] = []
  /// The answers of a poll and who gave them.
  package var answers: [Answer] = []
  /// Its author signed two different entries in one place of its log: somebody who keeps two
  /// histories, or whose data directory was restored from a copy.
  package var isContradicted = false

  package struct Reaction: Hashable, Sendable {
    package let emoji: String
    package let names: [String]
  }

  package struct Answer: Hashable, Sendable {
    package let text: String
    package let names: [String]
  }
}

/// What coming back to a meeting takes.
package struct RecentMeeting: Sendable {
  package let id: MeetingID
  /// Ed25519, 32 bytes.
  package let genesisKey: [UInt8]
  package let title: String
  package let lastSeen: WallTime
  /// The latest time of an entry, by its author's clock.
  package let lastSaid: WallTime?
  package let chain: WireGrantChain
  /// The members met there, the last seen first.
  package let members: [MemberRecord]
}
