import Foundations
import Glibc
import Links
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Testing

/// All suites of the room, one test at a time: some count this process's file descriptors.
@Suite("Links", .serialized, .timeLimit(.minutes(1))) struct LinksTests {}

/// A listening instance and a connecting one, on loopback.
struct Pair {
  let near: Links
  let far: Links
  let listener: LinkListener
  let target: NetworkAddress

  init(limits: LinkLimits = LinkLimits()) async throws {
    near = try makeLinks(limits: limits)
    far = try makeLinks(limits: limits)
    listener = try await far.listen(interfaces: ["lo"])
    target = NetworkAddress(host: "127.0.0.1", port: listener.port)
  }

  /// Both ends of a new stream.
  func connect(
    _ purpose: StreamPurpose = .link
  ) async throws -> (near: FramedStream, far: FramedStream) {
    let nearStream = try await near.connect(to: target, purpose: purpose)
    let farStream = try #require(await next(of: listener))
    return (nearStream, farStream)
  }

  func close() async {
    await listener.close()
    await near.close()
    await far.close()
  }
}

func makeLinks(
  limits: LinkLimits = LinkLimits(), interfaces: [String]? = nil
) throws -> Links {
  try Links(
    certificate: .make(secrets: .system, now: HostClock().wallTime()), limits: limits,
    interfaces: interfaces)
}

/// The next stream that comes in.
func next(of listener: LinkListener) async -> FramedStream? {
  for await stream in listener.incoming { return stream }
  return nil
}

/// A socket that speaks TCP, and TLS if told so, with nothing of the room's own in it.
final class RawClient: Sendable {
  let channel: any Channel
  /// Done when the handshake is, and failed when it does.
  let handshake: EventLoopFuture<Void>

  /// TLS as `configuration` says; plain TCP without one.
  init(to port: UInt16, tls configuration: TLSConfiguration? = nil) async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let loop = group.next()
    let promise = loop.makePromise(of: Void.self)
    let context = try configuration.map { try NIOSSLContext(configuration: $0) }
    handshake = promise.futureResult
    channel = try await ClientBootstrap(group: loop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let context {
            let tls = try NIOSSLClientHandler(
              context: context, serverHostname: nil,
              customVerificationCallback: { $1.succeed(.certificateVerified) })
            try channel.pipeline.syncOperations.addHandler(tls)
          }
          try channel.pipeline.syncOperations.addHandler(HandshakeWatcher(promise))
        }
      }
      .connect(host: "127.0.0.1", port: Int(port)).get()
  }

  func write(_ bytes: [UInt8]) {
    channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
  }

  /// Until the other side has closed the connection.
  func closed() async {
    try? await channel.closeFuture.get()
  }

  /// Closes the socket so that the kernel sends RST.
  func reset() async throws {
    let socket = try #require(channel as? any SocketOptionProvider)
    try await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
    try await channel.eventLoop.submit { [channel] in
      let tls = try channel.pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self)
      tls.close(promise: nil)
    }.get()
  }
}

private final class HandshakeWatcher: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  private let promise: EventLoopPromise<Void>

  init(_ promise: EventLoopPromise<Void>) {
    self.promise = promise
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case TLSUserEvent.handshakeCompleted = event { promise.succeed() }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    promise.fail(error)
    context.close(promise: nil)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    promise.fail(ChannelError.eof)
  }
}

/// A client of TLS 1.3 that shows `certificate`, or none.
func clientTLS(
  _ certificate: RunCertificate?, purposes: [String]
) throws -> TLSConfiguration {
  var configuration = TLSConfiguration.makeClientConfiguration()
  configuration.certificateVerification = .noHostnameVerification
  configuration.trustRoots = .certificates([])
  configuration.applicationProtocols = purposes
  if let certificate {
    configuration.certificateChain = [
      .certificate(try NIOSSLCertificate(bytes: certificate.certificateDER, format: .der))
    ]
    configuration.privateKey = .privateKey(
      try NIOSSLPrivateKey(bytes: Array(certificate.privateKeyPEM.utf8), format: .pem))
  }
  return configuration
}
