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
    /// The entry before that.
    let root: EntryHash?
    var hashes: [EntryHash]

    var end: UInt64 { first + UInt64(hashes.count) }

    subscript(sequence: UInt64) -> EntryHash? {
      (first..<end).contains(sequence) ? hashes[Int(sequence - first)] : nil
    }

    /// Takes off what comes from this number on.
    mutating func split(at sequence: UInt64) -> Line {
      let kept = Int(sequence - first)
      let rest = Line(
        first: sequence, root: kept > 0 ? hashes[kept - 1] : root, hashes: Array(hashes[kept...]))
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

  var branchCount: Int { lines.count }
  var isBranched: Bool { lines.count > 1 }

  /// Whether as many branches are here as are kept.
  var isFull: Bool { lines.count >= ChatBounds.tips }

  /// How many entries the longest branch has from the beginning.
  var length: UInt64 { (lines.map(\.end).max() ?? 1) - 1 }

  /// All entries, each after its predecessor.
  var all: [EntryHash] { lines.count == 1 ? lines[0].hashes : lines.flatMap(\.hashes) }

  /// Another entry with this number.
  func contradiction(of entry: Entry) -> EntryHash? {
    lines.lazy.compactMap { $0[entry.sequence] }.first
  }

  /// Puts the entry in its place, if it has one.
  ///
  /// - Precondition: its predecessor is here, and it isn't.
  /// - Parameter mayBranch: whether there is room for another branch beside those that are here.
  /// - Returns: what has no place any more for it; `nil` when it has none itself.
  mutating func insert(_ entry: Entry, mayBranch: Bool = true) -> [EntryHash]? {
    let tip = entry.previous
    if tip == nil, lines.isEmpty {
      lines = [Line(first: entry.sequence, root: nil, hashes: [entry.hash])]
      return []
    }
    if let tip, let place = lines.firstIndex(where: { $0.hashes.last == tip }) {
      lines[place].hashes.append(entry.hash)
      return []
    }
    guard let place = lines.firstIndex(where: { $0[entry.sequence - 1] == tip }) else { return nil }
    var branch = Line(first: entry.sequence, root: tip, hashes: [entry.hash])
    if let other = lines[place][entry.sequence], entry.hash < other {
      let rest = lines[place].split(at: entry.sequence)
      lines[place].hashes += branch.hashes
      branch = rest
    }
    lines.insert(branch, at: lines.firstIndex { branch < $0 } ?? lines.count)
    guard lines.count > ChatBounds.tips || !mayBranch else { return [] }
    let dropped = lines.removeLast().hashes
    return dropped == [entry.hash] ? nil : dropped
  }
}

extension AuthorLog {
  /// Where an entry stands.
  struct Place: Equatable, Sendable {
    let line: Int
    let sequence: UInt64
  }

  var ends: [Place] {
    lines.indices.map { Place(line: $0, sequence: lines[$0].end - 1) }
  }

  subscript(place: Place) -> EntryHash? { lines[place.line][place.sequence] }

  func place(of entry: Entry) -> Place? {
    lines.firstIndex { $0[entry.sequence] == entry.hash }
      .map { Place(line: $0, sequence: entry.sequence) }
  }

  /// The last entries before `place`, and itself, on each line that leads there from the beginning.
  func path(to place: Place) -> [Place] {
    var path = [place]
    while let root = lines[path[0].line].root {
      let sequence = lines[path[0].line].first - 1
      guard let line = lines.firstIndex(where: { $0[sequence] == root }) else { break }
      path.insert(Place(line: line, sequence: sequence), at: 0)
    }
    return path
  }

  /// The hash with this number on a path.
  func hash(_ sequence: UInt64, on path: [Place]) -> EntryHash? {
    path.first { sequence <= $0.sequence }.flatMap { lines[$0.line][sequence] }
  }

  /// How many entries two paths have in common.
  static func common(_ left: [Place], _ right: [Place]) -> UInt64 {
    var common: UInt64 = 0
    for (one, other) in zip(left, right) where one.line == other.line {
      common = min(one.sequence, other.sequence)
      if one != other { break }
    }
    return common
  }

  /// What comes on each line after these entries, and after all that comes before them.
  func rests(after known: [Place]) -> [(root: EntryHash?, hashes: ArraySlice<EntryHash>)] {
    var counts = lines.map { _ in 0 }
    for step in known.flatMap(path(to:)) {
      counts[step.line] = max(counts[step.line], Int(step.sequence - lines[step.line].first) + 1)
    }
    return zip(lines, counts).map { line, count in
      (count > 0 ? line.hashes[count - 1] : line.root, line.hashes[count...])
    }
  }
}

/// The end of an author's log, as a member says that it has it.
struct AuthorTip: Hashable, Sendable {
  let sequence: UInt64
  let hash: EntryHash
  /// Some of the entries before it.
  var passed: [PassedEntry] = []
}

struct PassedEntry: Hashable, Sendable {
  let sequence: UInt64
  let hash: EntryHash
}
