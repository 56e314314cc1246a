import Foundations
import Glibc
import Synchronization

/// A thread that runs a source in real time until it is told to stop. One owner starts and stops it.
final class SourceThread: Sendable {
  private let state = Mutex(State.idle)

  private enum State {
    /// Exits: `running` by `start`.
    case idle
    /// Exits: `idle` by `stop`, `ending` by `stop` on the thread itself.
    case running(pthread_t, StopSignal)
    /// Told to end, but not waited for yet. Exits: `idle` or `running` once it has ended.
    case ending(pthread_t)
  }

  /// Runs `body` on a thread of its own, after the one before has ended; does nothing while one is
  /// running. Not to be called on the thread itself.
  func start(_ body: @escaping @Sendable (StopSignal) -> Void) {
    state.withLock { state in
      switch state {
      case .running: return
      case .ending(let thread): pthread_join(thread, nil)
      case .idle: break
      }
      let signal = StopSignal()
      var thread = pthread_t()
      let work = Work(signal: signal, body: body)
      let result = pthread_create(&thread, nil, runWork, Unmanaged.passRetained(work).toOpaque())
      // Only a system without memory or threads left says no, and it has worse troubles then.
      precondition(result == 0, "no thread for a source")
      state = .running(thread, signal)
    }
  }

  /// Returns when the thread has ended. Called on the thread itself it only asks it to end.
  func stop() {
    let ended = state.withLock { state -> pthread_t? in
      let thread: pthread_t
      switch state {
      case .idle: return nil
      case .running(let running, let signal):
        signal.raise()
        thread = running
      case .ending(let ending): thread = ending
      }
      let isOwn = pthread_equal(thread, pthread_self()) != 0
      state = isOwn ? .ending(thread) : .idle
      return isOwn ? nil : thread
    }
    // Outside the lock: the thread may be about to stop itself.
    if let ended { pthread_join(ended, nil) }
  }

  deinit {
    stop()
    // The last one to let go was the thread itself, which nobody can wait for any more.
    if case .ending(let thread) = state.withLock({ $0 }) { pthread_detach(thread) }
  }
}

/// Tells a thread to end.
final class StopSignal: Sendable {
  private let isRaised = Atomic(false)

  /// How long a sleeping thread may take to notice.
  private static let patience = Duration.milliseconds(40)

  func raise() { isRaised.store(true, ordering: .releasing) }

  var isUp: Bool { isRaised.load(ordering: .acquiring) }

  /// Sleeps until `moment`; `false` when the signal came first.
  func sleep(until moment: Moment, on clock: HostClock) -> Bool {
    while !isUp {
      let now = clock.now()
      guard now < moment else { return true }
      clock.sleep(until: min(moment, now + Self.patience))
    }
    return false
  }
}

/// What a new thread is to do.
private final class Work: Sendable {
  let signal: StopSignal
  let body: @Sendable (StopSignal) -> Void

  init(signal: StopSignal, body: @escaping @Sendable (StopSignal) -> Void) {
    (self.signal, self.body) = (signal, body)
  }
}

private func runWork(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
  work.body(work.signal)
  return nil
}
