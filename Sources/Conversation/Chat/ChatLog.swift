package import Foundations
package import Wire

/// One meeting's conversation as one member holds it: every author's log, checked, in memory.
///
/// It never touches a disk: entries leave as ``Output/commit(_:)``, and only once the driver has
/// answered that they are kept are they shown, and one's own published.
package struct ChatLog: Machine {
  package enum Input: Sendable {
    /// A line of one's own; `wall` is the time now.
    case compose(WireChatBody, wall: WallTime)
    /// These are kept.
    case committed([EntryID])
    /// These couldn't be kept. One's own are given up, with those that waited for them; those of
    /// others are shown all the same, and offered again.
    case notCommitted([EntryID])
    /// Broadcast by their author.
    case received([WireSignedEntry], from: PeerID)
    /// An answer to one's heads.
    case batch(WireChatBatch, from: PeerID)
    case heads(WireChatHeads, from: PeerID)
    case linkUp(PeerID)
    case linkDown(PeerID)
  }

  package enum Output: Sendable {
    /// Keep these, in this order; answer `committed` or `notCommitted`.
    case commit([Entry])
    /// Broadcast it.
    case publish(WireSignedEntry)
    /// Each entry once, each author's in order.
    case show(Entry)
    case sendHeads(WireChatHeads, to: PeerID)
    case sendBatch(WireChatBatch, to: PeerID)
    /// A line of one's own that won't be said.
    case refused(WireChatBody, Refusal)
    case misbehaviour(PeerID, Misbehaviour)
  }

  package enum Refusal: Hashable, Sendable {
    case invalid(ChatError)
    /// It couldn't be kept.
    case notCommitted
    /// Too many lines wait.
    case tooMany
  }

  package enum Misbehaviour: Hashable, Sendable {
    /// This author signed both. Said once of each.
    case equivocation(EntryHash, EntryHash)
    /// This member passed on so many entries that no honest member would; why the last was refused.
    case invalidEntries(Int, ChatError)
    case invalidHeads
  }

  package struct Statistics: Hashable, Sendable {
    /// Refused: no honest member makes or passes on such entries.
    package var invalid = 0
    /// Dropped because a bound of ``ChatBounds`` was reached.
    package var shed = 0
  }

  enum Stage: Sendable {
    case taken
    case stored
    case shown
  }

  struct Kept: Sendable {
    let entry: Entry
    var stage: Stage
  }

  package let meeting: MeetingID
  package let me: PeerID
  private let key: SigningKey
  package internal(set) var statistics = Statistics()

  var entries: [EntryHash: Kept] = [:]
  var authors: [[UInt8]: AuthorLog] = [:]
  /// Keys of ``authors``, sorted, so that what is sent doesn't hang on a dictionary's order.
  var authorKeys: [[UInt8]] = []
  /// Grows with each entry taken.
  var version = 0
  private var equivocators: Set<PeerID> = []
  private var latestSeen: HybridTime?

  /// Ends of the meeting's whole history: entries that no other names.
  private var tips: Set<EntryHash> = []
  /// Named by an entry, not here yet.
  private var mentioned: Set<EntryHash> = []

  /// By the predecessor that they wait for.
  private var waiting: [EntryHash: [Entry]] = [:]
  private var waitingHashes: Set<EntryHash> = []
  private var waitingByAuthor: [PeerID: Int] = [:]

  /// Out for commit, by their names.
  private var committing: [EntryID: EntryHash] = [:]
  /// Stored, but not shown before their predecessor is.
  private var heldBack: [EntryHash: [EntryHash]] = [:]
  /// Those of others that couldn't be kept, to be offered again.
  var unsaved: [EntryHash] = []

  /// One's own that are out for commit: a chain after the last of one's log. Nobody else hears of
  /// them before they are kept, or a crash would make this member contradict itself.
  private var outstanding: [(entry: Entry, body: WireChatBody)] = []
  private var composing: [(body: WireChatBody, wall: WallTime)] = []

  var exchange = Exchange()

  /// - Parameter stored: what was kept of this meeting, in any order.
  package init(meeting: MeetingID, key: SigningKey, stored: [Entry]) {
    self.meeting = meeting
    self.key = key
    me = PeerID(publicKey: key.publicKey)
    var ignored: [Output] = []
    for entry in stored.sorted() where entry.meeting == meeting {
      // What was kept with a hole before it waits, and is committed anew once the hole is filled.
      _ = try? take(entry, stage: .shown, into: &ignored)
    }
  }

  package var deadline: Moment? { exchange.deadline }

  package mutating func handle(_ input: Input, at now: Moment, into outputs: inout [Output]) {
    switch input {
    case .compose(let body, let wall): compose(body, wall: wall, into: &outputs)
    case .committed(let ids): committed(ids, at: now, into: &outputs)
    case .notCommitted(let ids): notCommitted(ids, at: now, into: &outputs)
    case .received(let entries, let peer):
      let news = take(entries, from: peer, into: &outputs)
      exchangeAfter(broadcast: news, from: peer, at: now, into: &outputs)
    case .batch(let batch, let peer):
      let news = take(batch.entries, from: peer, into: &outputs)
      exchangeAfter(batch: news, from: peer, at: now, into: &outputs)
    case .heads(let heads, let peer): receive(heads, from: peer, at: now, into: &outputs)
    case .linkUp(let peer): linkUp(peer, at: now, into: &outputs)
    case .linkDown(let peer): linkDown(peer, at: now, into: &outputs)
    }
  }

  package mutating func wake(at now: Moment, into outputs: inout [Output]) {
    exchangeWake(at: now, into: &outputs)
  }

  // MARK: - What is held

  package var entryCount: Int { entries.count }

  /// Everything, in the order in which it is shown.
  package var ordered: [Entry] { entries.values.map(\.entry).sorted() }

  package func isEquivocator(_ author: PeerID) -> Bool { equivocators.contains(author) }

  /// How many wait for their predecessor.
  package var waitingCount: Int { waitingHashes.count }

  // MARK: - One's own

  private mutating func compose(
    _ body: WireChatBody, wall: WallTime, into outputs: inout [Output]
  ) {
    guard composing.count < ChatBounds.composing else {
      outputs.append(.refused(body, .tooMany))
      return
    }
    composing.append((body, wall))
    commitOwn(into: &outputs)
  }

  /// Hands one's own lines over to be kept, unless some are out already: the next must know whether
  /// those made it, since it is chained to them.
  private mutating func commitOwn(into outputs: inout [Output]) {
    guard outstanding.isEmpty else { return }
    var last = ownTip
    for (body, wall) in composing {
      let heads = outstanding.isEmpty ? latestTips(besides: last) : []
      let clock = HybridTime.stamp(wall: wall, after: last?.clock, seen: latestSeen)
      do {
        let entry = try Entry(
          composing: body, meeting: meeting, key: key, after: last, heads: heads, clock: clock)
        outstanding.append((entry, body))
        last = entry
      } catch {
        outputs.append(.refused(body, .invalid(error)))
      }
    }
    composing.removeAll()
    if !outstanding.isEmpty { outputs.append(.commit(outstanding.map(\.entry))) }
  }

  /// The entry that one's next goes after. A log that others know further than the data directory
  /// does, because that was restored from a copy, is taken up where they have it.
  private var ownTip: Entry? {
    authors[key.publicKey]?.tips.compactMap { entries[$0]?.entry }
      .max { ($0.sequence, $0.hash) < ($1.sequence, $1.hash) }
  }

  private func latestTips(besides last: Entry?) -> [EntryHash] {
    tips.filter { $0 != last?.hash }.compactMap { entries[$0]?.entry }
      .sorted().suffix(WireBounds.chatHeads).map(\.hash)
  }

  private mutating func publishOwn(at now: Moment, into outputs: inout [Output]) {
    let (entry, _) = outstanding.removeFirst()
    do {
      let released = try take(entry, stage: .taken, into: &outputs).dropFirst()
      outputs.append(.publish(entry.signed))
      store(entry.hash, into: &outputs)
      commit(Array(released), into: &outputs)
      exchangeAfterOwn(at: now)
    } catch {
      // Its chain was cut by more branches of one's own than are kept. It stays in the database.
      statistics.shed += 1
    }
  }

  // MARK: - Commits

  private mutating func committed(
    _ ids: [EntryID], at now: Moment, into outputs: inout [Output]
  ) {
    for id in ids {
      if outstanding.first?.entry.id == id {
        publishOwn(at: now, into: &outputs)
      } else if let hash = committing.removeValue(forKey: id) {
        store(hash, into: &outputs)
      }
    }
    commitOwn(into: &outputs)
  }

  private mutating func notCommitted(
    _ ids: [EntryID], at now: Moment, into outputs: inout [Output]
  ) {
    for id in ids {
      if outstanding.contains(where: { $0.entry.id == id }) {
        for (_, body) in outstanding { outputs.append(.refused(body, .notCommitted)) }
        outstanding.removeAll()
      } else if let hash = committing.removeValue(forKey: id) {
        unsaved.append(hash)
        store(hash, into: &outputs)
      }
    }
    commitOwn(into: &outputs)
    exchangeRetry(at: now)
  }

  /// Shows the entry, and those that waited for it to be shown.
  private mutating func store(_ hash: EntryHash, into outputs: inout [Output]) {
    guard let kept = entries[hash], kept.stage == .taken else { return }
    entries[hash]?.stage = .stored
    if let previous = kept.entry.previous, entries[previous]?.stage != .shown {
      heldBack[previous, default: []].append(hash)
      return
    }
    var showing = [hash]
    while let next = showing.popLast() {
      guard let entry = entries[next]?.entry else { continue }
      entries[next]?.stage = .shown
      outputs.append(.show(entry))
      showing += heldBack.removeValue(forKey: next) ?? []
    }
  }

  /// Offers again what couldn't be kept.
  mutating func commitUnsaved(into outputs: inout [Output]) {
    let again = unsaved.prefix(ChatBounds.batchEntries).compactMap { entries[$0]?.entry }
    unsaved.removeFirst(min(unsaved.count, ChatBounds.batchEntries))
    commit(again, into: &outputs)
  }

  private mutating func commit(_ taken: [Entry], into outputs: inout [Output]) {
    guard !taken.isEmpty else { return }
    for entry in taken { committing[entry.id] = entry.hash }
    outputs.append(.commit(taken))
  }
}

