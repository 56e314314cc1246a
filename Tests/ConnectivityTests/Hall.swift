import Foundations
import Testing

@testable import Connectivity

/// An actor that lives on a media thread, as a session with a peer does.
actor Hall {
  nonisolated let thread: MediaThread
  private var agents: [ICEAgent] = []
  private var timers: [MediaTimer] = []
  var counter = 0

  init(thread: MediaThread) {
    self.thread = thread
  }

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// Runs `body` on the thread.
  func visit<Result: Sendable>(
    _ body: @Sendable (isolated Hall) throws -> Result
  ) rethrows -> Result {
    try body(self)
  }

  func keep(_ timer: MediaTimer) { timers.append(timer) }

  func forgetTimers() { timers = [] }

  func makeAgent(_ configuration: ICEConfiguration) -> ICEAgent {
    let agent = ICEAgent(thread: thread, configuration: configuration)
    agents.append(agent)
    return agent
  }

  func closeAll() {
    agents.forEach { $0.close() }
    agents = []
    timers = []
  }
}

/// Makes a media thread for the time of a test, and ends it.
func withHall<Result: Sendable>(
  _ body: (Hall) async throws -> Result
) async throws -> Result {
  let thread = MediaThread(name: "test")
  let hall = Hall(thread: thread)
  do {
    let result = try await body(hall)
    await hall.closeAll()
    thread.stop()
    return result
  } catch {
    await hall.closeAll()
    thread.stop()
    throw error
  }
}
