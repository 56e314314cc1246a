import Foundations

/// Wakes a machine at its deadline. One an actor and machine; setting it anew forgets the earlier
/// moment.
final class Alarm {
  private var deadline: Moment?
  private var task: Task<Void, Never>?
  private let clock: HostClock
  private let fire: @Sendable () async -> Void

  init(clock: HostClock, fire: @escaping @Sendable () async -> Void) {
    self.clock = clock
    self.fire = fire
  }

  func set(_ deadline: Moment?) {
    guard deadline != self.deadline else { return }
    self.deadline = deadline
    task?.cancel()
    task = nil
    guard let deadline else { return }
    task = Task { [clock, fire] in
      let wait = deadline - clock.now()
      if wait > .zero { try? await Task.sleep(for: wait) }
      guard !Task.isCancelled else { return }
      await fire()
    }
  }

  /// To be called first thing when it has fired, so that the same moment may be set again.
  func forget() {
    deadline = nil
    task = nil
  }

  deinit {
    task?.cancel()
  }
}
