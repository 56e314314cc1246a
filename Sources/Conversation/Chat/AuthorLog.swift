/// One author's entries: a chain, or a tree where the author signed two after one.
struct AuthorLog: Sendable {
  /// Ed25519, 32 bytes.
  let key: [UInt8]
  /// The first that was taken at each sequence number, from 1, without a hole.
  private(set) var chain: [EntryHash] = []
  /// Any others, each after its predecessor.
  private(set) var branches: [EntryHash] = []
  /// The entries that nothing follows; one unless the log has branches.
  private(set) var tips: [EntryHash] = []

  init(key: [UInt8]) {
    self.key = key
  }

  /// Whether `entry` would be the second at its sequence number.
  func branches(at entry: Entry) -> Bool {
    entry.sequence <= UInt64(chain.count)
  }

  /// Whether as many branches are here as are kept: only what goes on where one ends has room, for good.
  var isFull: Bool { tips.count >= ChatBounds.tips }

  func hasRoom(for entry: Entry) -> Bool {
    entry.previous.map(tips.contains) == true || !isFull
  }

  /// - Precondition: its predecessor was appended.
  mutating func append(_ entry: Entry) {
    if branches(at: entry) {
      branches.append(entry.hash)
    } else {
      chain.append(entry.hash)
    }
    tips.removeAll { $0 == entry.previous }
    tips.append(entry.hash)
  }
}

/// The end of an author's log, as a member says that it has it.
struct AuthorTip: Hashable, Sendable {
  let sequence: UInt64
  let hash: EntryHash
}
