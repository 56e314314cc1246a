package import Foundations

/// Names a broadcast: its author and the author's number for it. Of an author's broadcasts with one
/// number only the first counts, so a name needs no hash of what it names.
package struct MessageID: Hashable, Sendable {
  package let author: PeerID
  package let number: UInt64

  package init(author: PeerID, number: UInt64) {
    self.author = author
    self.number = number
  }
}

/// A broadcast that somebody has, and how far from its author.
package struct Announcement: Hashable, Sendable {
  package let message: MessageID
  /// Links between its author and whoever announces it; 0 at the author.
  package let round: UInt32

  package init(_ message: MessageID, round: UInt32) {
    self.message = message
    self.round = round
  }
}
