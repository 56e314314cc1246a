/// Something that happens once, and can be waited for.
struct AsyncFlag: Sendable {
  private let stream: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation

  init() {
    (stream, continuation) = AsyncStream.makeStream(of: Void.self)
  }

  func raise() { continuation.finish() }

  /// Returns when it is up, at the latest after `limit`.
  func wait(atMost limit: Duration) async {
    let alarm = Task { [continuation] in
      try await Task.sleep(for: limit)
      continuation.finish()
    }
    for await _ in stream {}
    alarm.cancel()
  }
}
