import Foundations
import NIOCore
import Synchronization

/// The incoming connections of one listener that nobody vouches for yet, and the counts of what
/// became of them.
final class IncomingRegister: Sendable {
  private struct Entry {
    let channel: any Channel
    let host: String
    /// When bytes of a frame last came; of a connection in the handshake, when it was made.
    var activity: NIODeadline
  }

  private struct State {
    var entries: [ObjectIdentifier: Entry] = [:]
    var statistics = LinkStatistics()
    var isOpen = true
  }

  private let state = Mutex(State())
  private let limits: LinkLimits
  private let continuation: AsyncStream<FramedStream>.Continuation

  /// - Parameter continuation: takes the streams whose handshake is done.
  init(limits: LinkLimits, continuation: AsyncStream<FramedStream>.Continuation) {
    self.limits = limits
    self.continuation = continuation
  }

  var statistics: LinkStatistics { state.withLock { $0.statistics } }

  /// Takes in a new connection, which may push out others.
  func enter(_ channel: any Channel) {
    let host = NetworkAddress(channel.remoteAddress).host
    let victims = state.withLock { state -> [any Channel] in
      state.statistics.accepted += 1
      guard state.isOpen else { return [channel] }
      state.entries[ObjectIdentifier(channel)] = Entry(
        channel: channel, host: host, activity: .now())
      var victims: [any Channel] = []
      let neighbours = state.entries.filter { $0.value.host == host }
      if neighbours.count > limits.unconfirmedPerAddress {
        victims += Self.removeSilent(of: neighbours, from: &state)
      }
      if state.entries.count > limits.unconfirmed {
        victims += Self.removeSilent(of: state.entries, from: &state)
      }
      state.statistics.crowdedOut += victims.count
      return victims
    }
    victims.forEach(Self.drop)
  }

  /// Removes the one of `candidates` that has been silent for longest.
  private static func removeSilent(
    of candidates: [ObjectIdentifier: Entry], from state: inout State
  ) -> [any Channel] {
    guard let silent = candidates.min(by: { $0.value.activity < $1.value.activity }) else {
      return []
    }
    state.entries[silent.key] = nil
    return [silent.value.channel]
  }

  private static func drop(_ channel: any Channel) {
    channel.pipeline.fireUserInboundEventTriggered(StreamCommand.abort(.timeout))
  }

  func touch(_ channel: any Channel) {
    state.withLock { $0.entries[ObjectIdentifier(channel)]?.activity = .now() }
  }

  /// The connection is confirmed or over; `problem` says what stopped its handshake, if that did.
  func leave(_ channel: any Channel, because problem: HandshakeProblem?) {
    state.withLock { state in
      state.entries[ObjectIdentifier(channel)] = nil
      switch problem {
      case .timeout: state.statistics.timedOut += 1
      case .failed, .noCertificate: state.statistics.failedHandshakes += 1
      case .otherPurpose: state.statistics.wrongPurpose += 1
      case .gone: state.statistics.gone += 1
      case .crowdedOut, nil: break
      }
    }
  }

  func count(_ counter: WritableKeyPath<LinkStatistics, Int>) {
    state.withLock { $0.statistics[keyPath: counter] += 1 }
  }

  /// Gives a stream to whoever takes the listener's; without a taker it ends.
  func handOn(_ stream: FramedStream, of channel: any Channel) {
    touch(channel)
    switch continuation.yield(stream) {
    case .enqueued: count(\.established)
    case .dropped, .terminated: stream.abort(.timeout)
    @unknown default: stream.abort(.timeout)
    }
  }

  /// No stream is handed on any more, and what is unconfirmed ends.
  func close() {
    let channels = state.withLock { state in
      state.isOpen = false
      defer { state.entries = [:] }
      return state.entries.values.map(\.channel)
    }
    continuation.finish()
    channels.forEach(Self.drop)
  }
}
