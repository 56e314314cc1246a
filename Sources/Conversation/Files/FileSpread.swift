import Foundations

/// Which requests a member that has the whole leaves to others, and which come again too soon.
///
/// Of a chunk that one member has just been given, the others will have a copy in a moment, if it passes
/// it on. Nobody's asking may delay another for long: a member is counted on only while it passes on what
/// it gets, asking again counts for nothing, and nobody is sent elsewhere for longer than
/// ``FileBounds/longestSpread``, whatever others ask for.
struct FileSpread: Sendable {
  struct Piece: Hashable, Sendable {
    let root: [UInt8]
    let chunk: Int
  }

  private struct Given {
    let first: Moment
    var latest: Moment
    var times = 1
    /// Whether the member said that it has it.
    var isAnnounced = false
    /// Whether the member has thrown it away, and is to be given it without rest.
    var isForgotten = false

    /// Doubled each time: whoever can't keep a chunk isn't given it as fast as it asks.
    var rest: Duration {
      let factor = 1 << min(times - 1, 8)
      return min(FileBounds.repeatRest * factor, FileBounds.longestRepeatRest)
    }
  }

  private struct Member {
    var given: [Piece: Given] = [:]
    /// Since when it is sent elsewhere for a chunk.
    var refused: [Piece: Moment] = [:]
    /// When it began a file anew, of late.
    var beginnings: [Moment] = []

    /// Whether it announces what it is given.
    func passesOn(at now: Moment) -> Bool {
      let owed = given.values.lazy.filter { !$0.isAnnounced && now - $0.latest < FileSpread.memory }
      return owed.prefix(FileSpread.mostOwed + 1).count <= FileSpread.mostOwed
        && !owed.contains { now - $0.first >= FileBounds.spread }
    }
  }

  /// How long it is remembered what somebody was given or refused; longer than any rest.
  private static let memory = Duration.seconds(60)
  /// Chunks that a member may have been given and not announced: twice what an honest one asks for.
  private static let mostOwed = 2 * FileBounds.waitingRequests
  /// How often within ``memory`` a member may begin a file anew: more often than anybody cancels and
  /// accepts by hand, and hardly more than asking for other chunks would get.
  private static let mostBeginnings = 8
  /// Chunks remembered of a member: what a full wire carries in some seconds. Past it, all that is old is
  /// forgotten.
  private static let remembered = 1024
  /// Chunks of which one isn't given again at once, of all members.
  private static let spreading = 4096
  /// Members remembered, twice as many as have streams: closing one and opening it again helps nobody.
  private static let members = 2 * FileBounds.streams

  private var members: [PeerID: Member] = [:]
  private var latest: [Piece: (peer: PeerID, at: Moment)] = [:]

  /// - Parameter others: how many more members fetch the same file.
  /// - Returns: whether the member is to be given the chunk now. If so, it counts as given.
  mutating func grants(
    _ piece: Piece, to peer: PeerID, others: Int, at now: Moment
  ) -> Bool {
    makeRoom(for: peer, at: now)
    if let given = members[peer]?.given[piece] {
      if !given.isForgotten, now - given.latest < given.rest { return false }
    } else if others > 0, isSpreading(piece, without: peer, at: now),
      mustWait(peer, for: piece, at: now)
    {
      return false
    }
    members[peer]?.refused[piece] = nil
    if members[peer]?.given[piece] == nil {
      if members[peer]?.passesOn(at: now) == true { latest[piece] = (peer, now) }
      members[peer]?.given[piece] = Given(first: now, latest: now)
    } else {
      members[peer]?.given[piece]?.latest = now
      members[peer]?.given[piece]?.times += 1
      members[peer]?.given[piece]?.isForgotten = false
    }
    return true
  }

  /// The member has the chunk: others will get it there.
  mutating func announced(_ piece: Piece, by peer: PeerID) {
    members[peer]?.given[piece]?.isAnnounced = true
  }

  /// Likewise for each chunk of a map.
  mutating func announced(_ map: ChunkMap, of root: [UInt8], by peer: PeerID) {
    for piece in members[peer]?.given.keys.filter({ $0.root == root }) ?? []
    where map.contains(piece.chunk) { announced(piece, by: peer) }
  }

  /// The member has thrown away what it was given of this file, and passes none of it on. What it owed
  /// it owes still.
  mutating func startsAnew(_ root: [UInt8], for peer: PeerID, at now: Moment) {
    guard let member = members[peer] else { return }
    let pieces = member.given.keys.filter { $0.root == root }
    guard !pieces.isEmpty else { return }
    for piece in pieces where latest[piece]?.peer == peer { latest[piece] = nil }
    let recent = member.beginnings.filter { now - $0 < Self.memory }
    guard recent.count < Self.mostBeginnings else { return }
    members[peer]?.beginnings = recent + [now]
    for piece in pieces { members[peer]?.given[piece]?.isForgotten = true }
  }

  private func isSpreading(_ piece: Piece, without peer: PeerID, at now: Moment) -> Bool {
    guard let last = latest[piece], last.peer != peer, now - last.at < FileBounds.spread else {
      return false
    }
    return members[last.peer]?.passesOn(at: now) ?? false
  }

  /// Whether it hasn't been sent elsewhere for this chunk for long enough.
  private mutating func mustWait(_ peer: PeerID, for piece: Piece, at now: Moment) -> Bool {
    if let since = members[peer]?.refused[piece] {
      return now - since < FileBounds.longestSpread
    }
    guard members[peer]?.refused.count ?? 0 < Self.remembered else { return false }
    members[peer]?.refused[piece] = now
    return true
  }

  private mutating func makeRoom(for peer: PeerID, at now: Moment) {
    if latest.count >= Self.spreading {
      latest = latest.filter { now - $0.value.at < FileBounds.spread }
      if latest.count >= Self.spreading { latest.removeAll() }
    }
    guard let member = members[peer] else {
      if members.count >= Self.members { forgetOne() }
      members[peer] = Member()
      return
    }
    if member.refused.count >= Self.remembered {
      members[peer]?.refused = member.refused.filter { now - $0.value < Self.memory }
    }
    guard member.given.count >= Self.remembered else { return }
    members[peer]?.given = member.given.filter {
      !$0.value.isAnnounced && now - $0.value.latest < Self.memory
    }
    // So much can't be on its way.
    if members[peer]?.given.count ?? 0 >= Self.remembered { members[peer]?.given = [:] }
  }

  /// Whoever was given something longest ago.
  private mutating func forgetOne() {
    func newest(_ member: Member) -> Moment { member.given.values.map(\.latest).max() ?? .zero }
    let stalest = members.min { (newest($0.value), $0.key) < (newest($1.value), $1.key) }
    if let stalest { members[stalest.key] = nil }
  }
}
