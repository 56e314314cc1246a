import Foundations

/// When the network is asked anew for members who are missed.
///
/// Whoever was cut off, or began again elsewhere, may come back without a word: nothing changes at this
/// member's own interface, and mDNS' own questions get rarer, down to one an hour (RFC 6762 §5.2). A
/// question is some 50 bytes to everybody, and each member of any meeting there answers with some 300.
/// So all members of one part of a meeting together ask as often as one alone.
struct MissingSearch {
  /// Between two questions, from half of it up: a partition is to be over within five seconds, of which
  /// the answer and the dial take one.
  static let eager = Duration.seconds(4)
  /// How long so often, since somebody was lost last or the network changed. Most partitions end sooner,
  /// and who is missed for longer has perhaps gone home.
  static let eagerFor = Duration.seconds(300)
  /// The same later on, for as long as somebody is missed.
  static let patient = Duration.seconds(15)

  private enum State {
    /// Nobody is missed.
    case idle
    case searching(since: Moment, next: Moment)
  }

  private var state = State.idle
  private var chance: SeededGenerator

  init(seed: UInt64) {
    chance = SeededGenerator(seed: seed)
  }

  /// Somebody more is missed, or may be reached again.
  mutating func startOver() {
    state = .idle
  }

  /// Whether to ask now.
  /// - Parameter members: that are here, with this one.
  mutating func isDue(isMissing: Bool, members: Int, at now: Moment) -> Bool {
    guard isMissing else {
      state = .idle
      return false
    }
    switch state {
    case .idle:
      // Anywhere within the first turn: where all lose somebody at once they don't ask at once.
      let wait = Self.eager * Double(members) * Double.random(in: 0..<1, using: &chance)
      state = .searching(since: now, next: now + wait)
      return false
    case .searching(_, let next) where next > now:
      return false
    case .searching(let since, _):
      let turn = now - since < Self.eagerFor ? Self.eager : Self.patient
      let wait = turn * Double(members) * Double.random(in: 0.5..<1, using: &chance)
      state = .searching(since: since, next: now + wait)
      return true
    }
  }
}
