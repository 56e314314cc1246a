package import Foundations
import NIOCore
import Synchronization
import Wire

/// A TLS 1.3 stream that carries frames both ways, in order.
///
/// It exists once both certificates were shown and the purpose agreed upon. Who the peer is, is for
/// the layer above to find out by comparing ``peerFingerprint`` with the peer's first frame; it calls
/// ``confirm()`` when that went well.
package final class FramedStream: Sendable {
  package let purpose: StreamPurpose
  /// SHA-256 of the peer's certificate (DER), 32 bytes.
  package let peerFingerprint: [UInt8]
  package let remoteAddress: NetworkAddress
  /// This side's own end of the connection: the address at which the peer reaches this host.
  package let localAddress: NetworkAddress
  /// Whether this side opened the connection.
  package let isInitiator: Bool

  private let channel: any Channel
  private let limits: LinkLimits
  private let mailbox: FrameMailbox
  private let outbox = Mutex(Outbox())
  private let ending = Mutex(Ending())
  private let progress = Mutex<(@Sendable () -> Void)?>(nil)

  private struct Outbox {
    var frames = CircularBuffer<[UInt8]>()
    /// Bytes that the kernel hasn't taken yet, with their lengths, queued here or in the channel.
    var pending = 0
    var isOpen = true
    var isScheduled = false
    /// Those who wait until so few bytes are pending.
    var waiters: [(limit: Int, continuation: CheckedContinuation<Void, Never>)] = []

    /// Removes those whose wait is over.
    mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
      let isOver = waiters.partition { !isOpen || pending <= $0.limit }
      defer { waiters.removeSubrange(isOver...) }
      return waiters[isOver...].map(\.continuation)
    }
  }

  private struct Ending {
    var reason: CloseReason?
    var isClosed = false
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  /// A write of the socket: large enough to be cheap, small enough that `pending` falls steadily.
  private static let writeSize = 64 << 10

  init(
    channel: any Channel, purpose: StreamPurpose, peerFingerprint: [UInt8], isInitiator: Bool,
    limits: LinkLimits
  ) {
    self.channel = channel
    self.purpose = purpose
    self.peerFingerprint = peerFingerprint
    self.isInitiator = isInitiator
    self.limits = limits
    remoteAddress = NetworkAddress(channel.remoteAddress)
    localAddress = NetworkAddress(channel.localAddress)
    mailbox = FrameMailbox(
      frameLimit: limits.waitingFrames, byteLimit: limits.waitingBytes,
      resume: { channel.pipeline.fireUserInboundEventTriggered(StreamCommand.resume) })
  }

  // MARK: Receiving

  /// What the peer sends, for one task to take; it ends when the stream does, and ``closeReason``
  /// says why. Frames that came before the end are still delivered, except after `close()` here.
  package var frames: Frames { Frames(mailbox: mailbox) }

  package struct Frames: AsyncSequence, Sendable {
    fileprivate let mailbox: FrameMailbox

    package func makeAsyncIterator() -> Iterator { Iterator(mailbox: mailbox) }

    package struct Iterator: AsyncIteratorProtocol {
      fileprivate let mailbox: FrameMailbox

      package mutating func next() async -> [UInt8]? {
        await mailbox.next()
      }

      package mutating func next(
        isolation actor: isolated (any Actor)?
      ) async throws(Never) -> [UInt8]? {
        await mailbox.next()
      }
    }
  }

  /// The next frame; `nil` when the stream is over or the task is cancelled.
  package func next() async -> [UInt8]? {
    await mailbox.next()
  }

  /// Calls `body`, four times a second at most, when more of a frame has come that isn't whole yet: on a slow
  /// network that takes seconds, in which the peer would seem silent.
  package func whenProgressing(_ body: @escaping @Sendable () -> Void) {
    progress.withLock { $0 = closeReason == nil ? body : nil }
  }

  // MARK: Sending

  /// Sends `bytes` as one frame, after all that were sent before. Never waits.
  ///
  /// A peer for which more than ``LinkLimits/pendingBytes`` wait is cut off (``CloseReason/slowPeer``).
  /// A frame beyond the purpose's limit is a fault on this side; it ends the stream too, so that
  /// nothing is lost unseen.
  /// - Returns: `false` when the stream is over.
  @discardableResult
  package func send(_ bytes: [UInt8]) -> Bool {
    guard bytes.count <= purpose.frameLimit else {
      abort(.protocolViolation("a frame of \(bytes.count) bytes was to be sent"))
      return false
    }
    enum Outcome { case refused, overflow, queued, schedule }
    let outcome = outbox.withLock { outbox -> Outcome in
      guard outbox.isOpen else { return .refused }
      let size = bytes.count + 4
      guard outbox.pending + size <= limits.pendingBytes else { return .overflow }
      outbox.frames.append(bytes)
      outbox.pending += size
      defer { outbox.isScheduled = true }
      return outbox.isScheduled ? .queued : .schedule
    }
    switch outcome {
    case .refused:
      return false
    case .overflow:
      abort(.slowPeer)
      return false
    case .queued:
      return true
    case .schedule:
      channel.eventLoop.execute { self.writeOutbox() }
      return true
    }
  }

  /// Bytes that were sent and that the kernel hasn't taken yet.
  package var pendingBytes: Int { outbox.withLock { $0.pending } }

  /// Returns once no more than `limit` bytes are pending, or the stream is over.
  package func drained(to limit: Int) async {
    await withCheckedContinuation { continuation in
      let ready = outbox.withLock { outbox in
        outbox.waiters.append((limit, continuation))
        return outbox.takeWaiters()
      }
      ready.forEach { $0.resume() }
    }
  }

  /// On the event loop.
  private func writeOutbox() {
    var frames = outbox.withLock { outbox in
      outbox.isScheduled = false
      defer { outbox.frames.removeAll() }
      return outbox.frames
    }
    while !frames.isEmpty {
      var buffer = channel.allocator.buffer(
        capacity: min(frames[offset: 0].count + 4, Self.writeSize))
      repeat {
        buffer.writeBytes(frame(frames.removeFirst()))
      } while !frames.isEmpty
        && buffer.readableBytes + frames[offset: 0].count < Self.writeSize
      let size = buffer.readableBytes
      channel.writeAndFlush(buffer).whenComplete { _ in
        let ready = self.outbox.withLock { outbox in
          outbox.pending -= size
          return outbox.takeWaiters()
        }
        ready.forEach { $0.resume() }
      }
    }
  }

  // MARK: Ending

  /// Why the stream is over; `nil` while it isn't.
  package var closeReason: CloseReason? { ending.withLock { $0.reason } }

  /// The peer is who it has to be: an incoming stream no longer counts among the unconfirmed, whose
  /// number and life are bounded. Harmless elsewhere and when repeated.
  package func confirm() {
    guard closeReason == nil else { return }
    channel.pipeline.fireUserInboundEventTriggered(StreamCommand.confirm)
  }

  /// Ends the stream after all that was sent before is delivered, within ``LinkLimits/closing``.
  /// ``frames`` ends at once.
  package func close() {
    guard end(.local, discarding: true) else { return }
    channel.eventLoop.execute { [self] in
      writeOutbox()
      channel.pipeline.fireUserInboundEventTriggered(StreamCommand.discard)
      channel.close(promise: nil)
    }
  }

  /// Waits until the socket is closed.
  @discardableResult
  package func closed() async -> CloseReason {
    await withCheckedContinuation { continuation in
      let isClosed = ending.withLock { ending in
        if !ending.isClosed { ending.waiters.append(continuation) }
        return ending.isClosed
      }
      if isClosed { continuation.resume() }
    }
    return closeReason ?? .reset
  }

  /// Ends the stream at once; what waits to be sent is lost.
  func abort(_ reason: CloseReason) {
    guard closeReason == nil else { return }
    channel.pipeline.fireUserInboundEventTriggered(StreamCommand.abort(reason))
  }

  // MARK: For the channel's handler

  var channelID: ObjectIdentifier { ObjectIdentifier(channel) }

  func put(_ frame: [UInt8]) -> Bool {
    mailbox.put(frame)
  }

  func tellProgress() {
    progress.withLock { $0 }?()
  }

  /// Whether this call is the one that ended the stream; the first reason stands.
  @discardableResult
  func end(_ newReason: CloseReason, discarding: Bool = false) -> Bool {
    let isFirst = ending.withLock { ending in
      guard ending.reason == nil else { return false }
      ending.reason = newReason
      return true
    }
    let ready = outbox.withLock { outbox in
      outbox.isOpen = false
      return outbox.takeWaiters()
    }
    ready.forEach { $0.resume() }
    progress.withLock { $0 = nil }
    mailbox.finish(discarding: discarding)
    return isFirst
  }

  /// The socket is closed.
  func finish() {
    let waiters = ending.withLock { ending in
      ending.isClosed = true
      defer { ending.waiters = [] }
      return ending.waiters
    }
    waiters.forEach { $0.resume() }
  }
}

/// What a stream, or the listener, tells the handler in the channel.
enum StreamCommand: Sendable {
  case resume
  case confirm
  /// What comes from now on is read only to see the peer's end.
  case discard
  case abort(CloseReason)
}
