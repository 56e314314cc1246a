import Crypto
import Foundation
import Foundations
import SwiftProtobuf
import Wire

/// Anti-entropy: what is known of each linked member's logs, and when to speak of one's own.
///
/// Two linked members tell each other the ends of every author's log, and each sends what the other
/// lacks, one batch for each telling, so that the one that lacks something sets the pace. A member
/// that is far behind asks one neighbour at a time, or everybody would send it the same history.
/// Where there are many authors a hash over the ends is told first, and the ends only if it differs.
/// What is asked for in vain is asked for ever more seldom, and after a while no more until something
/// changes. Where the ends are the same and the gaps aren't, each asks for what may be no gap (``Gaps``).
struct Exchange: Sendable {
  /// Between tellings while logs differ. Broadcast brings nearly everything sooner.
  static let interval = Duration.seconds(5)
  /// The longest interval, which it doubles up to while nothing changes.
  static let longestInterval = Duration.seconds(40)
  /// After a batch brought news or an entry arrived before its predecessor: neighbours may lack the
  /// former, and have the latter, but most such gaps close by themselves in a moment.
  static let soon = Duration.milliseconds(250)
  /// How long one neighbour is waited for before another is asked, and nothing is sent again over a link.
  static let patience = Duration.seconds(1)
  /// The same at most, of one whose batches take their time; and how long one is asked for more and more
  /// while others wait to be.
  static let longestPatience = Duration.seconds(16)
  /// How often one is told where logs part, as it says more of that, while one's own don't change: it takes
  /// five tellings of each to find that in a million entries.
  static let narrowings = 16
  /// Ends up to which they are told rather than a hash over them: hardly longer than that.
  static let toldWhole = 4

  struct Link: Sendable {
    /// What the other said that it has, by author; `nil` until it has said something.
    var theirs: [[UInt8]: [AuthorTip]]?
    var theirTips: Set<EntryHash> = []
    /// The version of one's own logs that it was last told of.
    var told = -1
    var toldAt: Moment?
    /// How often it was told of that version again, as it seemed to have something that isn't here.
    var retold = 0
    var lastTold = -1
    /// The same of the ends themselves, if it wasn't told a hash over them after that: who hears another
    /// hash than its own forgets them.
    var toldWhole = -1
    /// What it was last told of where logs part, and how often since one's own logs last changed.
    var saidPassed: [EntryHash: [PassedEntry]] = [:]
    var narrowed = 0
    /// Whether its hash was another: it is to be told the ends.
    var differs = false
    /// A hash over its gaps.
    var theirGaps = Data()
    /// How often it was asked for bodies since one's own logs last changed, and the version of them.
    var bodyQuestions = 0
    var bodyVersion = -1
    var askedForBodiesAt: Moment?
    /// One batch may go for each telling.
    var mayPush = false
    var pushed = Pushed()
    /// It wasn't told of one's logs yet, because another is being asked.
    var isOwed = false
    /// How long to wait for a batch of its: twice as long as the last one took. On a slow link others would
    /// send the same meanwhile, and make it slower still.
    var wait = Exchange.patience
    var askedAt: Moment?

    /// How long it is waited for before it is told the same once more. What brought nothing a few times
    /// most likely never will: it claims what it doesn't give.
    var patience: Duration {
      let doublings = max(0, min(retold - 2, 6))
      return min(Exchange.patience * (1 << doublings), Exchange.longestInterval)
    }

    /// It was asked so often in vain that it will hardly ever give what it claims to have.
    var isVain: Bool { retold >= 16 }
  }

  var links: [PeerID: Link] = [:]
  /// What members said that one hasn't yet heard to be linked: the first words on a new link overtake
  /// that news as often as not. The oldest are dropped.
  var early: [(peer: PeerID, heads: WireChatHeads)] = []
  /// Who is being asked, and until when that is waited for.
  var asked: (peer: PeerID, until: Moment, since: Moment)?
  var tick: Moment?
  /// Ticks in a row at which nothing had changed since the one before.
  var idleTicks = 0
  var versionAtTick = 0

  var deadline: Moment? {
    [tick, asked?.until].compactMap { $0 }.min()
  }

  /// Sets the next tick, unless one comes sooner.
  mutating func tick(by moment: Moment) {
    tick = min(tick ?? moment, moment)
  }
}

