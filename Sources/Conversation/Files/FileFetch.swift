package import Foundations
import Wire

/// Fetches one file in chunks from every member that has some, several at once.
///
/// Rarest first, and of members that are fetching too before those that have it all: so the sender
/// gives each chunk about once, and the others pass it on to one another.
package struct FileFetch: Machine {
  package enum Input: Sendable {
    /// What a member has; again after it has come anew.
    case holder(PeerID, ChunkMap)
    case gained(PeerID, chunk: Int)
    case gone(PeerID)
    case list(PeerID, [UInt8])
    case chunk(PeerID, index: Int, [UInt8])
    case refused(PeerID, chunk: Int)
    case stored(chunk: Int)
    /// The disk wouldn't take it: nothing is asked for until `resumed`.
    case notStored(chunk: Int)
    case resumed
  }

  package enum Output: Hashable, Sendable {
    case askList(PeerID)
    /// It is this file's list: keep it.
    case keepList([[UInt8]])
    case request(PeerID, chunk: Int)
    /// It is right: keep it, and answer `stored` or `notStored`.
    case store(chunk: Int, [UInt8])
    /// It is kept: tell the others.
    case announce(chunk: Int)
    /// It sent what the file isn't made of, and is asked no more.
    case misbehaviour(PeerID)
    case complete
  }

  struct Holder {
    var map: ChunkMap
    var asked: [Int: Moment] = [:]
    var rests: [Int: Moment] = [:]
    var timeouts = 0
  }

  package let shape: FileShape
  /// What is kept here.
  package private(set) var map: ChunkMap
  package private(set) var hashes: [[UInt8]]?
  /// Members whose bytes were wrong. Nothing of theirs is taken again.
  package private(set) var banned: Set<PeerID> = []
  var holders: [PeerID: Holder] = [:]
  /// Right, and on their way to the disk.
  private var storing: Set<Int> = []
  private var listAsked: (peer: PeerID, until: Moment)?
  private var isPaused = false
  private var isDone = false
  private var latestNews: Moment
  private var generator: SeededGenerator

  /// - Parameters:
  ///   - map: what an earlier run kept and this one has verified; with it comes its list.
  package init(
    _ shape: FileShape, hashes: [[UInt8]]? = nil, map: ChunkMap? = nil, seed: UInt64,
    at now: Moment
  ) {
    self.shape = shape
    self.hashes = hashes
    self.map = map ?? ChunkMap(chunkCount: shape.chunkCount)
    generator = SeededGenerator(seed: seed)
    latestNews = now
  }

  package var holderIDs: [PeerID] { holders.filter { $0.value.map.count > 0 }.map(\.key).sorted() }

  package var deadline: Moment? {
    guard !isDone else { return nil }
    var moments = holders.values.flatMap { Array($0.asked.values) + Array($0.rests.values) }
    if let listAsked { moments.append(listAsked.until) }
    if hashes != nil, !holders.isEmpty, !isPaused { moments.append(latestNews + FileBounds.stall) }
    return moments.min()
  }

  package mutating func handle(_ input: Input, at now: Moment, into outputs: inout [Output]) {
    guard !isDone else { return }
    switch input {
    case .holder(let peer, let map): take(map, from: peer)
    case .gained(let peer, let chunk):
      if (0..<shape.chunkCount).contains(chunk) { holders[peer]?.map.insert(chunk) }
    case .gone(let peer):
      holders[peer] = nil
      if listAsked?.peer == peer { listAsked = nil }
    case .list(let peer, let list): take(list: list, from: peer, into: &outputs)
    case .chunk(let peer, let index, let bytes):
      take(bytes, of: index, from: peer, at: now, into: &outputs)
    case .refused(let peer, let chunk):
      guard holders[peer]?.asked.removeValue(forKey: chunk) != nil else { break }
      holders[peer]?.rests[chunk] = now + FileBounds.refusalRest
    case .stored(let chunk):
      guard storing.remove(chunk) != nil else { break }
      map.insert(chunk)
      latestNews = now
      outputs.append(.announce(chunk: chunk))
    case .notStored(let chunk):
      storing.remove(chunk)
      isPaused = true
    case .resumed: isPaused = false
    }
    proceed(at: now, into: &outputs)
  }

  package mutating func wake(at now: Moment, into outputs: inout [Output]) {
    guard !isDone else { return }
    for peer in Array(holders.keys) {
      let late = holders[peer]?.asked.filter { $0.value <= now }.map(\.key) ?? []
      let resting = holders[peer]?.rests.filter { $0.value > now } ?? [:]
      holders[peer]?.rests = resting
      for chunk in late {
        holders[peer]?.asked[chunk] = nil
        holders[peer]?.rests[chunk] = now + FileBounds.patience
        holders[peer]?.timeouts += 1
      }
    }
    // Nobody gives anything: those that were too slow before are asked again.
    if latestNews + FileBounds.stall <= now {
      for peer in Array(holders.keys) { holders[peer]?.timeouts /= 2 }
    }
    if let asked = listAsked, asked.until <= now {
      // Others go first the next time.
      holders[asked.peer]?.timeouts += 1
      listAsked = nil
    }
    proceed(at: now, into: &outputs)
    if let deadline, deadline <= now { latestNews = now }
  }

  private mutating func take(_ map: ChunkMap, from peer: PeerID) {
    guard map.chunkCount == shape.chunkCount, !banned.contains(peer),
      holders[peer] != nil || holders.count < FileBounds.holders
    else { return }
    holders[peer, default: Holder(map: map)].map = map
    holders[peer]?.timeouts = 0
  }

  private mutating func take(list: [UInt8], from peer: PeerID, into outputs: inout [Output]) {
    guard hashes == nil, listAsked?.peer == peer else { return }
    listAsked = nil
    guard let hashes = shape.hashes(of: list) else { return ban(peer, into: &outputs) }
    self.hashes = hashes
    outputs.append(.keepList(hashes))
  }

  private mutating func take(
    _ bytes: [UInt8], of index: Int, from peer: PeerID, at now: Moment,
    into outputs: inout [Output]
  ) {
    // Only what was asked for, or somebody could fill the memory. Late is not too late.
    let wasAsked = holders[peer]?.asked.removeValue(forKey: index) != nil
    let isLate = holders[peer]?.rests.removeValue(forKey: index) != nil
    guard let hashes, wasAsked || isLate, !map.contains(index), !storing.contains(index) else {
      return
    }
    guard bytes.count == shape.range(of: index).count, digest(bytes) == hashes[index] else {
      return ban(peer, into: &outputs)
    }
    holders[peer]?.timeouts = 0
    latestNews = now
    storing.insert(index)
    outputs.append(.store(chunk: index, bytes))
  }

  private mutating func ban(_ peer: PeerID, into outputs: inout [Output]) {
    holders[peer] = nil
    banned.insert(peer)
    outputs.append(.misbehaviour(peer))
  }

  private mutating func proceed(at now: Moment, into outputs: inout [Output]) {
    guard !isPaused else { return }
    guard hashes != nil else {
      if shape.chunkCount == 0, shape.hashes(of: []) != nil {
        hashes = []
        outputs.append(.keepList([]))
        return proceed(at: now, into: &outputs)
      }
      return askList(at: now, into: &outputs)
    }
    guard !map.isFull else {
      isDone = true
      outputs.append(.complete)
      return
    }
    ask(at: now, into: &outputs)
  }

  private mutating func askList(at now: Moment, into outputs: inout [Output]) {
    guard listAsked == nil else { return }
    let candidates = holders.filter { $0.value.map.count > 0 }
    let fewest = candidates.values.map(\.timeouts).min()
    let best = candidates.filter { $0.value.timeouts == fewest }.keys.sorted()
    guard let peer = best.randomElement(using: &generator) else { return }
    listAsked = (peer, now + FileBounds.patience)
    outputs.append(.askList(peer))
  }
}

