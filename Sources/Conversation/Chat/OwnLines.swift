import Foundations
import Wire

/// Whether all of one's own log is here, so that a line can be chained to its end.
enum OwnLog: Sendable {
  /// Exits: `complete`, once a member has nothing of it that isn't here, or the time is up. The time
  /// runs from the first line that waits, or the last entry of one's own that came.
  case awaited(until: Moment?)
  case complete

  /// How long a line waits. Whoever sits alone in a meeting can't wait for others; what is said too
  /// early only makes a second branch, which everybody keeps too.
  static let patience = Duration.seconds(3)

  var deadline: Moment? {
    switch self {
    case .awaited(let until): until
    case .complete: nil
    }
  }
}

/// Lines of one's own, from being typed to being published.
extension ChatLog {
  mutating func compose(
    _ body: WireChatBody, wall: WallTime, at now: Moment, into outputs: inout [Output]
  ) {
    guard composing.count < ChatBounds.composing else {
      outputs.append(.refused(body, .tooMany))
      return
    }
    composing.append((body, wall))
    if case .awaited(nil) = ownLog { ownLog = .awaited(until: now + OwnLog.patience) }
    commitOwn(into: &outputs)
  }

  /// Hands one's own lines over to be kept, unless some are out already: the next must know whether
  /// those made it, since it is chained to them. What couldn't be kept of one's own log goes along: a
  /// log with a hole would look as if it ended there to the next run, which would contradict it.
  mutating func commitOwn(into outputs: inout [Output]) {
    guard outstanding.isEmpty, committingOwn.isEmpty, case .complete = ownLog else { return }
    var last = composing.first.flatMap { ownTip(at: $0.wall) }
    for (body, wall) in composing {
      let heads = outstanding.isEmpty ? latestTips(besides: last) : []
      let clock = HybridTime.stamp(wall: wall, after: last?.clock, seen: latestSeen)
      do {
        let entry = try Entry(
          composing: body, meeting: meeting, key: key, after: last, heads: heads, clock: clock)
        outstanding.append(entry)
        outstandingWalls.append(wall)
        last = entry
      } catch {
        outputs.append(.refused(body, .invalid(error)))
      }
    }
    composing.removeAll()
    if !outstanding.isEmpty { outputs.append(.commit(takeUnsavedOwn() + outstanding)) }
  }

  /// The entry that one's next goes after. A log that others know further than the data directory
  /// does, because that was restored from a copy, is taken up where they have it. Whoever used that copy
  /// may have signed the last time there is: then the next goes after what was said by now.
  private func ownTip(at wall: WallTime) -> Entry? {
    let tips = authors[key.publicKey]?.tips.compactMap { entries[$0]?.entry } ?? []
    func latest(_ entries: [Entry]) -> Entry? {
      entries.max { ($0.sequence, $0.hash) < ($1.sequence, $1.hash) }
    }
    if let tip = latest(tips.filter { !$0.clock.isLast }) { return tip }
    var entry = latest(tips)
    while let later = entry, later.clock.milliseconds > (wall + HybridTime.pull).milliseconds {
      entry = later.previous.flatMap { entries[$0]?.entry }
    }
    return entry
  }

  private func latestTips(besides last: Entry?) -> [EntryHash] {
    tips.filter { $0 != last?.hash }.compactMap { entries[$0]?.entry }
      .sorted().suffix(WireBounds.chatHeads).map(\.hash)
  }

  mutating func publishOwn(at now: Moment, into outputs: inout [Output]) {
    let entry = outstanding[0]
    guard entry.previous.map({ entries[$0] != nil }) ?? true else { return composeAnew() }
    outstanding.removeFirst()
    outstandingWalls.removeFirst()
    guard let released = try? take(entry, stage: .taken, at: now, into: &outputs).dropFirst() else {
      // It has no place after what is there, nor would another.
      evicted.append(entry)
      unsaved.removeAll { $0 == entry.hash }
      if let body = entry.saidBody { outputs.append(.refused(body, .noPlace)) }
      return
    }
    outputs.append(.publish(entry.signed))
    discount([entry], into: &outputs)
    store(entry.hash, into: &outputs)
    commit(Array(released), into: &outputs)
    exchangeAfterOwn(at: now)
  }

  /// Whoever uses a copy of one's key has signed so many branches that what was to come next has no place.
  /// Nobody has heard of it yet: it is said after what is here now.
  private mutating func composeAnew() {
    evicted += outstanding
    let names = Set(outstanding.map(\.hash))
    unsaved.removeAll { names.contains($0) }
    let lines = zip(outstanding, outstandingWalls).compactMap { entry, wall in
      entry.saidBody.map { (body: $0, wall: wall) }
    }
    composing.insert(contentsOf: lines, at: 0)
    outstanding = []
    outstandingWalls = []
  }

  // MARK: - The end of one's own log

  /// One member was heard: has it nothing of one's own log that isn't here?
  mutating func checkOwnLog(
    with peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    guard case .awaited(let until) = ownLog, let theirs = exchange.links[peer]?.theirs else {
      return
    }
    let tips = theirs[key.publicKey] ?? []
    if tips.allSatisfy({ entries[$0.hash] != nil }) {
      ownLog = .complete
      commitOwn(into: &outputs)
    } else if until != nil, ownLength > ownLengthAwaited {
      ownLengthAwaited = ownLength
      ownLog = .awaited(until: now + OwnLog.patience)
    }
  }

  private var ownLength: Int { authors[key.publicKey]?.all.count ?? 0 }

  mutating func wakeOwnLog(at now: Moment, into outputs: inout [Output]) {
    guard case .awaited(let until?) = ownLog, until <= now else { return }
    ownLog = .complete
    commitOwn(into: &outputs)
  }
}

extension Entry {
  fileprivate var saidBody: WireChatBody? {
    try? WireChatBody(wire: Array(signed.body), limit: ChatBounds.body)
  }
}