extension ChatLog {
  mutating func linkUp(_ peer: PeerID, at now: Moment, into outputs: inout [Output]) {
    guard peer != me, exchange.links[peer] != nil || exchange.links.count < ChatBounds.links else {
      return
    }
    exchange.links[peer] = Exchange.Link()
    ask(peer, at: now, into: &outputs)
    exchange.tick(by: now + Exchange.interval)
    guard let place = exchange.early.firstIndex(where: { $0.peer == peer }) else { return }
    receive(exchange.early.remove(at: place).heads, from: peer, at: now, into: &outputs)
  }

  mutating func linkDown(_ peer: PeerID, at now: Moment, into outputs: inout [Output]) {
    exchange.links[peer] = nil
    if exchange.asked?.peer == peer { askNext(at: now, into: &outputs) }
  }

  mutating func receive(
    _ heads: WireChatHeads, from peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    let isSummary = heads.heads.isEmpty && heads.summary.count == SHA256.byteCount
    guard var theirs = isSummary ? [:] : Self.parse(heads) else {
      outputs.append(.misbehaviour(peer, .invalidHeads))
      return
    }
    send(bodies(of: heads.wanted), to: peer, at: now, into: &outputs)
    guard var link = exchange.links[peer] else {
      exchange.early.removeAll { $0.peer == peer }
      if exchange.early.count == ChatBounds.earlyHeads { exchange.early.removeFirst() }
      exchange.early.append((peer, heads))
      return
    }
    link.differs = isSummary && heads.summary != summary()
    if link.differs { return answer(differing: link, of: peer, at: now, into: &outputs) }
    if isSummary { theirs = ownTips }
    link.mayPush = true
    link.theirs = theirs
    link.theirTips = Set(theirs.values.joined().map(\.hash))
    link.theirGaps = isSummary ? gaps.digest() : heads.gaps
    exchange.links[peer] = link
    reconcile(with: peer, at: now, into: &outputs)
  }

  /// Sends what it lacks, unless it has only just been sent.
  /// - Returns: whether it was sent.
  @discardableResult
  private mutating func send(
    _ entries: [Entry], to peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) -> Bool {
    guard !entries.isEmpty, exchange.links[peer]?.pushed.admit(entries, at: now) == true else {
      return false
    }
    var batch = WireChatBatch()
    batch.entries = entries.map(\.signed)
    outputs.append(.sendBatch(batch, to: peer))
    return true
  }

  /// Its logs are others: both need the ends to see where.
  private mutating func answer(
    differing link: Exchange.Link, of peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    var link = link
    link.theirs = nil
    link.theirTips = []
    // Told a moment ago, they may be on their way: a hash is no means to have us repeat them.
    let isRecent = link.toldAt.map { now - $0 < Exchange.patience } ?? false
    if link.toldWhole != version || !isRecent { link.told = -1 }
    exchange.links[peer] = link
    ask(peer, at: now, into: &outputs)
  }

  mutating func exchangeAfter(
    broadcast news: Int, hasOvertaken: Bool, at now: Moment
  ) {
    if hasOvertaken {
      exchange.tick(by: now + Exchange.soon)
    } else if news > 0 {
      exchange.tick(by: now + Exchange.interval)
    }
  }

  mutating func exchangeAfter(
    batch news: Int, from peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    if let askedAt = exchange.links[peer]?.askedAt {
      let twice = (now - askedAt) * 2
      exchange.links[peer]?.askedAt = nil
      exchange.links[peer]?.wait = min(max(twice, Exchange.patience), Exchange.longestPatience)
    }
    guard news > 0 else { return }
    exchange.tick(by: now + Exchange.soon)
    guard let link = exchange.links[peer] else { return }
    if exchange.asked?.peer == peer { exchange.asked?.until = now + link.wait }
    guard link.theirs != nil else { return }
    // Only now is it known what of one's own the other's branches lack.
    if !lacksSome(of: link) { exchange.links[peer]?.mayPush = true }
    reconcile(with: peer, at: now, into: &outputs)
  }

  mutating func exchangeAfterOwn(at now: Moment) {
    exchange.tick(by: now + Exchange.interval)
  }

  mutating func exchangeRetry(at now: Moment) {
    if !unsaved.isEmpty { exchange.tick(by: now + Exchange.interval) }
  }

