package import Foundations
import Wire

/// Fetches one file in chunks from every member that has some, several at once.
///
/// Rarest first, and of members that are fetching too before those that have it all: so the sender
/// gives each chunk about once, and the others pass it on to one another. A member that is late with a
/// chunk loses it to others, and what it has counts as had by nobody until it answers.
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
    /// The disk wouldn't take it: nothing is asked for until it does.
    case notStored(chunk: Int, [UInt8])
    /// It is time to try the disk again.
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

  package let shape: FileShape
  /// What is kept here.
  package private(set) var map: ChunkMap
  package private(set) var hashes: [[UInt8]]?
  /// Members whose bytes were wrong. Nothing of theirs is taken again.
  package private(set) var banned: Set<PeerID> = []
  var holders: [PeerID: FileHolder] = [:]
  /// Neither kept, nor on its way to the disk, nor asked of a member that is still in time.
  var wanted: WantedChunks
  /// Right, and on their way to the disk.
  private(set) var storing: Set<Int> = []
  private var listAsked: (peer: PeerID, until: Moment)?
  /// What the disk wouldn't take. It is the first that is tried, so a full disk costs others nothing.
  private var unstored: (chunk: Int, bytes: [UInt8])?
  private var isPaused: Bool { unstored != nil }
  private var isDone = false
  private var latestNews: Moment
  var generator: SeededGenerator

  /// - Parameters:
  ///   - map: what an earlier run kept and this one has verified; with it comes its list.
  package init(
    _ shape: FileShape, hashes: [[UInt8]]? = nil, map: ChunkMap? = nil, seed: UInt64,
    at now: Moment
  ) {
    let map = map ?? ChunkMap(chunkCount: shape.chunkCount)
    self.shape = shape
    self.hashes = hashes
    self.map = map
    wanted = WantedChunks(chunkCount: shape.chunkCount, without: map)
    generator = SeededGenerator(seed: seed)
    latestNews = now
  }

  package var holderIDs: [PeerID] { holders.filter { $0.value.map.count > 0 }.map(\.key).sorted() }

  /// Members that have something which is still missing here.
  package var sourceIDs: [PeerID] {
    holders.filter { $0.value.map.holdsMore(than: map) }.map(\.key).sorted()
  }

  package var deadline: Moment? {
    guard !isDone else { return nil }
    let hurry = hurry
    var earliest = listAsked?.until
    func consider(_ moment: Moment) { earliest = min(earliest ?? moment, moment) }
    for holder in holders.values {
      for asked in holder.asked.values {
        consider(asked.at + (asked.isLate ? FileBounds.patience : hurry))
      }
      for rest in holder.rests.values { consider(rest) }
    }
    if hashes != nil, !holders.isEmpty, !isPaused { consider(latestNews + FileBounds.stall) }
    return earliest
  }

  package mutating func handle(_ input: Input, at now: Moment, into outputs: inout [Output]) {
    guard !isDone else { return }
    switch input {
    case .holder(let peer, let map): take(map, from: peer)
    case .gained(let peer, let chunk): gain(chunk, of: peer)
    case .gone(let peer): remove(peer)
    case .list(let peer, let list): take(list: list, from: peer, into: &outputs)
    case .chunk(let peer, let index, let bytes):
      take(bytes, of: index, from: peer, at: now, into: &outputs)
    case .refused(let peer, let chunk):
      guard holders[peer]?.asked.removeValue(forKey: chunk) != nil else { break }
      holders[peer]?.rests[chunk] = now + FileBounds.refusalRest
      recount(peer)
      reconsider(chunk)
    case .stored(let chunk):
      guard storing.remove(chunk) != nil else { break }
      if unstored?.chunk == chunk { unstored = nil }
      map.insert(chunk)
      latestNews = now
      outputs.append(.announce(chunk: chunk))
    case .notStored(let chunk, let bytes):
      guard storing.contains(chunk), unstored?.chunk != chunk else { break }
      guard isPaused else {
        unstored = (chunk, bytes)
        break
      }
      // What was on its way is dropped, or it would fill the memory instead.
      storing.remove(chunk)
      reconsider(chunk)
    case .resumed:
      if let unstored { outputs.append(.store(chunk: unstored.chunk, unstored.bytes)) }
    }
    proceed(at: now, isStalled: false, into: &outputs)
  }

  package mutating func wake(at now: Moment, into outputs: inout [Output]) {
    guard !isDone else { return }
    let hurry = hurry
    for peer in holders.keys.sorted() { expire(peer, at: now, hurry: hurry) }
    if let asked = listAsked, asked.until <= now {
      // Others go first the next time.
      holders[asked.peer]?.timeouts += 1
      recount(asked.peer)
      listAsked = nil
    }
    let isStalled = latestNews + FileBounds.stall <= now
    if isStalled {
      // Nobody gives anything: those that were too slow before are asked again, and keep their places only
      // until others want them.
      for peer in holders.keys.sorted() {
        let timeouts = holders[peer]?.timeouts ?? 0
        holders[peer]?.timeouts = (timeouts + 1) / 2
        recount(peer)
      }
      latestNews = now
    }
    proceed(at: now, isStalled: isStalled, into: &outputs)
  }

  private mutating func expire(_ peer: PeerID, at now: Moment, hurry: Duration) {
    guard let holder = holders[peer] else { return }
    if holder.rests.values.contains(where: { $0 <= now }) {
      holders[peer]?.rests = holder.rests.filter { $0.value > now }
    }
    for (chunk, asked) in holder.asked.sorted(by: { $0.key < $1.key }) {
      if asked.at + FileBounds.patience <= now {
        holders[peer]?.asked[chunk] = nil
        holders[peer]?.rests[chunk] = now + FileBounds.patience
        holders[peer]?.timeouts += 1
      } else if asked.at + hurry <= now {
        holders[peer]?.asked[chunk]?.isLate = true
      } else {
        continue
      }
      reconsider(chunk)
    }
    recount(peer)
  }

  // MARK: - What others say

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
    guard let hashes, hashes.indices.contains(index) else { return }
    // Only what was asked for, or somebody could fill the memory. Late is not too late.
    let asked = holders[peer]?.asked.removeValue(forKey: index)
    let wasResting = holders[peer]?.rests.removeValue(forKey: index) != nil
    guard asked != nil || wasResting else { return }
    guard bytes.count == shape.range(of: index).count, digest(bytes) == hashes[index] else {
      ban(peer, into: &outputs)
      return reconsider(index)
    }
    if let asked { holders[peer]?.learnPace(now - asked.at) }
    holders[peer]?.timeouts = 0
    recount(peer)
    guard !map.contains(index), !storing.contains(index) else { return }
    latestNews = now
    storing.insert(index)
    unwant(index)
    outputs.append(.store(chunk: index, bytes))
  }

  private mutating func ban(_ peer: PeerID, into outputs: inout [Output]) {
    remove(peer)
    banned.insert(peer)
    outputs.append(.misbehaviour(peer))
  }

  private mutating func remove(_ peer: PeerID) {
    if listAsked?.peer == peer { listAsked = nil }
    drop(peer)
  }

  /// It isn't among the holders any more; what was asked of it is asked of others.
  mutating func drop(_ peer: PeerID) {
    guard let holder = holders.removeValue(forKey: peer) else { return }
    if holder.isCounted { wanted.count(holder.map, by: -1) }
    for chunk in holder.asked.keys.sorted() { reconsider(chunk) }
  }

  // MARK: - What is wanted

  /// A chunk that is neither here nor to be expected in time is wanted.
  private mutating func reconsider(_ chunk: Int) {
    guard !map.contains(chunk), !storing.contains(chunk), !wanted.contains(chunk),
      !holders.values.contains(where: { $0.asked[chunk].map { !$0.isLate } ?? false })
    else { return }
    wanted.insert(chunk)
    for peer in holders.keys where holders[peer]?.map.contains(chunk) == true {
      holders[peer]?.useful += 1
    }
  }

  private mutating func unwant(_ chunk: Int) {
    guard wanted.contains(chunk) else { return }
    wanted.remove(chunk)
    for peer in holders.keys where holders[peer]?.map.contains(chunk) == true {
      holders[peer]?.useful -= 1
    }
  }

  // MARK: - Asking

  private mutating func proceed(
    at now: Moment, isStalled: Bool, into outputs: inout [Output]
  ) {
    guard !isPaused else { return }
    guard hashes != nil else {
      if shape.chunkCount == 0, shape.hashes(of: []) != nil {
        hashes = []
        outputs.append(.keepList([]))
        return proceed(at: now, isStalled: isStalled, into: &outputs)
      }
      return askList(at: now, into: &outputs)
    }
    guard !map.isFull else {
      isDone = true
      outputs.append(.complete)
      return
    }
    ask(at: now, isStalled: isStalled, into: &outputs)
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

  private mutating func ask(
    at now: Moment, isStalled: Bool, into outputs: inout [Output]
  ) {
    var underWay = holders.values.reduce(storing.count) {
      $0 + $1.asked.values.count { !$0.isLate }
    }
    guard wanted.count > 0, underWay < FileBounds.outstandingInAll else { return }
    let hurry = hurry
    let able = holders.filter { isAble($0.value, hurry: hurry) }
    guard !able.isEmpty else { return }
    let partial = able.filter { !$0.value.map.isFull }.keys.sorted().shuffled(using: &generator)
    let whole = able.filter { $0.value.map.isFull }.keys.sorted().shuffled(using: &generator)
    for peer in partial + whole {
      while underWay < FileBounds.outstandingInAll, let holder = holders[peer],
        holder.room(hurry: hurry) > 0, let chunk = choose(of: holder, isStalled: isStalled)
      {
        holders[peer]?.asked[chunk] = FileHolder.Asked(at: now)
        unwant(chunk)
        underWay += 1
        outputs.append(.request(peer, chunk: chunk))
      }
    }
  }
}
