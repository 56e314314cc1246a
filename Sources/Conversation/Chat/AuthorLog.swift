import Foundations

/// One author's entries: a chain, or a tree where the author signed several after one.
///
/// Of a tree eight branches are kept, the same ones by everybody, in whatever order they come: what goes on
/// first by hash is always kept, and of what else goes on from the same entry the seven that come first by
/// sequence number, and by hash where that is the same. Members that tell each other what they keep come to
/// keep the same: at the first number where two differ, one has what comes first for both.
struct AuthorLog: Sendable {
  /// Ed25519, 32 bytes.
  let key: [UInt8]
  /// Who answers for the author.
  let sponsor: PeerID
  /// By rank. The first begins with the log, each other with a second entry after one of those before it.
  /// Where several entries come after one, the first by hash goes on its line.
  private var lines: [Line] = []

  private struct Line: Sendable {
    /// The sequence number of its first entry.
    let first: UInt64
    var hashes: [EntryHash]

    var end: UInt64 { first + UInt64(hashes.count) }

    subscript(sequence: UInt64) -> EntryHash? {
      (first..<end).contains(sequence) ? hashes[Int(sequence - first)] : nil
    }

    /// Takes off what comes from this number on.
    mutating func split(at sequence: UInt64) -> Line {
      let kept = Int(sequence - first)
      let rest = Line(first: sequence, hashes: Array(hashes[kept...]))
      hashes.removeSubrange(kept...)
      return rest
    }

    static func < (left: Line, right: Line) -> Bool {
      (left.first, left.hashes[0]) < (right.first, right.hashes[0])
    }
  }

  init(key: [UInt8], sponsor: PeerID) {
    self.key = key
    self.sponsor = sponsor
  }

  /// The entries that nothing follows; one unless the log has branches.
  var tips: [EntryHash] { lines.map { $0.hashes[$0.hashes.count - 1] } }

  var isBranched: Bool { lines.count > 1 }

  /// Whether as many branches are here as are kept.
  var isFull: Bool { lines.count >= ChatBounds.tips }

  /// How many entries the longest branch has from the beginning.
  var length: UInt64 { (lines.map(\.end).max() ?? 1) - 1 }

  /// All entries, each after its predecessor.
  var all: [EntryHash] { lines.count == 1 ? lines[0].hashes : lines.flatMap(\.hashes) }

  /// Those of a log without branches from this number on.
  func chain(after sequence: UInt64) -> ArraySlice<EntryHash> {
    let hashes = lines.first?.hashes ?? []
    return hashes[min(Int(sequence), hashes.count)...]
  }

  /// Another entry with this number.
  func contradiction(of entry: Entry) -> EntryHash? {
    lines.lazy.compactMap { $0[entry.sequence] }.first
  }

  /// Puts the entry in its place, if it has one.
  ///
  /// - Precondition: its predecessor is here, and it isn't.
  /// - Returns: what has no place any more for it; `nil` when it has none itself.
  mutating func insert(_ entry: Entry) -> [EntryHash]? {
    let tip = entry.previous
    if tip == nil, lines.isEmpty {
      lines = [Line(first: entry.sequence, hashes: [entry.hash])]
      return []
    }
    if let tip, let place = lines.firstIndex(where: { $0.hashes.last == tip }) {
      lines[place].hashes.append(entry.hash)
      return []
    }
    guard let place = lines.firstIndex(where: { $0[entry.sequence - 1] == tip }) else { return nil }
    var branch = Line(first: entry.sequence, hashes: [entry.hash])
    if let other = lines[place][entry.sequence], entry.hash < other {
      let rest = lines[place].split(at: entry.sequence)
      lines[place].hashes += branch.hashes
      branch = rest
    }
    lines.insert(branch, at: lines.firstIndex { branch < $0 } ?? lines.count)
    guard lines.count > ChatBounds.tips else { return [] }
    let dropped = lines.removeLast().hashes
    return dropped == [entry.hash] ? nil : dropped
  }
}

/// The end of an author's log, as a member says that it has it.
struct AuthorTip: Hashable, Sendable {
  let sequence: UInt64
  let hash: EntryHash
}
