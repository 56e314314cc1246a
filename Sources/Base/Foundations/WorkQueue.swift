package import Dispatch

/// A queue of its own for one actor, so that work that blocks (a codec, a file, a database) never
/// holds up Swift's cooperative threads.
///
/// An actor uses it with
/// `nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }`.
package final class WorkQueue: SerialExecutor {
  package let queue: DispatchQueue

  package init(label: String, urgent: Bool = false) {
    queue = DispatchQueue(label: label, qos: urgent ? .userInteractive : .userInitiated)
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { [self] in
      job.runSynchronously(on: asUnownedSerialExecutor())
    }
  }

  package func checkIsolated() {
    dispatchPrecondition(condition: .onQueue(queue))
  }

  package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }
}