// MARK: - Which chunk of whom

extension FileFetch {
  private mutating func ask(at now: Moment, into outputs: inout [Output]) {
    var inFlight = storing
    for holder in holders.values { inFlight.formUnion(holder.asked.keys) }
    guard inFlight.count < FileBounds.outstandingInAll else { return }
    let usable = holders.filter { $0.value.timeouts < FileBounds.timeouts }
    let partial = usable.filter { !$0.value.map.isFull }.keys.sorted().shuffled(using: &generator)
    let whole = usable.filter { $0.value.map.isFull }.keys.sorted().shuffled(using: &generator)
    var rarity = Array(repeating: 0, count: shape.chunkCount)
    for peer in partial {
      guard let map = holders[peer]?.map else { continue }
      for chunk in 0..<shape.chunkCount where map.contains(chunk) { rarity[chunk] += 1 }
    }
    let missing = (0..<shape.chunkCount).filter { !map.contains($0) && !inFlight.contains($0) }
      .shuffled(using: &generator).sorted { rarity[$0] < rarity[$1] }
    let isStalled = latestNews + FileBounds.stall <= now
    var taken: Set<Int> = []
    for peer in partial + whole {
      guard let holder = holders[peer] else { continue }
      var room = FileBounds.outstanding - holder.asked.count
      for chunk in missing where room > 0 {
        guard inFlight.count + taken.count < FileBounds.outstandingInAll else { return }
        guard holder.map.contains(chunk), holder.rests[chunk] == nil, !taken.contains(chunk)
        else { continue }
        // Who has the whole is asked for what nobody else can give.
        if holder.map.isFull, rarity[chunk] > 0, !isStalled { break }
        taken.insert(chunk)
        room -= 1
        holders[peer]?.asked[chunk] = now + FileBounds.patience
        outputs.append(.request(peer, chunk: chunk))
      }
    }
  }
}