  mutating func exchangeWake(at now: Moment, into outputs: inout [Output]) {
    if let asked = exchange.asked, asked.until <= now { askNext(at: now, into: &outputs) }
    guard let tick = exchange.tick, tick <= now else { return }
    exchange.tick = nil
    expireWaiting(at: now)
    commitUnsaved(into: &outputs)
    exchange.idleTicks = exchange.versionAtTick == version ? min(exchange.idleTicks + 1, 3) : 0
    exchange.versionAtTick = version
    let differing = differingLinks()
    let told = differing.filter { !isPutOff($0) }
    for peer in told.prefix(ChatBounds.toldAtOnce) { tell(peer, at: now, into: &outputs) }
    guard !differing.isEmpty || awaitingCount > 0 || !unsaved.isEmpty else { return }
    let interval = min(
      Exchange.interval * (1 << exchange.idleTicks), Exchange.longestInterval)
    let isAllTold = told.count <= ChatBounds.toldAtOnce
    exchange.tick(by: now + (isAllTold ? interval : Exchange.soon))
  }

  /// Those whose logs differ from one's own as far as is known, the longest untold first. While an
  /// entry waits for another, anybody may have that.
  private mutating func differingLinks() -> [PeerID] {
    let ours = ownEnds
    let digest = gaps.digest()
    let differing = exchange.links.filter { _, link in
      guard awaitingCount == 0, let theirs = link.theirs else { return true }
      if link.theirTips == ours {
        return link.theirGaps != digest && (link.toldWhole != version || mayAskForBodies(link))
      }
      // What it has no room for it may lack for good.
      let isTold = link.lastTold == version && link.isVain
      return lacksSome(of: link) || !isTold && isLacked(by: theirs)
    }
    return differing.sorted { left, right in
      (left.value.toldAt ?? .zero, left.key) < (right.value.toldAt ?? .zero, right.key)
    }
    .map(\.key)
  }

  /// Whether it would send what another is being asked for: it is asked after that.
  private mutating func isPutOff(_ peer: PeerID) -> Bool {
    guard let asked = exchange.asked, asked.peer != peer, let link = exchange.links[peer],
      lacksSome(of: link)
    else { return false }
    exchange.links[peer]?.isOwed = true
    return true
  }

  /// Sends what the other lacks; asks for what it has.
  private mutating func reconcile(
    with peer: PeerID, at now: Moment, into outputs: inout [Output]
  ) {
    guard let link = exchange.links[peer], let theirs = link.theirs else { return }
    if link.mayPush {
      let (entries, isAll) = batch(lackedBy: theirs)
      if send(entries, to: peer, at: now, into: &outputs) {
        exchange.links[peer]?.mayPush = false
        // It must know that there is more.
        if !isAll, link.toldWhole < 0 {
          exchange.links[peer]?.differs = true
          tell(peer, at: now, into: &outputs)
        }
      }
    }
    if lacksSome(of: link) {
      // A hash tells it nothing of what is lacking here.
      if link.toldWhole != version {
        exchange.links[peer]?.differs = true
        exchange.links[peer]?.told = -1
      }
      ask(peer, at: now, into: &outputs)
      return
    }
    if exchange.asked?.peer == peer { askNext(at: now, into: &outputs) }
    // It has told what this member has too: told the same in return, it need not say so again.
    let areEqual = link.theirTips == ownEnds || !isLacked(by: theirs)
    guard areEqual else { return }
    let hasOtherGaps = link.theirGaps != gaps.digest()
    // Nor does a hash tell it which of both it is that differs.
    let isTold = hasOtherGaps ? link.toldWhole == version : link.told == version
    // Nor would it say so again and again, had it heard that.
    let isRecent = link.toldAt.map { now - $0 < Exchange.interval } ?? false
    if !isTold || !isRecent { tell(peer, at: now, into: &outputs) }
    if hasOtherGaps, mayAskForBodies(link) { exchange.tick(by: now + Exchange.patience) }
  }

  /// Whether it has what isn't here, and there is room for that.
  private func lacksSome(of link: Exchange.Link) -> Bool {
    if link.lastTold == version, link.isVain { return false }
    return link.theirs?.contains { key, tips in
      guard authors[key] != nil || authors.count < ChatBounds.authors else { return false }
      return tips.contains { entries[$0.hash] == nil }
    } ?? false
  }

  /// Whether all that may be no gap hasn't been asked for yet, twice more than it takes.
  private func mayAskForBodies(_ link: Exchange.Link) -> Bool {
    guard link.bodyVersion == version else { return !gaps.all.isEmpty }
    return !gaps.all.isEmpty && link.bodyQuestions < gaps.questions + 2
  }

  /// The ends of all logs.
  private var ownEnds: Set<EntryHash> { Set(authors.values.flatMap(\.tips)) }

