import NIOCore
import Synchronization

/// What is open or about to be, so that closing everything can wait for it: nothing may touch the
/// event loop once that has ended.
final class OpenStreams: Sendable {
  private struct State {
    var streams: [ObjectIdentifier: FramedStream] = [:]
    var listeners: [LinkListener] = []
    var attempts: [ObjectIdentifier: Attempt] = [:]
    var isOpen = true
    /// Waits for the last attempt to end.
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.streams.count } }

  /// `false` when everything is being closed.
  func insert(_ stream: FramedStream) -> Bool {
    state.withLock { state in
      if state.isOpen { state.streams[stream.channelID] = stream }
      return state.isOpen
    }
  }

  /// - Returns: the stream whose channel this was.
  func remove(_ channel: any Channel) -> FramedStream? {
    state.withLock { $0.streams.removeValue(forKey: ObjectIdentifier(channel)) }
  }

  /// `false` when everything is being closed.
  func insert(_ listener: LinkListener) -> Bool {
    state.withLock { state in
      if state.isOpen { state.listeners.append(listener) }
      return state.isOpen
    }
  }

  func remove(_ listener: LinkListener) {
    state.withLock { $0.listeners.removeAll { $0 === listener } }
  }

  /// `false` when everything is being closed.
  func begin(_ attempt: Attempt) -> Bool {
    state.withLock { state in
      if state.isOpen { state.attempts[ObjectIdentifier(attempt)] = attempt }
      return state.isOpen
    }
  }

  func end(_ attempt: Attempt) {
    let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
      state.attempts[ObjectIdentifier(attempt)] = nil
      guard state.attempts.isEmpty else { return nil }
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }

  /// Closes everything and waits until it is.
  /// - Returns: `false` when that was begun before.
  func close() async -> Bool {
    let open = state.withLock { state -> State? in
      guard state.isOpen else { return nil }
      state.isOpen = false
      return state
    }
    guard let open else { return false }
    open.attempts.values.forEach { $0.cancel() }
    open.streams.values.forEach { $0.close() }
    for listener in open.listeners { await listener.close() }
    for stream in open.streams.values { await stream.closed() }
    await withCheckedContinuation { continuation in
      let isDone = state.withLock { state in
        if !state.attempts.isEmpty { state.waiter = continuation }
        return state.attempts.isEmpty
      }
      if isDone { continuation.resume() }
    }
    return true
  }
}

/// A call under way that makes a socket, which cancelling closes.
final class Attempt: Sendable {
  private struct State {
    var channel: (any Channel)?
    var isCancelled = false
  }

  private let state = Mutex(State())

  var isCancelled: Bool { state.withLock { $0.isCancelled } }

  func hold(_ channel: any Channel) throws {
    try state.withLock { state in
      guard !state.isCancelled else { throw CancellationError() }
      state.channel = channel
    }
  }

  func cancel() {
    let channel = state.withLock { state in
      state.isCancelled = true
      return state.channel
    }
    channel?.close(promise: nil)
  }
}
