import Foundations

/// Asks the peer for a keyframe until one comes.
struct KeyframeRequester: Sendable {
  /// Between two requests: the sender needs a moment to encode one and to pace it out.
  static let interval = Duration.milliseconds(300)
  /// A stream that is silent for so long is switched off; asking it would be of no use.
  static let silence = Duration.seconds(2)

  private enum State {
    case content
    case needed(notBefore: Moment)
  }

  private var state = State.content
  private var lastAsked: Moment?
  private var lastHeard: Moment?
  /// Somebody waits for a keyframe though the stream can be decoded.
  private var isInsisted = false

  mutating func heard(at now: Moment) {
    lastHeard = now
  }

  /// - Parameter delay: how long a keyframe may still come by itself.
  mutating func need(at now: Moment, delay: Duration = .zero) {
    switch state {
    case .content: state = .needed(notBefore: max(now + delay, nextAllowed ?? now))
    case .needed: break
    }
  }

  /// A keyframe has begun to come: give it time.
  mutating func postpone(at now: Moment) {
    switch state {
    case .content: break
    case .needed(let moment): state = .needed(notBefore: max(moment, now + Self.interval))
    }
  }

  /// The stream can be decoded.
  mutating func recovered() {
    if !isInsisted { state = .content }
  }

  /// A keyframe was handed on.
  mutating func satisfied() {
    isInsisted = false
    state = .content
  }

  /// Asked for by somebody who watches, whatever came before.
  mutating func askNow(at now: Moment) {
    isInsisted = true
    state = .needed(notBefore: nextAllowed.map { max($0, now) } ?? now)
    lastHeard = now
  }

  /// Whether to ask now.
  mutating func poll(at now: Moment) -> Bool {
    guard let deadline, now >= deadline else { return false }
    lastAsked = now
    state = .needed(notBefore: now + Self.interval)
    return true
  }

  var deadline: Moment? {
    switch state {
    case .content: return nil
    case .needed(let moment):
      guard let lastHeard, moment - lastHeard < Self.silence else { return nil }
      return moment
    }
  }

  private var nextAllowed: Moment? { lastAsked.map { $0 + Self.interval } }
}
