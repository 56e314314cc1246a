import Foundations

/// The limits of ``Plumtree``, each with its reason.
package struct PlumtreeBounds: Sendable {
  /// How long a broadcast that was announced is waited for: longer than the tree takes beyond the
  /// announcement, a few links, and short beside what people notice.
  package var missingAfter = Duration.milliseconds(100)
  /// How long after a graft the next announcer is asked: a round trip, with room for a retransmission.
  package var graftAgainAfter = Duration.milliseconds(200)
  /// Broadcasts remembered, for copies and grafts. The oldest is forgotten first.
  package var recent = 256
  /// A new neighbour is told of those younger than this: longer than finding a replacement takes for a
  /// neighbour that fell silent.
  package var recall = Duration.seconds(10)
  /// Announced broadcasts waited for; further announcements are dropped, and come round again with a
  /// new neighbour. A meeting's memberships, all at once.
  package var missing = 2048
  /// Announcers remembered of each.
  package var announcers = 8
  /// Broadcasts asked for at one moment, so that a newcomer's neighbours aren't asked for a meeting's
  /// memberships all at once.
  package var graftsAtOnce = 64
  /// Announcements in one message.
  package var announcements = 1024
  /// Who announces a broadcast that came over more links than this beyond the announcer's becomes eager
  /// in the place of the neighbour that it came from (the paper's threshold, §3.8). 1 takes every way
  /// that is shorter.
  package var shortcut: UInt32 = 1
  /// How long between two such changes: the broadcasts of several authors would pull the tree to and fro.
  package var shortcutAfter = Duration.milliseconds(500)

  package init() {}
}
