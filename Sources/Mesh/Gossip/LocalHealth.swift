import Foundations

/// How far a member's own word about others is to be trusted: Lifeguard's local health multiplier
/// (Dadgar, Phillips, Currey 2017 §IV-A).
///
/// Who is short of processor time, or on a bad network, hears too late of everybody. Its accusations
/// would cost all of them broadcasts, which take more time still: so it waits longer, the more often it
/// was wrong.
struct LocalHealth: Sendable {
  /// The most that `score` grows to (Lifeguard's S, 8 there): patience is six times the usual then, and
  /// a hung member is still noticed within a quarter of a minute.
  static let most = 5

  /// A member that has just started has yet to show that it keeps up: where many start at once, it can't.
  static let initial = 3
  /// Between two improvements, so that a calm second doesn't make up for a stormy one.
  static let improvesAfter = Duration.seconds(1)

  private(set) var score = Self.initial
  private var nextLateness = Moment(nanoseconds: .min)
  private var nextImprovement = Moment(nanoseconds: .min)

  /// What waiting times are multiplied with: 1 … 6.
  var patience: Double { Double(1 + score) }

  /// A probe or a ping was answered in time.
  mutating func improve(at now: Moment) {
    guard now >= nextImprovement else { return }
    nextImprovement = now + Self.improvesAfter
    score = max(score - 1, 0)
  }

  /// We woke late. Once a second counts: one stall holds up many inputs.
  mutating func noticeLateness(at now: Moment) {
    guard now >= nextLateness else { return }
    nextLateness = now + Self.improvesAfter
    worsen(at: now)
  }

  /// We accused somebody who was there, or are accused ourselves.
  mutating func worsen(at now: Moment) {
    nextImprovement = now + Self.improvesAfter
    score = min(score + 1, Self.most)
  }
}