  private mutating func ask(_ peer: PeerID, at now: Moment, into outputs: inout [Output]) {
    guard exchange.asked == nil || exchange.asked?.peer == peer else {
      exchange.links[peer]?.isOwed = true
      return
    }
    guard let link = exchange.links[peer] else { return }
    let since = exchange.asked?.since ?? now
    if now - since >= Exchange.longestPatience, exchange.links.contains(where: \.value.isOwed) {
      exchange.links[peer]?.isOwed = true
      return askNext(at: now, into: &outputs)
    }
    // Nothing new to say: asking again at once would go round in circles. Asking never again would
    // rely on the first time having arrived.
    if link.told == version, let toldAt = link.toldAt {
      let isMore = mayNarrow(link, telling: passed(to: link))
      let patience = isMore ? narrowingPatience : link.patience
      if now - toldAt < patience { return exchange.tick(by: toldAt + patience) }
    }
    exchange.asked = (peer, now + link.wait, since)
    exchange.links[peer]?.askedAt = now
    tell(peer, at: now, into: &outputs)
  }

  /// The one asked has given what it had, or was too slow: now those that were put off.
  private mutating func askNext(at now: Moment, into outputs: inout [Output]) {
    exchange.asked = nil
    // The longest untold first.
    let owed = exchange.links.filter(\.value.isOwed).sorted { left, right in
      (left.value.toldAt ?? .zero, left.key) < (right.value.toldAt ?? .zero, right.key)
    }
    for (peer, _) in owed { ask(peer, at: now, into: &outputs) }
  }

  private mutating func tell(_ peer: PeerID, at now: Moment, into outputs: inout [Output]) {
    let passed = exchange.links[peer].map { self.passed(to: $0) } ?? [:]
    if exchange.links[peer]?.lastTold != version {
      exchange.links[peer]?.retold = 0
      exchange.links[peer]?.narrowed = 0
    } else if exchange.links[peer].map({ mayNarrow($0, telling: passed) }) == true {
      exchange.links[peer]?.narrowed += 1
    } else {
      exchange.links[peer]?.retold += 1
    }
    exchange.links[peer]?.saidPassed = passed
    exchange.links[peer]?.lastTold = version
    exchange.links[peer]?.told = version
    exchange.links[peer]?.toldAt = now
    exchange.links[peer]?.isOwed = false
    let count = authors.values.reduce(0) { $0 + $1.tips.count }
    let hasOtherGaps = exchange.links[peer].map { self.hasOtherGaps($0) } ?? false
    let isWhole =
      count <= Exchange.toldWhole || hasOtherGaps || !passed.isEmpty
      || exchange.links[peer]?.differs == true
    exchange.links[peer]?.toldWhole = isWhole ? version : -1
    var message =
      isWhole ? heads(telling: passed) : .with { $0.summary = summary() }
    if isWhole { message.gaps = gaps.digest() }
    if hasOtherGaps { message.wanted = bodiesToAskFor(of: peer, at: now) }
    outputs.append(.sendHeads(message, to: peer))
  }

  private func passed(to link: Exchange.Link) -> [EntryHash: [PassedEntry]] {
    link.theirs.map { passed(given: $0) } ?? [:]
  }

  /// Whether that is more of where logs part than it was told.
  private func mayNarrow(
    _ link: Exchange.Link, telling passed: [EntryHash: [PassedEntry]]
  ) -> Bool {
    link.narrowed < Exchange.narrowings && passed != link.saidPassed
  }

  /// How long is waited between two such tellings: the longer, the more is said each time.
  private var narrowingPatience: Duration {
    Exchange.patience * max(ChatBounds.authors / 8, authors.count) / ChatBounds.authors
  }

  /// Whether its logs are the same as one's own and its gaps are others.
  private mutating func hasOtherGaps(_ link: Exchange.Link) -> Bool {
    link.theirTips == ownEnds && link.theirGaps != gaps.digest()
  }

  /// What may be no gap.
  private mutating func bodiesToAskFor(of peer: PeerID, at now: Moment) -> [Data] {
    guard let link = exchange.links[peer], mayAskForBodies(link) else { return [] }
    // What it has only just sent it doesn't send again.
    if let askedAt = link.askedForBodiesAt, now - askedAt < Exchange.patience { return [] }
    let number = link.bodyVersion == version ? link.bodyQuestions : 0
    exchange.links[peer]?.askedForBodiesAt = now
    exchange.links[peer]?.bodyVersion = version
    exchange.links[peer]?.bodyQuestions = number + 1
    return gaps.wanted(number % max(1, gaps.questions)).map { Data($0.bytes) }
  }
}
