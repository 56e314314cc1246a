import Foundations
import Glibc
import NIOCore
import NIOSSL
import NIOTLS
import Wire

/// Why a connection came to nothing.
enum HandshakeProblem: Error, Hashable {
  case timeout
  /// Not TLS 1.3.
  case failed
  /// The peer went away: of the addresses that it tried, another answered first.
  case gone
  case noCertificate
  case otherPurpose
  case crowdedOut
}

/// The last handler of each channel: it waits for the TLS handshake, makes the stream, and turns
/// bytes into frames. Confined to the channel's event loop.
final class StreamHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  /// The end of the connection that this process is.
  enum Side {
    case initiator(StreamPurpose, patience: Duration, EventLoopPromise<FramedStream>)
    case listener(IncomingRegister)
  }

  private enum State {
    /// Exits: `open` when TLS is up with a certificate and a purpose, `over`.
    case handshaking
    /// Exits: `discarding` by a local close, `over`.
    case open(FramedStream)
    /// Exits: `over`.
    case discarding
    case over
  }

  private let side: Side
  private let limits: LinkLimits
  private let openStreams: OpenStreams
  private var state = State.handshaking
  private var reader = FrameReader(limit: 0)
  /// The end of the handshake, then of the unconfirmed time or of the admission.
  private var deadline: Scheduled<Void>?
  private var isPaused = false
  private var nextProgress = NIODeadline.now()
  private static let progressInterval = TimeAmount.milliseconds(250)

  init(side: Side, limits: LinkLimits, openStreams: OpenStreams) {
    self.side = side
    self.limits = limits
    self.openStreams = openStreams
  }

  // MARK: Handshake

  func handlerAdded(context: ChannelHandlerContext) {
    let patience =
      switch side {
      case .initiator(_, let patience, _): patience
      case .listener: limits.handshake
      }
    schedule(after: patience, context: context)
    if context.channel.isActive { enter(context: context) }
  }

  func channelActive(context: ChannelHandlerContext) {
    enter(context: context)
    context.fireChannelActive()
  }

  private func enter(context: ChannelHandlerContext) {
    if case .listener(let register) = side {
      register.enter(context.channel)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case TLSUserEvent.handshakeCompleted(let name):
      completeHandshake(negotiated: name, context: context)
    case TLSUserEvent.shutdownCompleted:
      if case .open(let stream) = state {
        deliverRest(to: stream)
        stream.end(.closedByPeer)
      }
    case let command as StreamCommand:
      carryOut(command, context: context)
    case _:
      context.fireUserInboundEventTriggered(event)
    }
  }

  private func completeHandshake(negotiated name: String?, context: ChannelHandlerContext) {
    guard case .handshaking = state else { return }
    guard let purpose = name.flatMap(StreamPurpose.init(rawValue:)) else {
      return fail(.otherPurpose, context: context)
    }
    let tls = try? context.pipeline.syncOperations.handler(type: NIOSSLHandler.self)
    guard let certificate = try? tls?.peerCertificate?.toDERBytes() else {
      return fail(.noCertificate, context: context)
    }
    let isInitiator =
      switch side {
      case .initiator: true
      case .listener: false
      }
    let stream = FramedStream(
      channel: context.channel, purpose: purpose, peerFingerprint: digest(certificate),
      isInitiator: isInitiator, limits: limits)
    guard openStreams.insert(stream) else {
      return fail(.failed, context: context)
    }
    state = .open(stream)
    reader = FrameReader(limit: purpose.frameLimit)
    deadline?.cancel()
    switch (purpose, side) {
    case (.admission, _): schedule(after: limits.admission, context: context)
    case (.link, .listener), (.files, .listener):
      schedule(after: limits.confirmation, context: context)
    case (.link, .initiator), (.files, .initiator): deadline = nil
    }
    switch side {
    case .initiator(_, _, let promise): promise.succeed(stream)
    case .listener(let register): register.handOn(stream, of: context.channel)
    }
  }

  private func fail(_ problem: HandshakeProblem, context: ChannelHandlerContext) {
    guard case .handshaking = state else { return }
    state = .over
    deadline?.cancel()
    switch side {
    case .initiator(_, _, let promise): promise.fail(problem)
    case .listener(let register): register.leave(context.channel, because: problem)
    }
    closeBelowTLS(context: context)
  }

  // MARK: Frames

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .open(let stream) = state else { return }
    var buffer = unwrapInboundIn(data)
    guard let bytes = buffer.readBytes(length: buffer.readableBytes) else { return }
    if case .listener(let register) = side { register.touch(context.channel) }
    reader.append(bytes)
    deliver(to: stream, context: context)
    guard reader.holdsPart, !isPaused, nextProgress <= .now() else { return }
    nextProgress = .now() + Self.progressInterval
    stream.tellProgress()
  }

  private func deliver(to stream: FramedStream, context: ChannelHandlerContext) {
    guard !isPaused else { return }
    do throws(WireError) {
      while let frame = try reader.next() {
        guard stream.put(frame) else {
          isPaused = true
          try? context.channel.syncOptions?.setOption(.autoRead, value: false)
          return
        }
      }
    } catch {
      if case .listener(let register) = side { register.count(\.violations) }
      end(
        stream,
        because: .protocolViolation("a frame of more than \(stream.purpose.frameLimit) bytes"),
        context: context)
    }
  }

  /// What was received before the end belongs to the reader however much it is: the kernel's receive
  /// buffer bounds it.
  private func deliverRest(to stream: FramedStream) {
    while let frame = try? reader.next() {
      _ = stream.put(frame)
    }
  }

  private func carryOut(_ command: StreamCommand, context: ChannelHandlerContext) {
    switch command {
    case .resume:
      guard case .open(let stream) = state, isPaused else { return }
      isPaused = false
      deliver(to: stream, context: context)
      guard !isPaused else { return }
      try? context.channel.syncOptions?.setOption(.autoRead, value: true)
    case .confirm:
      guard case .open(let stream) = state, case .listener(let register) = side else { return }
      register.leave(context.channel, because: nil)
      if stream.purpose != .admission {
        deadline?.cancel()
        deadline = nil
      }
    case .discard:
      guard case .open = state else { return }
      state = .discarding
      isPaused = false
      try? context.channel.syncOptions?.setOption(.autoRead, value: true)
    case .abort(let reason):
      abort(because: reason, context: context)
    }
  }

  // MARK: The end

  private func schedule(after patience: Duration, context: ChannelHandlerContext) {
    let handler = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    deadline = context.eventLoop.scheduleTask(in: TimeAmount(patience)) {
      let (handler, context) = handler.value
      handler.expire(context: context)
    }
  }

  private func expire(context: ChannelHandlerContext) {
    switch state {
    case .handshaking:
      fail(.timeout, context: context)
    case .open(let stream):
      if case .listener(let register) = side { register.count(\.timedOut) }
      end(stream, because: .timeout, context: context)
    case .discarding:
      closeBelowTLS(context: context)
    case .over:
      break
    }
  }

  private func abort(because reason: CloseReason, context: ChannelHandlerContext) {
    switch state {
    case .handshaking: fail(.crowdedOut, context: context)
    case .open(let stream): end(stream, because: reason, context: context)
    case .discarding: closeBelowTLS(context: context)
    case .over: break
    }
  }

  private func end(
    _ stream: FramedStream, because reason: CloseReason, context: ChannelHandlerContext
  ) {
    state = .over
    stream.end(reason)
    // Its receive window is full: only a reset tells it that this is over, and frees the memory here.
    if reason == .slowPeer, let socket = context.channel as? any SocketOptionProvider {
      _ = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
    }
    closeBelowTLS(context: context)
  }

  /// Closes the socket without TLS's farewell, for which a peer that misbehaves isn't waited.
  private func closeBelowTLS(context: ChannelHandlerContext) {
    if let tls = try? context.pipeline.syncOperations.context(handlerType: NIOSSLHandler.self) {
      tls.close(promise: nil)
    } else {
      context.close(promise: nil)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch state {
    case .handshaking:
      let isGone = if case .reset = CloseReason(error) { true } else { false }
      fail(isGone ? .gone : .failed, context: context)
    case .open(let stream):
      deliverRest(to: stream)
      end(stream, because: CloseReason(error), context: context)
    case .discarding, .over:
      break
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    switch state {
    case .handshaking:
      fail(.gone, context: context)
    case .open(let stream):
      deliverRest(to: stream)
      stream.end(.reset)
    case .discarding, .over:
      break
    }
    state = .over
    deadline?.cancel()
    if case .listener(let register) = side { register.leave(context.channel, because: nil) }
    openStreams.remove(context.channel)?.finish()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    deadline?.cancel()
    if case .initiator(_, _, let promise) = side { promise.fail(HandshakeProblem.failed) }
  }
}

extension CloseReason {
  /// What an error of an open stream means.
  fileprivate init(_ error: any Error) {
    switch error {
    case let error as IOError
    where [ETIMEDOUT, EHOSTUNREACH, ENETUNREACH].contains(error.errnoCode):
      self = .timeout
    case is IOError, NIOSSLError.uncleanShutdown:
      self = .reset
    case NIOSSLError.handshakeFailed(.sslError(let stack)) where stack == [.eofDuringHandshake]:
      self = .reset
    case is BoringSSLError, NIOSSLError.handshakeFailed:
      self = .protocolViolation("damaged TLS")
    case _:
      self = .reset
    }
  }
}
