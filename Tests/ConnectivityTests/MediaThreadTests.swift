import Foundations
import Synchronization
import Testing

@testable import Connectivity

@Suite("A media thread")
struct MediaThreadTests {
  @Test("An actor on it runs on it, and is there again after each await")
  func hops() async throws {
    try await withHall { hall in
      #expect(!hall.thread.isCurrent)
      for _ in 0..<50 {
        #expect(await hall.visit { $0.thread.isCurrent })
      }
      let stayed = try await hall.sleepRepeatedly()
      #expect(stayed)
    }
  }

  @Test("A callback without isolation may assume its actor's")
  func assumption() async throws {
    try await withHall { hall in
      let count = await hall.visit { _ in
        hall.assumeIsolated { $0.count() }
      }
      #expect(count == 0)
      let fromBody = await withCheckedContinuation { continuation in
        hall.thread.run {
          continuation.resume(returning: hall.assumeIsolated { $0.count() })
        }
      }
      #expect(fromBody == 0)
    }
  }

  @Test("Work runs in the order in which one thread enqueues it")
  func order() async throws {
    try await withHall { hall in
      let order = Mutex<[Int]>([])
      for number in 0..<10_000 {
        hall.thread.run { order.withLock { $0.append(number) } }
      }
      await hall.visit { _ in }
      #expect(order.withLock { $0 } == Array(0..<10_000))
    }
  }

  @Test("Many tasks on many threads are all run, one at a time")
  func crowd() async throws {
    try await withHall { hall in
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<20 {
          group.addTask {
            for _ in 0..<500 { await hall.increment() }
          }
        }
      }
      #expect(await hall.count() == 10_000)
    }
  }

  @Test("Every timer fires once, and never early")
  func timers() async throws {
    try await withHall { hall in
      let (fired, continuation) = AsyncStream.makeStream(of: (Int, Duration).self)
      await hall.visit { hall in
        let start = HostClock().now()
        for number in [3, 1, 2, 0] {
          let moment = start + .milliseconds(5 * number)
          hall.keep(
            hall.thread.at(moment) { continuation.yield((number, HostClock().now() - moment)) })
        }
      }
      var numbers: Set<Int> = []
      for await (number, lateness) in fired {
        #expect(numbers.insert(number).inserted)
        #expect(lateness >= .zero)
        if numbers.count == 4 { break }
      }
      #expect(numbers == [0, 1, 2, 3])
    }
  }

  @Test("A timer that is cancelled, unset or released doesn't fire")
  func cancelled() async throws {
    try await withHall { hall in
      let fired = Mutex(0)
      await hall.visit { hall in
        let cancelled = hall.thread.after(.milliseconds(1)) { fired.withLock { $0 += 1 } }
        cancelled.cancel()
        hall.keep(cancelled)
        let unset = hall.thread.after(.milliseconds(1)) { fired.withLock { $0 += 1 } }
        unset.set(nil)
        hall.keep(unset)
        _ = hall.thread.after(.milliseconds(1)) { fired.withLock { $0 += 1 } }
      }
      await withCheckedContinuation { continuation in
        hall.thread.run {
          hall.assumeIsolated { hall in
            hall.keep(hall.thread.after(.milliseconds(10)) { continuation.resume() })
          }
        }
      }
      #expect(fired.withLock { $0 } == 0)
    }
  }

  @Test("A timer can be set again from its own call")
  func again() async throws {
    try await withHall { hall in
      let moments: [Moment] = await withCheckedContinuation { continuation in
        hall.thread.run {
          hall.assumeIsolated { $0.tick(5) { continuation.resume(returning: $0) } }
        }
      }
      #expect(moments.count == 5)
      #expect(zip(moments, moments.dropFirst()).allSatisfy { $1 - $0 >= .milliseconds(1) })
    }
  }

  @Test("What a timer's closure holds is released with it")
  func release() async throws {
    final class Witness: Sendable {}
    try await withHall { hall in
      nonisolated(unsafe) weak var weakly: Witness?
      await hall.visit { hall in
        let witness = Witness()
        weakly = witness
        hall.keep(hall.thread.after(.seconds(3600)) { _ = witness })
      }
      #expect(weakly != nil)
      await hall.forgetTimers()
      // GLib lets go in the loop's next turn at the latest.
      await hall.visit { _ in }
      #expect(weakly == nil)
    }
  }

  @Test("What is enqueued before the end runs, and what comes later isn't lost either")
  func end() async {
    let thread = MediaThread(name: "a name longer than the kernel keeps")
    let hall = Hall(thread: thread)
    let ran = Mutex(0)
    for _ in 0..<100 { thread.run { ran.withLock { $0 += 1 } } }
    thread.stop()
    #expect(ran.withLock { $0 } == 100)
    thread.stop()
    #expect(await hall.visit { $0.thread.isCurrent })
  }

  @Test("Threads come and go")
  func many() async {
    for _ in 0..<50 {
      let thread = MediaThread(name: "brief")
      let hall = Hall(thread: thread)
      #expect(await hall.visit { $0.thread.isCurrent })
      thread.stop()
    }
  }
}

extension Hall {
  func count() -> Int { counter }

  func increment() async {
    let before = counter
    counter = before + 1
  }

  func sleepRepeatedly() async throws -> Bool {
    var stayed = thread.isCurrent
    for _ in 0..<5 {
      try await Task.sleep(for: .milliseconds(1))
      stayed = stayed && thread.isCurrent
      await Task.yield()
      stayed = stayed && thread.isCurrent
      _ = await Task.detached { 1 }.value
      stayed = stayed && thread.isCurrent
    }
    return stayed
  }

  func tick(_ times: Int, done: @escaping @Sendable ([Moment]) -> Void) {
    var moments: [Moment] = []
    var timer: MediaTimer?
    timer = thread.makeTimer {
      moments.append(HostClock().now())
      if moments.count == times {
        timer?.cancel()
        timer = nil
        done(moments)
      } else {
        timer?.set(HostClock().now() + .milliseconds(1))
      }
    }
    timer?.set(HostClock().now())
  }
}
