import Foundation
import Foundations
import SwiftProtobuf
import Wire

/// Where a branch of one's own leaves what another member has of the same author's log.
///
/// Ends don't tell that: who has a branch that isn't here has most of what comes before it too, and no end
/// of one's own. Whoever sees another entry at a number that its own log has as well tells some of those
/// before its ends, evenly spread over where the two may part; the other answers in kind with some between
/// the last of them that it has and the first that it hasn't. So each time a sixteenth is left, and batches
/// begin where the two part, however much is the same before.
struct Fork {
  /// Entries told at once of one branch, beside the last common one.
  static let spread = 16

  let line: Int
  /// Up to here, counted from the beginning, the other surely has it.
  let common: UInt64
  /// From here on it surely hasn't, or the branch ends before.
  let parted: UInt64

  var isFound: Bool { parted - common == 1 }

  /// The numbers of the entries to tell: with the last common one, or the other would forget that it is, and
  /// the first that isn't, if there is one.
  var numbers: [UInt64] {
    let gap = parted - common
    let steps = min(gap, UInt64(Self.spread))
    let rest = (1...steps).map { common + gap * $0 / steps }
    return common > 0 ? [common] + rest : rest
  }
}

extension ChatLog {
  /// Where the branches part that the other doesn't say it has; empty if it only has less or more.
  func forks(of log: AuthorLog, given theirs: [AuthorTip]) -> [Fork] {
    guard theirs.contains(where: { entries[$0.hash] == nil }) else { return [] }
    let branches = theirs.map { TheirBranch($0, in: log, entries: entries) }
    let isContested = branches.contains { branch in
      !branch.tip.passed.isEmpty || branch.unknown.contains { $0 <= log.length }
    }
    guard isContested else { return [] }
    return log.ends.compactMap { end in
      let path = log.path(to: end)
      let forks = branches.map { $0.fork(from: path) }
      let common = forks.map(\.common).max() ?? 0
      guard common < end.sequence else { return nil }
      let parted = min(forks.map(\.parted).max() ?? 1, end.sequence + 1)
      return Fork(line: end.line, common: common, parted: parted)
    }
  }

  /// What to tell of one's ends, by their hashes, so that both see where their logs part. Of whoever brings
  /// many authors that contradict themselves the last wait until the first are the same.
  func passed(given theirs: [[UInt8]: [AuthorTip]]) -> [EntryHash: [PassedEntry]] {
    let parted = theirs.compactMap { key, tips -> (log: AuthorLog, forks: [Fork])? in
      guard let log = authors[key] else { return nil }
      let forks = forks(of: log, given: tips)
      return forks.isEmpty ? nil : (log, forks)
    }
    .sorted { left, right in
      let counts = [left, right].map { room.count(of: $0.log.sponsor) }
      return counts[0] == counts[1]
        ? left.log.key.lexicographicallyPrecedes(right.log.key) : counts[0] < counts[1]
    }
    var passed: [EntryHash: [PassedEntry]] = [:]
    var count = 0
    for (log, forks) in parted {
      let ends = log.ends
      for fork in forks {
        let path = log.path(to: ends[fork.line])
        let told = fork.numbers.compactMap { number in
          log.hash(number, on: path).map { PassedEntry(sequence: number, hash: $0) }
        }
        count += told.count
        guard count <= ChatBounds.passed else { return passed }
        log[ends[fork.line]].map { passed[$0] = told }
      }
    }
    return passed
  }

  /// What a member with these ends lacks of the log, each after its predecessor.
  func lacked(of log: AuthorLog, given theirs: [AuthorTip]) -> ArraySlice<EntryHash> {
    let told = theirs.map(\.hash) + theirs.flatMap(\.passed).map(\.hash)
    let known = told.compactMap { entries[$0]?.entry }.compactMap(log.place(of:))
    if known.isEmpty, !log.isFull, theirs.contains(where: { $0.sequence > log.length }),
      theirs.allSatisfy(\.passed.isEmpty)
    {
      // Further than this one: most likely it has all of it. If it hasn't, because the log has
      // branches, it will see so from one's own heads and tell where. Where all branches are taken, that one
      // may find no place, and then it has to hear of those.
      return []
    }
    var sought: Set<Int> = []
    for fork in forks(of: log, given: theirs) {
      // Those before it are on lines of a lower number.
      let isAfter = log.path(to: log.ends[fork.line]).contains { sought.contains($0.line) }
      if isAfter || !fork.isFound { sought.insert(fork.line) }
    }
    let rests = log.rests(after: known)
    guard log.isBranched else { return sought.isEmpty ? rests.first?.hashes ?? [] : [] }
    // What goes on where one of its ends is it surely lacks; of the rest it may have what comes before an
    // end that isn't known here.
    var ended = Set(theirs.map(\.hash))
    var certain: [EntryHash] = []
    var others: [EntryHash] = []
    for (line, rest) in rests.enumerated() where !sought.contains(line) {
      // One more than a batch takes, so that it isn't taken for all.
      let first = rest.hashes.prefix(ChatBounds.batchEntries + 1)
      if let root = rest.root, ended.contains(root) {
        certain += first
        ended.formUnion(first)
      } else {
        others += first
      }
    }
    return (certain.isEmpty ? others : certain)
      .sorted { entries[$0]!.entry < entries[$1]!.entry }[...]
  }
}

/// A branch that another member has, as far as it is known.
private struct TheirBranch {
  let tip: AuthorTip
  /// Ways to what of it is here.
  let known: [[AuthorLog.Place]]
  /// Numbers of what isn't.
  let unknown: [UInt64]

  init(_ tip: AuthorTip, in log: AuthorLog, entries: [EntryHash: ChatLog.Kept]) {
    self.tip = tip
    let told = tip.passed + [PassedEntry(sequence: tip.sequence, hash: tip.hash)]
    unknown = told.filter { entries[$0.hash] == nil }.map(\.sequence)
    known = told.compactMap { entries[$0.hash]?.entry }.compactMap(log.place(of:))
      .map(log.path(to:))
  }

  /// Where one's own branch may leave it.
  func fork(from path: [AuthorLog.Place]) -> (common: UInt64, parted: UInt64) {
    let common = known.map { AuthorLog.common(path, $0) }.max() ?? 0
    let hasLeft = known.contains { ($0.last?.sequence ?? 0) > common }
    let first = unknown.filter { $0 > common }.min()
    return (common, hasLeft ? common + 1 : first ?? common + 1)
  }
}
