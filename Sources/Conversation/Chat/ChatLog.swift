package import Foundations
package import Wire

/// One meeting's conversation as one member holds it: every author's log, checked, in memory.
///
/// It never touches a disk: entries leave as ``Output/commit(_:)``, and only once the driver has
/// answered are they shown, and one's own published.
package struct ChatLog: Machine {
  package enum Input: Sendable {
    /// A line of one's own; `wall` is the time now.
    case compose(WireChatBody, wall: WallTime)
    /// These are kept.
    case committed([EntryID])
    /// These couldn't be kept. The conversation goes on without: they are shown and published all
    /// the same, and offered again.
    case notCommitted([EntryID])
    /// Broadcast by their author.
    case received([WireSignedEntry], from: PeerID)
    /// An answer to one's heads.
    case batch(WireChatBatch, from: PeerID)
    case heads(WireChatHeads, from: PeerID)
    /// Where logs end, by their authors' keys: those of all members that were removed.
    case ended([[UInt8]: Set<LogEnd>])
    case linkUp(PeerID)
    case linkDown(PeerID)
  }

  package enum Output: Sendable {
    /// Keep these, in this order; answer `committed` or `notCommitted`.
    case commit([Entry])
    /// These, handed over to be kept before, count for nothing.
    case discount([EntryHash])
    /// These count after all.
    case recount([EntryHash])
    /// Keep this one in the place of the gap that was handed over before.
    case restore(Entry)
    /// Keep these no longer: they had to make room in their author's log.
    case evict([Entry])
    /// Broadcast it.
    case publish(WireSignedEntry)
    /// Each entry once, each author's in order; and once more if it has its body again.
    case show(Entry)
    case sendHeads(WireChatHeads, to: PeerID)
    case sendBatch(WireChatBatch, to: PeerID)
    /// A line of one's own that won't be said.
    case refused(WireChatBody, Refusal)
    case misbehaviour(PeerID, Misbehaviour)
  }

  package enum Refusal: Hashable, Sendable {
    case invalid(ChatError)
    /// Too many lines wait.
    case tooMany
    /// Whoever uses a copy of one's key has signed so many other lines that it has no place in one's log.
    case noPlace
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
    /// Its turn to be shown has come, and it doesn't count.
    case passedOver

    /// Whether those after it may be shown.
    var isThrough: Bool { self == .shown || self == .passedOver }
  }

  struct Kept: Sendable {
    let entry: Entry
    var stage: Stage
  }

  /// An entry that waits for its predecessor.
  struct Waiting: Sendable {
    let entry: Entry
    /// `nil` for what was kept: it waits until the hole before it is filled.
    let since: Moment?
  }

  package let meeting: MeetingID
  package let me: PeerID
  let key: SigningKey
  let judge: Standing.Judge?
  package internal(set) var statistics = Statistics()

  var entries: [EntryHash: Kept] = [:]
  var authors: [[UInt8]: AuthorLog] = [:]
  /// Keys of ``authors``, sorted, so that what is sent doesn't hang on a dictionary's order.
  var authorKeys: [[UInt8]] = []
  /// Grows with each entry taken.
  var version = 0
  var equivocators: Set<PeerID> = []
  var room = AuthorRoom()
  /// The same for branches beyond the first.
  var branchRoom = AuthorRoom(of: ChatBounds.branches)
  /// To be kept no longer.
  var evicted: [Entry] = []
  var latestSeen: HybridTime?

  /// Ends of the meeting's whole history: entries that no other names.
  var tips: Set<EntryHash> = []
  /// Named by an entry, not here yet.
  var mentioned: Set<EntryHash> = []

  /// By the predecessor that they wait for.
  var waiting: [EntryHash: [Waiting]] = [:]
  var waitingHashes: Set<EntryHash> = []
  var waitingByAuthor: [PeerID: Int] = [:]
  /// Of authors whose logs haven't begun.
  var waitingUnbegun = 0
  /// Those that somebody may have the predecessors of, and that are asked for: not kept ones, which are
  /// sent anew with what is missing before them.
  var awaitingCount = 0

  /// The last grants that each author showed, and those that make it host or co-host.
  var shownChains: [[UInt8]: WireGrantChain] = [:]
  var moderators: Set<[UInt8]> = []

  /// Where the logs of removed members end, by their keys.
  var ends: [[UInt8]: Set<LogEnd>] = [:]
  /// Entries past such an end, and others that don't count.
  var uncounted: Set<EntryHash> = []

  /// Out for commit, by their names.
  var committing: [EntryID: EntryHash] = [:]
  /// Stored, but not shown before their predecessor is.
  var heldBack: [EntryHash: [EntryHash]] = [:]
  /// Of those out for commit, the ones of one's own log that are taken already.
  var committingOwn: Set<EntryID> = []
  /// Those that couldn't be kept, to be offered again.
  var unsaved: [EntryHash] = []

  /// One's own that are out for commit: a chain after the last of one's log. Nobody else hears of
  /// them before they are kept, or a crash would make this member contradict itself.
  var outstanding: [Entry] = []
  /// When those were said.
  var outstandingWalls: [WallTime] = []
  var composing: [(body: WireChatBody, wall: WallTime)] = []

  /// The deletes in the logs, by what they name.
  var deleters: [EntryHash: Set<EntryHash>] = [:]
  var gaps = Gaps()

  var ownLog: OwnLog
  /// How much of it was here when the time to wait for the rest was last set.
  var ownLengthAwaited = 0
  var exchange = Exchange()

  /// - Parameters:
  ///   - stored: what was kept of this meeting, in any order.
  ///   - mayBeKnownFurther: whether others may hold more of one's own log than was kept, because the
  ///     data directory was restored from a copy, or lost what it could no longer keep. One's first
  ///     line then waits for them, a moment.
  ///   - judge: verifies what makes authors members; without it anybody who signs is one.
  package init(
    meeting: MeetingID, key: SigningKey, stored: [Entry], mayBeKnownFurther: Bool = false,
    judge: Standing.Judge? = nil
  ) {
    self.judge = judge
    ownLog = mayBeKnownFurther ? .awaited(until: nil) : .complete
    self.meeting = meeting
    self.key = key
    me = PeerID(publicKey: key.publicKey)
    var ignored: [Output] = []
    for entry in stored.sorted() where entry.meeting == meeting {
      // What was kept with a hole before it waits, and is committed anew once the hole is filled.
      _ = try? take(entry, stage: .shown, at: nil, into: &ignored)
    }
    evictLeftovers(of: stored)
  }

  package var deadline: Moment? {
    [exchange.deadline, ownLog.deadline].compactMap { $0 }.min()
  }

  package mutating func handle(_ input: Input, at now: Moment, into outputs: inout [Output]) {
    switch input {
    case .compose(let body, let wall): compose(body, wall: wall, at: now, into: &outputs)
    case .committed(let ids): committed(ids, at: now, into: &outputs)
    case .notCommitted(let ids): notCommitted(ids, at: now, into: &outputs)
    case .received(let entries, let peer):
      let awaiting = awaitingCount
      let news = take(entries, from: peer, at: now, into: &outputs)
      exchangeAfter(broadcast: news, hasOvertaken: awaitingCount > awaiting, at: now)
    case .batch(let batch, let peer):
      let news = take(batch.entries, from: peer, at: now, into: &outputs)
      exchangeAfter(batch: news, from: peer, at: now, into: &outputs)
      checkOwnLog(with: peer, at: now, into: &outputs)
    case .heads(let heads, let peer):
      receive(heads, from: peer, at: now, into: &outputs)
      checkOwnLog(with: peer, at: now, into: &outputs)
    case .ended(let logs): end(logs, into: &outputs)
    case .linkUp(let peer): linkUp(peer, at: now, into: &outputs)
    case .linkDown(let peer): linkDown(peer, at: now, into: &outputs)
    }
    sayEvicted(into: &outputs)
  }

  package mutating func wake(at now: Moment, into outputs: inout [Output]) {
    wakeOwnLog(at: now, into: &outputs)
    exchangeWake(at: now, into: &outputs)
    sayEvicted(into: &outputs)
  }

  private mutating func sayEvicted(into outputs: inout [Output]) {
    guard !evicted.isEmpty else { return }
    outputs.append(.evict(evicted))
    evicted = []
  }

  // MARK: - What is held

  package var entryCount: Int { entries.count }

  package func entry(_ hash: EntryHash) -> Entry? { entries[hash]?.entry }

  /// Everything, in the order in which it is shown; see ``counted``.
  package var ordered: [Entry] { entries.values.map(\.entry).sorted() }

  package func isEquivocator(_ author: PeerID) -> Bool { equivocators.contains(author) }

  /// Whether lines of one's own are still to be kept and published.
  package var holdsOwnLines: Bool { !composing.isEmpty || !outstanding.isEmpty }

  /// Entries that were taken and aren't kept.
  package var unkeptCount: Int { unsaved.count + committing.count + outstanding.count }

  /// How many wait for their predecessor.
  package var waitingCount: Int { waitingHashes.count }
}
