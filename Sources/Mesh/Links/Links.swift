package import Foundations
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// The TLS 1.3 streams of one run: makes listeners and connections that show one certificate and
/// share one thread.
package final class Links: Sendable {
  package let certificate: RunCertificate
  package let limits: LinkLimits
  /// What is dialled is dialled over these alone; `nil` for whichever leads there.
  package let interfaces: [String]?

  let group: MultiThreadedEventLoopGroup
  let settings: TLSSettings
  let openStreams = OpenStreams()
  let failedAttempts = Mutex(FailedAttempts())

  package init(
    certificate: RunCertificate, limits: LinkLimits = LinkLimits(), interfaces: [String]? = nil
  ) throws(Failure) {
    self.certificate = certificate
    self.limits = limits
    self.interfaces = interfaces
    do {
      settings = try TLSSettings(certificate: certificate, closing: limits.closing)
    } catch {
      throw Failure("no-certificate", exit: .software, "TLS can't be set up: \(error)")
    }
    group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  }

  /// Streams that are open, in both directions.
  package var streamCount: Int { openStreams.count }

  /// Closes every stream, delivering what was sent before within ``LinkLimits/closing``, and ends the
  /// thread. Listeners end too. Nothing of this instance may be used afterwards.
  package func close() async {
    guard await openStreams.close() else { return }
    try? await group.shutdownGracefully()
  }

  /// Takes connections on `port`, or on any free port for 0, over IPv4 and IPv6.
  ///
  /// - Parameter interfaces: takes only what comes over these, to whatever addresses they have by then.
  ///   At least one must be up; for those that come later there is ``LinkListener/renew()``.
  /// - Throws: "port-in-use", "port-not-allowed", "no-interface", "no-such-address",
  ///   "cannot-listen", "closed".
  package func listen(
    port: UInt16 = 0, interfaces: [String]? = nil
  ) async throws(Failure) -> LinkListener {
    let attempt = Attempt()
    guard openStreams.begin(attempt) else { throw Self.closedFailure }
    defer { openStreams.end(attempt) }
    let (incoming, continuation) = AsyncStream.makeStream(
      of: FramedStream.self, bufferingPolicy: .bufferingOldest(limits.unconfirmed))
    let register = IncomingRegister(limits: limits, continuation: continuation)
    let opener = ListeningSockets(links: self, register: register)
    let listener = LinkListener(
      sockets: try await opener.open(port: port, interfaces: interfaces), interfaces: interfaces,
      incoming: incoming, opener: opener)
    guard openStreams.insert(listener) else {
      await listener.close()
      throw Self.closedFailure
    }
    return listener
  }

  static let closedFailure = Failure(
    "closed", exit: .temporary, "The meeting's connections are being closed.")
}
