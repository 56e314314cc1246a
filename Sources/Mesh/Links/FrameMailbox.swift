import NIOCore
import Synchronization

/// Received frames between the thread that reads the socket and the one task that takes them.
///
/// Bounded by number and bytes: `put` says when to stop reading, and `resume` is called once enough
/// was taken.
final class FrameMailbox: Sendable {
  private struct State {
    var frames = CircularBuffer<[UInt8]>()
    var bytes = 0
    var waiter: CheckedContinuation<[UInt8]?, Never>?
    var isPaused = false
    var isFinished = false
  }

  private let state = Mutex(State())
  private let frameLimit: Int
  private let byteLimit: Int
  private let resume: @Sendable () -> Void

  init(frameLimit: Int, byteLimit: Int, resume: @escaping @Sendable () -> Void) {
    self.frameLimit = frameLimit
    self.byteLimit = byteLimit
    self.resume = resume
  }

  /// Whether another frame may follow; `false` is a promise that `resume` will be called.
  func put(_ frame: [UInt8]) -> Bool {
    let (waiter, hasRoom) = state.withLock {
      state -> (CheckedContinuation<[UInt8]?, Never>?, Bool) in
      guard !state.isFinished else { return (nil, true) }
      if let waiter = state.waiter {
        state.waiter = nil
        return (waiter, true)
      }
      state.frames.append(frame)
      state.bytes += frame.count
      state.isPaused = state.frames.count >= frameLimit || state.bytes >= byteLimit
      return (nil, !state.isPaused)
    }
    waiter?.resume(returning: frame)
    return hasRoom
  }

  /// No frame will follow. Those that wait can still be taken, unless they are discarded.
  func finish(discarding: Bool) {
    let waiter = state.withLock { state in
      state.isFinished = true
      state.isPaused = false
      if discarding {
        state.frames.removeAll()
        state.bytes = 0
      }
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(returning: nil)
  }

  /// The next frame; `nil` when none will come any more or the task is cancelled.
  func next() async -> [UInt8]? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        take(continuation)
      }
    } onCancel: {
      let waiter = state.withLock { state in
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume(returning: nil)
    }
  }

  private enum Taken {
    case frame([UInt8], resumes: Bool)
    case end
    case waits
  }

  private func take(_ continuation: CheckedContinuation<[UInt8]?, Never>) {
    let taken = state.withLock { state -> Taken in
      if let frame = state.frames.popFirst() {
        state.bytes -= frame.count
        let resumes =
          state.isPaused && state.frames.count <= frameLimit / 2 && state.bytes <= byteLimit / 2
        if resumes { state.isPaused = false }
        return .frame(frame, resumes: resumes)
      }
      // Asked under the lock, so that a cancellation either is seen here or finds the waiter.
      if state.isFinished || Task.isCancelled { return .end }
      precondition(state.waiter == nil, "a stream's frames are taken by one task at a time")
      state.waiter = continuation
      return .waits
    }
    switch taken {
    case .frame(let frame, let resumes):
      if resumes { resume() }
      continuation.resume(returning: frame)
    case .end:
      continuation.resume(returning: nil)
    case .waits:
      break
    }
  }
}
