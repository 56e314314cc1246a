import Foundation
import Foundations
import Signalling
import Wire

/// Two members' machines with a reliable way between them, and agents that connect when both sides
/// applied each other's description.
final class Pair {
  struct Agent {
    var session: UInt64 = 0
    var isOfferer: Bool?
    var local: LocalDescription?
    var remote: RemoteDescription?
    var role: DTLSRole?
    var added: [String] = []
    var discarded: [UInt64] = []
  }

  var machines: [Signalling]
  var agents = [Agent(), Agent()]
  var now = Moment.zero
  /// Nothing gets through.
  var isCut = false
  /// Whether agents connect; otherwise they fail.
  var connects = true
  var sent: [WireSignal] = []
  var refused: [WireError] = []
  /// When side 0 was to prepare.
  var prepared: [Moment] = []
  private var queue: [(due: Moment, side: Int, input: Signalling.Input)] = []

  static let ids = [UInt8(1), 2].map { PeerID([UInt8](repeating: $0, count: 16))! }

  init(seed: UInt64 = 1) {
    machines = (0...1).map {
      Signalling(
        me: Self.ids[$0], peer: Self.ids[1 - $0], firstSession: 1000, seed: seed &+ UInt64($0))
    }
  }

  static func description(_ side: Int) -> LocalDescription {
    LocalDescription(
      ufrag: "user\(side)", password: "passwordpasswordpassword\(side)",
      fingerprint: [UInt8](repeating: UInt8(side), count: 32), candidates: [candidate(50 + side)],
      tracks: [
        MediaTrack(
          kind: .audio, ssrc: 7, payloadType: 111, codec: "opus", clockRate: 48000, cname: "c"),
        MediaTrack(
          kind: .video, ssrc: 8, payloadType: 96, codec: "VP8", clockRate: 90000, cname: "c"),
      ])
  }

  var isConnected: Bool { machines.allSatisfy(\.isConnected) }

  func start() {
    input(0, .start)
    input(1, .start)
  }

  func input(_ side: Int, _ input: Signalling.Input) {
    var outputs: [Signalling.Output] = []
    machines[side].handle(input, at: now, into: &outputs)
    carryOut(outputs, of: side)
  }

  func run(for duration: Duration) {
    let end = now + duration
    while true {
      let deadlines = machines.indices.compactMap { side in
        machines[side].deadline.map { (max($0, now), side) }
      }
      let timer = deadlines.min { $0.0 < $1.0 }
      let next = queue.min { $0.due < $1.due }
      if let next, next.due <= end, timer.map({ next.due <= $0.0 }) ?? true {
        queue.remove(at: queue.firstIndex { $0.due == next.due }!)
        now = max(now, next.due)
        input(next.side, next.input)
      } else if let timer, timer.0 <= end {
        now = timer.0
        var outputs: [Signalling.Output] = []
        machines[timer.1].wake(at: now, into: &outputs)
        carryOut(outputs, of: timer.1)
      } else {
        break
      }
    }
    now = end
  }

  private func carryOut(_ outputs: [Signalling.Output], of side: Int) {
    for output in outputs {
      switch output {
      case .prepare(let session, let isOfferer):
        if side == 0 { prepared.append(now) }
        agents[side].session = session
        agents[side].isOfferer = isOfferer
        agents[side].local = Self.description(side)
        agents[side].remote = nil
        agents[side].added = []
        post(side, .localReady(session: session, Self.description(side)))
      case .send(let signal):
        sent.append(signal)
        if !isCut { post(1 - side, .received(signal)) }
      case .apply(let session, let description, let role):
        agents[side].remote = description
        agents[side].role = role
        guard agents.allSatisfy({ $0.remote != nil && $0.session == session }) else { continue }
        for one in 0...1 {
          post(one, connects ? .connected(session: session) : .connectionFailed(session: session))
        }
      case .addRemoteCandidate(_, let line): agents[side].added.append(line)
      case .discard(let session): agents[side].discarded.append(session)
      case .refused(let error): refused.append(error)
      }
    }
  }

  private func post(_ side: Int, _ input: Signalling.Input) {
    queue.append((now + .milliseconds(5), side, input))
  }
}
