package import Foundations

/// What members say to each other about their views. Names are those of the paper.
package enum HyParViewMessage: Hashable, Sendable {
  /// How much a request to be neighbours matters.
  package enum Priority: Hashable, Sendable {
    /// For a place that is free.
    case low
    /// For a free place, or that of a neighbour outside the broadcast tree.
    case rendezvous
    /// Somebody makes room, whoever has to go.
    case high
  }

  /// "I am new; you are my contact."
  case join
  /// "This one is new": a random walk, `timeToLive` more links long.
  case forwardJoin(newcomer: PeerID, timeToLive: Int)
  /// "Be my neighbour", as the first message on a link that the sender opened for it. Who refuses says
  /// `disconnect`; silence is consent.
  case neighbor(Priority)
  /// "You aren't my neighbour (any more)": the last message on the link.
  case disconnect
  /// Members for members, at the end of a random walk. `path` holds the walk so far, its origin first,
  /// so that the reply finds back over links that exist.
  case shuffle(path: [PeerID], sample: [PeerID], timeToLive: Int)
  /// `path` holds those yet to be passed; empty at the origin.
  case shuffleReply(path: [PeerID], sample: [PeerID])

  /// Whether only neighbours say it.
  var isForNeighbors: Bool {
    switch self {
    case .join, .neighbor, .disconnect: false
    case .forwardJoin, .shuffle, .shuffleReply: true
    }
  }
}
