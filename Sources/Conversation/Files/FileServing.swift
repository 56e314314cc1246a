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

  private var queues: [PeerID: [Request]] = [:]
  private var turns: [PeerID] = []
  private var spread = FileSpread()

  package init() {}

  /// Members that wait for a chunk.
  package var waiting: [PeerID] { turns }

  /// - Parameter others: how many more members fetch the same file, and so may pass it on.
  /// - Returns: whether the request will be served.
  package mutating func add(_ request: Request, others: Int, at now: Moment) -> Bool {
    let waiting = queues[request.peer, default: []]
    guard waiting.count < FileBounds.waitingRequests, !waiting.contains(request) else {
      return false
    }
    let piece = FileSpread.Piece(root: request.root, chunk: request.chunk)
    guard spread.grants(piece, to: request.peer, others: others, at: now) else { return false }
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

  /// The member says that it has this chunk.
  package mutating func announced(_ chunk: Int, of root: [UInt8], by peer: PeerID) {
    spread.announced(FileSpread.Piece(root: root, chunk: chunk), by: peer)
  }

  /// The member says that it has these chunks.
  package mutating func announced(_ map: ChunkMap, of root: [UInt8], by peer: PeerID) {
    spread.announced(map, of: root, by: peer)
  }

  /// The member says that it has nothing of this file any more: what it was given of it may be given
  /// again at once, and nothing of it waits.
  package mutating func startsAnew(_ root: [UInt8], for peer: PeerID, at now: Moment) {
    if let queue = queues[peer] {
      let left = queue.filter { $0.root != root }
      queues[peer] = left.isEmpty ? nil : left
      if left.isEmpty { turns.removeAll { $0 == peer } }
    }
    spread.startsAnew(root, for: peer, at: now)
  }

  /// Nothing waits for it any more. What it was given stays known: coming again is no way to be given
  /// it sooner.
  package mutating func remove(_ peer: PeerID) {
    queues[peer] = nil
    turns.removeAll { $0 == peer }
  }
}
