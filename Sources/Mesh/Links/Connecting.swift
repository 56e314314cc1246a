package import Foundations
import Glibc
import NIOCore
import NIOPosix

extension Links {
  /// Opens a stream to `address`, over `interface` alone unless that is `nil`.
  ///
  /// The peer's word that it takes the stream is its first frame: TLS 1.3 lets this side finish
  /// before the other has looked at its certificate.
  /// - Parameter timeout: for the connection and the TLS handshake together.
  /// - Throws: "unreachable", "not-virtue", "version-mismatch", "bad-address", "cancelled",
  ///   "closed".
  package func connect(
    to address: NetworkAddress, over interface: String? = nil, purpose: StreamPurpose,
    timeout: Duration = .seconds(3)
  ) async throws(Failure) -> FramedStream {
    let target = try address.socketAddress()
    let index = interface.map { CInt(bitPattern: if_nametoindex($0)) }
    guard index != 0 else { throw Self.unreachable(address, over: interface) }
    let attempt = Attempt()
    guard openStreams.begin(attempt) else { throw Self.closedFailure }
    defer { openStreams.end(attempt) }
    let result = await withTaskCancellationHandler {
      await open(target, over: index, purpose: purpose, timeout: timeout, attempt: attempt)
    } onCancel: {
      attempt.cancel()
    }
    switch result {
    case .success(let stream):
      return stream
    case .failure(let error):
      throw attempt.isCancelled
        ? Failure("cancelled", exit: .temporary, "The connection to \(address) was given up.")
        : Self.failure(error, at: address, over: interface)
    }
  }

  private func open(
    _ target: SocketAddress, over interface: CInt?, purpose: StreamPurpose, timeout: Duration,
    attempt: Attempt
  ) async -> Result<FramedStream, any Error> {
    let promise = group.next().makePromise(of: FramedStream.self)
    let (settings, limits, openStreams) = (settings, limits, openStreams)
    let plain = ClientBootstrap(group: group)
      .connectTimeout(TimeAmount(timeout))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try attempt.hold(channel)
          let handler = StreamHandler(
            side: .initiator(purpose, patience: timeout, promise), limits: limits,
            openStreams: openStreams)
          let tls = try settings.makeClientHandler(for: purpose)
          try channel.pipeline.syncOperations.addHandlers([tls, handler])
        }
      }
    let options = SocketOptions(
      unacknowledged: limits.unacknowledged, interface: interface)
    let bootstrap = options.apply(to: plain) { $0.channelOption($1, value: $2) }
    let connecting = bootstrap.connect(to: target)
    connecting.whenFailure { promise.fail($0) }
    do {
      // Where nobody listens, the channel's end also fails the handshake that never began: what
      // counts is this.
      _ = try await connecting.get()
      return .success(try await promise.futureResult.get())
    } catch {
      return .failure(error)
    }
  }

  private static func failure(
    _ error: any Error, at address: NetworkAddress, over interface: String?
  ) -> Failure {
    switch error {
    case HandshakeProblem.otherPurpose:
      Failure(
        "version-mismatch", exit: .protocolMismatch,
        "\(address) runs another version of this program; both need the same one.")
    case HandshakeProblem.failed, HandshakeProblem.gone, HandshakeProblem.noCertificate,
      HandshakeProblem.crowdedOut:
      Failure(
        "not-virtue", exit: .protocolMismatch,
        "\(address) answers, but not as a member of a meeting does.")
    case _:
      unreachable(address, over: interface)
    }
  }

  private static func unreachable(
    _ address: NetworkAddress, over interface: String?
  ) -> Failure {
    let way = interface.map { " over \($0)" } ?? ""
    return Failure("unreachable", exit: .noHost, "Nobody answers at \(address)\(way).")
  }
}
