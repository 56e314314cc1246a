package import Foundations

/// In which order requests for chunks are served: one of each member in turn, so that a greedy one
/// waits for itself alone.
package struct FileServing: Sendable {
  package struct Request: Hashable, Sendable {
    package let peer: PeerID
    package let root: [UInt8]
    package let chunk: Int

    package init(peer: PeerID, root: [UInt8], chunk: Int) {
      self.peer = peer
      self.root = root
      self.chunk = chunk
    }
  }

  private struct Piece: Hashable {
    let root: [UInt8]
    let chunk: Int
  }

  private var queues: [PeerID: [Request]] = [:]
  private var turns: [PeerID] = []
  private var given: [Piece: (peer: PeerID, at: Moment)] = [:]
  /// Pieces whose giving is remembered; past it, all that is old is forgotten.
  private static let remembered = 4096

  package init() {}

  /// Members that wait for a chunk.
  package var waiting: [PeerID] { turns }

  /// - Parameter others: how many more members fetch the same file. Of a chunk that one of them has
  ///   just been given, they will have a copy in a moment.
  /// - Returns: whether the request will be served.
  package mutating func add(_ request: Request, others: Int, at now: Moment) -> Bool {
    let waiting = queues[request.peer, default: []]
    guard waiting.count < FileBounds.waitingRequests, !waiting.contains(request) else {
      return false
    }
    let piece = Piece(root: request.root, chunk: request.chunk)
    if others > 0, let last = given[piece], last.peer != request.peer,
      now - last.at < FileBounds.spread
    {
      return false
    }
    if given.count >= Self.remembered {
      given = given.filter { now - $0.value.at < FileBounds.spread }
      if given.count >= Self.remembered { given.removeAll() }
    }
    given[piece] = (request.peer, now)
    if waiting.isEmpty { turns.append(request.peer) }
    queues[request.peer, default: []].append(request)
    return true
  }

  /// The next to serve, of those who `canTake` more.
  package mutating func next(where canTake: (PeerID) -> Bool) -> Request? {
    guard let place = turns.firstIndex(where: canTake) else { return nil }
    let peer = turns.remove(at: place)
    guard var queue = queues[peer], !queue.isEmpty else { return nil }
    let request = queue.removeFirst()
    queues[peer] = queue.isEmpty ? nil : queue
    if !queue.isEmpty { turns.append(peer) }
    return request
  }

  package mutating func remove(_ peer: PeerID) {
    queues[peer] = nil
    turns.removeAll { $0 == peer }
  }
}