// MARK: - Taking entries

extension ChatLog {
  /// How many were taken.
  private mutating func take(
    _ signed: [WireSignedEntry], from peer: PeerID, into outputs: inout [Output]
  ) -> Int {
    var invalid = 0
    var reason = ChatError.tooMany
    let before = entries.count
    var fresh: [Entry] = []
    for signed in signed.prefix(ChatBounds.batchEntries) {
      do {
        fresh += try check(signed, into: &outputs)
      } catch .tooMany {
        statistics.shed += 1
      } catch {
        invalid += 1
        reason = error
      }
    }
    statistics.invalid += invalid
    if invalid > 0 { outputs.append(.misbehaviour(peer, .invalidEntries(invalid, reason))) }
    commit(fresh, into: &outputs)
    return entries.count - before
  }

  private mutating func check(
    _ signed: WireSignedEntry, into outputs: inout [Output]
  ) throws(ChatError) -> [Entry] {
    // Most of what comes is here already: the hash costs a hundredth of the signature.
    guard signed.entry.count <= ChatBounds.entry else { throw .wire(.tooLarge) }
    let hash = EntryHash(of: Array(signed.entry))
    guard entries[hash] == nil, !waitingHashes.contains(hash),
      !outstanding.contains(where: { $0.entry.hash == hash })
    else { return [] }
    let entry = try Entry(verifying: signed, meeting: meeting)
    // Whoever passes an entry on could have cut its body off.
    guard entry.body != .deleted else { throw .missingBody }
    return try take(entry, stage: .taken, into: &outputs)
  }

