import Foundations

/// A member that gives chunks of a file.
struct FileHolder: Sendable {
  struct Asked: Sendable {
    let at: Moment
    /// Others are asked for it too by now.
    var isLate = false
  }

  var map: ChunkMap
  var asked: [Int: Asked] = [:]
  /// Until when a chunk isn't asked of it again.
  var rests: [Int: Moment] = [:]
  /// Chunks in a row that it didn't give in time.
  var timeouts = 0
  /// From asking it for a chunk to having it, smoothed; `nil` before the first.
  private(set) var pace: Duration?
  /// Wanted chunks among those that it has.
  var useful = 0
  /// Whether its chunks are expected of it, and so left to it by those who have the whole.
  var isCounted = false

  init(map: ChunkMap) {
    self.map = map
  }

  /// A quarter of the news: fast enough to notice a change within some chunks, and one that was late by
  /// chance is soon forgiven.
  mutating func learnPace(_ duration: Duration) {
    pace = pace.map { ($0 * 3 + duration) / 4 } ?? duration
  }

  /// Whether it takes much longer than the others.
  func isSlow(hurry: Duration) -> Bool { pace.map { $0 > hurry } ?? false }

  /// How many chunks more may be asked of it.
  func room(hurry: Duration) -> Int {
    guard timeouts < FileBounds.timeouts, rests.count < FileBounds.rests,
      !asked.values.contains(where: \.isLate)
    else { return 0 }
    return (isSlow(hurry: hurry) ? 1 : FileBounds.outstanding) - asked.count
  }
}

extension FileFetch {
  /// After what time a chunk is asked of another member too: well above what the fastest takes, so that
  /// a network busy for all makes nobody ask twice.
  var hurry: Duration {
    guard let best = holders.values.compactMap(\.pace).min() else { return FileBounds.hurry * 2 }
    return min(max(FileBounds.hurry, best * 4), FileBounds.patience)
  }

  mutating func take(_ map: ChunkMap, from peer: PeerID) {
    guard map.chunkCount == shape.chunkCount, !banned.contains(peer) else { return }
    if holders[peer] == nil, holders.count >= FileBounds.holders {
      guard let least = leastUseful(below: map.count) else { return }
      drop(least)
    }
    if let old = holders[peer], old.isCounted { wanted.count(old.map, by: -1) }
    var holder = holders[peer] ?? FileHolder(map: map)
    holder.map = map
    holder.isCounted = false
    holder.useful = (0..<map.chunkCount).count { map.contains($0) && wanted.contains($0) }
    holders[peer] = holder
    recount(peer)
  }

  /// A holder that has failed since it last gave something, or refuses all, or has fewer than `count`
  /// chunks.
  private func leastUseful(below count: Int) -> PeerID? {
    func worth(_ peer: PeerID) -> Int {
      guard let holder = holders[peer], holder.timeouts == 0,
        holder.rests.count < FileBounds.rests
      else { return -1 }
      return holder.map.count
    }
    return holders.keys.sorted().min { worth($0) < worth($1) }.flatMap {
      worth($0) < count ? $0 : nil
    }
  }

  mutating func gain(_ chunk: Int, of peer: PeerID) {
    guard (0..<shape.chunkCount).contains(chunk), let holder = holders[peer],
      !holder.map.contains(chunk)
    else { return }
    holders[peer]?.map.insert(chunk)
    if wanted.contains(chunk) { holders[peer]?.useful += 1 }
    if holder.isCounted { wanted.count(chunk, by: 1) }
    recount(peer)
  }

  /// Members that are fetching too and answer in time are counted on.
  mutating func recount(_ peer: PeerID) {
    guard let holder = holders[peer] else { return }
    let counts =
      !holder.map.isFull && holder.timeouts < FileBounds.timeouts
      && !holder.isSlow(hurry: hurry) && !holder.asked.values.contains(where: \.isLate)
    guard counts != holder.isCounted else { return }
    holders[peer]?.isCounted = counts
    wanted.count(holder.map, by: counts ? 1 : -1)
  }

  /// Whether it has something to be asked for now.
  func isAble(_ holder: FileHolder, hurry: Duration) -> Bool {
    guard holder.useful > 0, holder.room(hurry: hurry) > 0 else { return false }
    return holder.useful > holder.rests.keys.count(where: wanted.contains)
  }

  /// The chunk to ask of it next, the rarest first. Who has the whole is asked for what nobody else can
  /// give.
  mutating func choose(of holder: FileHolder, isStalled: Bool) -> Int? {
    let rarities =
      switch (holder.map.isFull, isStalled) {
      case (true, false): 0...0
      case (true, true): 0...FileBounds.holders
      // What it has is counted, so none of it stands on the lowest shelf.
      case (false, _): (holder.isCounted ? 1 : 0)...FileBounds.holders
      }
    return wanted.choose(rarities: rarities, using: &generator) { chunk in
      holder.map.contains(chunk) && holder.rests[chunk] == nil && holder.asked[chunk] == nil
    }
  }
}
