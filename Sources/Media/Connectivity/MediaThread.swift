import CNice
import Dispatch
package import Foundations
import Glibc
import Synchronization

/// A thread that runs a GLib main loop, and the executor of the actors that live on it: they may call
/// libnice, whose callbacks come on this thread, without a hop.
///
/// An actor uses it with
/// `nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }`, and a
/// callback re-enters the actor with `assumeIsolated`.
package final class MediaThread: SerialExecutor, @unchecked Sendable {
  // Safety: `context` and `source` are set in `init` and used from other threads only through GLib
  // functions that take the context's lock; `thread` is touched by `init` and, under `stopping`, by
  // `stop`; `farewells` on the thread only; everything else is a mutex or an atomic.

  /// The `GMainContext` that the thread runs.
  let context: OpaquePointer

  private enum Work {
    case job(UnownedJob)
    case body(@Sendable () -> Void)
  }

  private struct Queue: ~Copyable {
    /// Unbounded, as any executor's: Swift's runtime has each task in it at most once.
    var work: [Work] = []
    var isOver = false
  }

  private let queue = Mutex(Queue())
  private let owner = Atomic<UInt>(0)
  private let isEnding = Atomic<Bool>(false)
  private let stopping = Mutex(false)
  /// Runs what comes after the end, so that nobody waits for ever.
  private let afterwards: DispatchQueue
  private let source: UnsafeMutablePointer<GSource>
  private var thread: UnsafeMutablePointer<GThread>?

  /// Closed agents that still have to take leave of a relay.
  var farewells = 0

  /// How long ``stop()`` waits for them: a few round trips. The relay forgets by itself in ten minutes.
  private static let farewellPatience = Duration.milliseconds(300)
  /// Turns of the loop that finish what was begun when ``stop()`` comes, such as closed agents.
  private static let lastTurns = 200

  /// - Parameter name: shown by debuggers; Linux keeps 15 bytes.
  package init(name: String) {
    context = g_main_context_new()
    source = makeSource()
    afterwards = DispatchQueue(label: name)
    g_source_set_callback(
      source,
      { data in
        guard let data else { return 0 }
        Unmanaged<MediaThread>.fromOpaque(data).takeUnretainedValue().work()
        return 1
      }, Unmanaged.passUnretained(self).toOpaque(), nil)
    g_source_attach(source, context)

    let started = DispatchSemaphore(value: 0)
    let start = Start(thread: self, started: started)
    thread = g_thread_new(
      name,
      { data in
        if let data { Unmanaged<Start>.fromOpaque(data).takeRetainedValue().run() }
        return nil
      }, Unmanaged.passRetained(start).toOpaque())
    started.wait()
  }

  deinit {
    // The thread holds a reference until it ends, so nobody runs the context here.
    g_source_destroy(source)
    g_source_unref(source)
    g_main_context_unref(context)
  }

  /// What the new thread begins with.
  private final class Start {
    let thread: MediaThread
    let started: DispatchSemaphore

    init(thread: MediaThread, started: DispatchSemaphore) {
      self.thread = thread
      self.started = started
    }

    func run() {
      thread.owner.store(UInt(pthread_self()), ordering: .sequentiallyConsistent)
      started.signal()
      thread.loop()
    }
  }

  private func loop() {
    g_main_context_push_thread_default(context)
    while !isEnding.load(ordering: .acquiring) {
      g_main_context_iteration(context, 1)
    }
    finishFarewells()
    for _ in 0..<Self.lastTurns where g_main_context_iteration(context, 0) == 0 { break }
    g_main_context_pop_thread_default(context)
    let rest = queue.withLock { queue in
      queue.isOver = true
      return exchange(&queue.work, with: [])
    }
    rest.forEach(perform)
    owner.store(0, ordering: .sequentiallyConsistent)
  }

  private func finishFarewells() {
    // What is enqueued may close agents.
    work()
    guard farewells > 0 else { return }
    var isPatient = true
    let timer = after(Self.farewellPatience) { isPatient = false }
    while farewells > 0, isPatient {
      g_main_context_iteration(context, 1)
    }
    timer.cancel()
  }

  /// Finishes what is enqueued, then ends the thread; blocks until it has ended. No timer fires and no
  /// libnice callback comes afterwards. Jobs of actors that come later still run, one at a time, on
  /// another thread.
  package func stop() {
    precondition(!isCurrent, "a thread can't wait for its own end")
    stopping.withLock { isStopped in
      guard !isStopped else { return }
      isStopped = true
      isEnding.store(true, ordering: .releasing)
      g_main_context_wakeup(context)
      // Also frees GLib's record of the thread.
      g_thread_join(thread)
    }
  }

  // MARK: - Executor

  package func enqueue(_ job: consuming ExecutorJob) {
    enqueue(.job(UnownedJob(job)))
  }

  /// Runs `body` on the thread, soon, in order with the jobs of actors.
  package func run(_ body: @escaping @Sendable () -> Void) {
    enqueue(.body(body))
  }

  private func enqueue(_ work: Work) {
    enum Place { case first, behind, afterwards }
    let place = queue.withLock { queue -> Place in
      if queue.isOver { return .afterwards }
      queue.work.append(work)
      return queue.work.count == 1 ? .first : .behind
    }
    switch place {
    // Zero is in the past; GLib wakes the loop if it sleeps.
    case .first: g_source_set_ready_time(source, 0)
    case .behind: break
    case .afterwards:
      afterwards.async { [self] in
        owner.store(UInt(pthread_self()), ordering: .sequentiallyConsistent)
        perform(work)
        owner.store(0, ordering: .sequentiallyConsistent)
      }
    }
  }

  /// Runs what is in the queue now. What these jobs enqueue waits for the loop's next turn, so that a
  /// busy actor can't keep the sockets from being read.
  private func work() {
    g_source_set_ready_time(source, -1)
    queue.withLock { exchange(&$0.work, with: []) }.forEach(perform)
  }

  private func perform(_ work: Work) {
    switch work {
    case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
    case .body(let body): body()
    }
  }

  package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }

  /// Whether the caller runs on this thread.
  package var isCurrent: Bool {
    owner.load(ordering: .sequentiallyConsistent) == UInt(pthread_self())
  }

  package func checkIsolated() {
    precondition(isCurrent, "not on the media thread")
  }

  package func isIsolatingCurrentContext() -> Bool? {
    isCurrent
  }

  // MARK: - Time

  /// Calls `body` once, at `moment` or up to a millisecond later. Only on this thread.
  ///
  /// The timer lives as long as the value returned.
  package func at(_ moment: Moment, _ body: @escaping () -> Void) -> MediaTimer {
    let timer = MediaTimer(on: self, isOneShot: true, body)
    timer.set(moment)
    return timer
  }

  /// Calls `body` once, `duration` from now. Only on this thread.
  package func after(_ duration: Duration, _ body: @escaping () -> Void) -> MediaTimer {
    at(HostClock().now() + duration, body)
  }

  /// A timer that can be set again and again. Only on this thread.
  package func makeTimer(_ body: @escaping () -> Void) -> MediaTimer {
    MediaTimer(on: self, isOneShot: false, body)
  }
}

private func exchange<Value>(_ value: inout Value, with new: Value) -> Value {
  let old = value
  value = new
  return old
}
