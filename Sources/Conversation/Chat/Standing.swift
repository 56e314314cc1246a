package import Foundations
package import Wire

/// What the author of a log is in the meeting, by the grants that it shows.
package struct Standing: Hashable, Sendable {
  /// Host or co-host: what it says that it did for order's sake counts.
  package let isModerator: Bool
  /// Who answers for the member. Keys that one member makes up and admits all have the same.
  package let sponsor: PeerID

  package init(isModerator: Bool = false, sponsor: PeerID) {
    self.isModerator = isModerator
    self.sponsor = sponsor
  }

  /// Verifies the grants of the holder of a key; `nil` when they don't make it a member.
  package typealias Judge = @Sendable (_ key: [UInt8], _ chain: WireGrantChain) -> Standing?
}

/// Who may speak at all. Each log begins with an entry that says that its author joined, and by what
/// grants: whoever comes when the author has long left can verify them, and nobody can make up people.
extension ChatLog {
  /// Begins the log of an author of whom nothing is here yet.
  /// - Parameter isKept: whether the entry was taken before, in an earlier run.
  mutating func begin(with entry: Entry, isKept: Bool) throws(ChatError) {
    // However many there are, one's own log begins.
    guard authors.count < ChatBounds.authors || entry.author == me else { throw .tooMany }
    var standing = judge == nil || isKept ? Standing(sponsor: entry.author) : nil
    if let judge, case .joined(_, let chain) = entry.body {
      standing = judge(entry.authorKey, chain) ?? standing
    }
    guard let standing else { throw .notMember }
    guard room.isOpen(to: standing.sponsor) || isKept || entry.author == me else { throw .tooMany }
    room.take(for: standing.sponsor)
    if case .joined(_, let chain) = entry.body { shownChains[entry.authorKey] = chain }
    if standing.isModerator { moderators.insert(entry.authorKey) }
    waitingUnbegun -= waitingByAuthor[entry.author, default: 0]
    authors[entry.authorKey] = AuthorLog(key: entry.authorKey, sponsor: standing.sponsor)
    let place = authorKeys.firstIndex { entry.authorKey.lexicographicallyPrecedes($0) }
    authorKeys.insert(entry.authorKey, at: place ?? authorKeys.count)
  }

  /// Who answers for the author of an entry.
  package func sponsor(of entry: Entry) -> PeerID {
    authors[entry.authorKey]?.sponsor ?? entry.author
  }

  func beginsAsMember(_ entry: Entry) -> Bool {
    guard let judge else { return true }
    guard case .joined(_, let chain) = entry.body else { return false }
    return judge(entry.authorKey, chain) != nil
  }

  /// Notes the standing that an entry shows. It may rise: a member is made co-host.
  /// - Returns: whether it did.
  @discardableResult
  mutating func judge(_ entry: Entry) -> Bool {
    guard case .joined(_, let chain) = entry.body, !moderators.contains(entry.authorKey),
      shownChains[entry.authorKey] != chain, let judge
    else { return false }
    // Most logs show the same grants at each coming.
    shownChains[entry.authorKey] = chain
    guard judge(entry.authorKey, chain)?.isModerator == true else { return false }
    return moderators.insert(entry.authorKey).inserted
  }

  /// The same for an author some of whose entries are gone.
  mutating func judgeAnew(_ author: [UInt8], into outputs: inout [Output]) {
    moderators.remove(author)
    shownChains[author] = nil
    for hash in authors[author]?.all ?? [] { entries[hash].map { _ = judge($0.entry) } }
    recount(author, into: &outputs)
  }

  /// Whether the entry says that its author kept order, which it may not.
  func isOutOfTurn(_ entry: Entry) -> Bool {
    guard judge != nil, case .moderation = entry.body else { return false }
    return !moderators.contains(entry.authorKey)
  }
}
