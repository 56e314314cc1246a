/// What neighbours say to each other about broadcasts. Names are those of the paper.
package enum PlumtreeMessage: Hashable, Sendable {
  /// The broadcast itself: eager push.
  case push(Announcement)
  /// "I have these": lazy push.
  case iHave([Announcement])
  /// "Push to me from now on, and send me these."
  case graft([MessageID])
  /// "Only tell me what you have from now on."
  case prune
}
