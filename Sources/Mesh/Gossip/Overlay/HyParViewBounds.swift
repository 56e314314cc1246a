import Foundations

/// The limits of ``HyParView``, each with its reason. The lengths of walks and samples are those of the
/// paper (§5.1), which measured them at 10,000 nodes.
package struct HyParViewBounds: Sendable {
  /// Members that may be met again: six active views of the largest meeting (the paper's k = 6), so that
  /// somebody of them is alive after 80 % failed at once in all but 0.1 % of cases.
  package var passive = 30
  /// Links that a newcomer's name travels from its contact (ARWL): about the diameter.
  package var activeWalk = 6
  /// Links before the end of that walk at which the name goes into a passive view (PRWL).
  package var passiveWalk = 3
  /// Of a shuffle's sample: members of the active and of the passive view (k_a, k_p).
  package var activeSample = 3
  package var passiveSample = 4
  /// How often views are shuffled; each cycle is up to a tenth longer or shorter by chance, so that not
  /// all shuffle at once.
  package var cycle = Duration.seconds(5)
  /// One cycle in so many asks somebody who is in neither view to be a neighbour, urgently: the cure for
  /// overlays that fell apart (DESIGN §5). 0 leaves it, and looking outside the views, to the textbook.
  package var rendezvousCycles = 10
  /// How many times rarer where the passive view has room: it holds nearly everybody then, and a meeting
  /// that small notices by its probes that it fell apart.
  package var rarely = 4
  /// How soon somebody with too few neighbours and nobody left to ask looks outside its views again.
  package var seekAgainAfter = Duration.milliseconds(500)
  /// Members looked for outside the views at once. With nineteen of twenty dead, some eight such tries
  /// find one alive two times in five.
  package var seek = 8
  /// Requests to members that have no room, a cycle: where all views are full an odd one out stays.
  package var refusals = 2
  /// Shuffles that bring nobody new before they become rarer.
  package var dullShuffles = 2
  /// Cycles between shuffles, or between requests for a last place, after many in vain; it doubles up to
  /// this. Each request costs a link.
  package var longestPause = 8
  /// Links being opened for the sake of others' newcomers: nobody can make us dial a crowd.
  package var urgentAttempts = 16
  /// How long an attempt may take; longer than the driver's own limit.
  package var attemptLimit = Duration.seconds(6)
  /// How long a link may be open before its opener says what for.
  package var idleLink = Duration.seconds(5)

  package init() {}

  /// Neighbours in a meeting of `count`: everybody while that is at most eight; then so many that the
  /// overlay holds together when four of five fail at once, as few as the paper's five in the largest.
  package static func activeView(ofMeetingOf count: Int) -> Int {
    switch count {
    case ...9: max(count - 1, 1)
    case ...50: 8
    case ...500: 6
    case _: 5
    }
  }
}