  /// Takes the entry, and those that waited for it; or lets it wait for its predecessor.
  private mutating func take(
    _ entry: Entry, stage: Stage, into outputs: inout [Output]
  ) throws(ChatError) -> [Entry] {
    if let previous = entry.previous {
      guard let kept = entries[previous] else {
        try wait(entry, for: previous)
        return []
      }
      guard entry.follows(kept.entry) else { throw .brokenChain }
    }
    try insert(entry, stage: stage, into: &outputs)
    var taken = [entry]
    var next = 0
    while next < taken.count {
      let parent = taken[next]
      next += 1
      for child in release(waitingFor: parent.hash) {
        guard child.follows(parent) else {
          statistics.invalid += 1
          continue
        }
        do {
          try insert(child, stage: .taken, into: &outputs)
          taken.append(child)
        } catch {
          statistics.shed += 1
        }
      }
    }
    return taken
  }

  private mutating func insert(
    _ entry: Entry, stage: Stage, into outputs: inout [Output]
  ) throws(ChatError) {
    if authors[entry.authorKey] == nil {
      guard authors.count < ChatBounds.authors else { throw .tooMany }
      authors[entry.authorKey] = AuthorLog(key: entry.authorKey)
      let place = authorKeys.firstIndex { entry.authorKey.lexicographicallyPrecedes($0) }
      authorKeys.insert(entry.authorKey, at: place ?? authorKeys.count)
    }
    let log = authors[entry.authorKey]!
    guard log.hasRoom(for: entry) else { throw .tooMany }
    if log.branches(at: entry), equivocators.insert(entry.author).inserted {
      let other = log.chain[Int(entry.sequence) - 1]
      outputs.append(.misbehaviour(entry.author, .equivocation(other, entry.hash)))
    }
    authors[entry.authorKey]!.append(entry)
    entries[entry.hash] = Kept(entry: entry, stage: stage)
    version += 1
    latestSeen = max(latestSeen ?? entry.clock, entry.clock)
    updateTips(with: entry)
  }

  private mutating func updateTips(with entry: Entry) {
    for seen in entry.heads + [entry.previous].compactMap({ $0 }) {
      tips.remove(seen)
      if entries[seen] == nil, mentioned.count < ChatBounds.mentioned { mentioned.insert(seen) }
    }
    if mentioned.remove(entry.hash) == nil { tips.insert(entry.hash) }
  }

  private mutating func wait(_ entry: Entry, for previous: EntryHash) throws(ChatError) {
    guard waitingHashes.count < ChatBounds.waiting,
      waitingByAuthor[entry.author, default: 0] < ChatBounds.waitingPerAuthor
    else { throw .tooMany }
    waiting[previous, default: []].append(entry)
    waitingHashes.insert(entry.hash)
    waitingByAuthor[entry.author, default: 0] += 1
  }

  private mutating func release(waitingFor hash: EntryHash) -> [Entry] {
    let released = waiting.removeValue(forKey: hash) ?? []
    for entry in released {
      waitingHashes.remove(entry.hash)
      let left = waitingByAuthor[entry.author, default: 1] - 1
      waitingByAuthor[entry.author] = left > 0 ? left : nil
    }
    return released
  }
}
