package import Wire

/// What the author of a log is in the meeting, by the grants that it shows.
package enum Standing: Hashable, Sendable {
  case member
  /// Host or co-host: what it says that it did for order's sake counts.
  case moderator

  /// Verifies the grants of the holder of a key; `nil` when they don't make it a member.
  package typealias Judge = @Sendable (_ key: [UInt8], _ chain: WireGrantChain) -> Standing?
}

/// Who may speak at all. Each log begins with an entry that says that its author joined, and by what
/// grants: whoever comes when the author has long left can verify them, and nobody can make up people.
extension ChatLog {
  /// Whether the first entry of a log shows that its author is a member.
  func beginsAsMember(_ entry: Entry) -> Bool {
    guard let judge else { return true }
    guard case .joined(_, let chain) = entry.body else { return false }
    return judge(entry.authorKey, chain) != nil
  }

  /// Notes the standing that an entry shows. It may rise: a member is made co-host.
  mutating func judge(_ entry: Entry) {
    guard case .joined(_, let chain) = entry.body, !moderators.contains(entry.authorKey),
      shownChains[entry.authorKey] != chain, let judge
    else { return }
    // Most logs show the same grants at each coming.
    shownChains[entry.authorKey] = chain
    if judge(entry.authorKey, chain) == .moderator { moderators.insert(entry.authorKey) }
  }

  /// Whether the entry says that its author kept order, which it may not.
  func isOutOfTurn(_ entry: Entry) -> Bool {
    guard judge != nil, case .moderation = entry.body else { return false }
    return !moderators.contains(entry.authorKey)
  }
}
