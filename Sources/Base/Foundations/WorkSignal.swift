import Dispatch

/// Has work done on a queue without asking for memory each time, as a closure put there would. Raised
/// any number of times before the work begins, it is done once; raised during it, once more.
// Safety: the source is set up once, before it is activated; Dispatch lets any thread raise it.
package final class WorkSignal: @unchecked Sendable {
  private let source: any DispatchSourceUserDataOr

  /// Nothing is done before ``whenRaised(_:)`` has said what.
  package init(queue: WorkQueue) {
    source = DispatchSource.makeUserDataOrSource(queue: queue.queue)
  }

  /// Says, once, what is to be done.
  package func whenRaised(_ work: @escaping @Sendable () -> Void) {
    source.setEventHandler(handler: work)
    source.activate()
  }

  package func raise() { source.or(data: 1) }

  deinit {
    // One that was never activated can't be let go.
    source.activate()
    source.cancel()
  }
}
