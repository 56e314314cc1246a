import Foundation
import Foundations
import SwiftProtobuf
import Wire

/// The overlay's messages as frames, and frames as its messages. A broadcast travels whole, so a push
/// isn't among them.
extension WireLinkFrame {
  init(_ message: HyParViewMessage) {
    self.init()
    switch message {
    case .join: join = WireJoin()
    case .forwardJoin(let newcomer, let timeToLive):
      forwardJoin.newcomer = Data(newcomer.bytes)
      forwardJoin.timeToLive = UInt32(timeToLive)
    case .neighbor(let asked):
      neighbor = .with { wire in
        wire.priority =
          switch asked {
          case .low: .low
          case .rendezvous: .rendezvous
          case .high: .high
          }
      }
    case .disconnect: disconnect = WireDisconnect()
    case .shuffle(let path, let sample, let timeToLive):
      shuffle.path = path.map { Data($0.bytes) }
      shuffle.sample = sample.map { Data($0.bytes) }
      shuffle.timeToLive = UInt32(timeToLive)
    case .shuffleReply(let path, let sample):
      shuffleReply = .with {
        $0.path = path.map { Data($0.bytes) }
        $0.sample = sample.map { Data($0.bytes) }
      }
    }
  }

  init(announcing announcements: [Announcement]) {
    self.init()
    iHave.broadcasts = announcements.map { one in
      .with {
        $0.author = Data(one.message.author.bytes)
        $0.number = one.message.number
        $0.round = one.round
      }
    }
  }

  init(grafting messages: [MessageID]) {
    self.init()
    graft = .with {
      $0.broadcasts = messages.map { message in
        .with {
          $0.author = Data(message.author.bytes)
          $0.number = message.number
        }
      }
    }
  }
}

extension HyParViewMessage {
  /// Longer walks and samples than ours are refused whole.
  private static let most = 16

  init?(_ wire: WireForwardJoin) {
    guard let newcomer = PeerID(wire.newcomer) else { return nil }
    self = .forwardJoin(newcomer: newcomer, timeToLive: Int(min(wire.timeToLive, 64)))
  }

  init?(_ wire: WireNeighbor) {
    switch wire.priority {
    case .low: self = .neighbor(.low)
    case .rendezvous: self = .neighbor(.rendezvous)
    case .high: self = .neighbor(.high)
    case .UNRECOGNIZED: return nil
    }
  }

  init?(_ wire: WireShuffle) {
    guard let path = Self.members(wire.path), let sample = Self.members(wire.sample) else {
      return nil
    }
    self = .shuffle(path: path, sample: sample, timeToLive: Int(min(wire.timeToLive, 64)))
  }

  init?(_ wire: WireShuffleReply) {
    guard let path = Self.members(wire.path), let sample = Self.members(wire.sample) else {
      return nil
    }
    self = .shuffleReply(path: path, sample: sample)
  }

  private static func members(_ wire: [Data]) -> [PeerID]? {
    guard wire.count <= most else { return nil }
    let members = wire.compactMap { PeerID($0) }
    return members.count == wire.count ? members : nil
  }

  /// The same, with those members only that `isKnown`: nobody's views are filled with inventions.
  func keeping(_ isKnown: (PeerID) -> Bool) -> HyParViewMessage? {
    switch self {
    case .join, .neighbor, .disconnect: self
    case .forwardJoin(let newcomer, _): isKnown(newcomer) ? self : nil
    case .shuffle(let path, let sample, let timeToLive):
      .shuffle(path: path, sample: sample.filter(isKnown), timeToLive: timeToLive)
    case .shuffleReply(let path, let sample):
      .shuffleReply(path: path, sample: sample.filter(isKnown))
    }
  }
}

extension [WireBroadcastName] {
  /// `nil` when there are too many, or one without an author.
  func announcements(most: Int) -> [Announcement]? {
    guard count <= most else { return nil }
    let announcements = compactMap { name in
      PeerID(name.author).map {
        Announcement(MessageID(author: $0, number: name.number), round: name.round)
      }
    }
    return announcements.count == count ? announcements : nil
  }
}
