import Files
import Foundation
import Foundations

/// Files that come without being asked for: how large one may be, how much all together, also over
/// restarts, and how many at once. Those of all authors that one sponsor answers for take no more than half
/// of anything, so that others' come, whatever they offer.
struct UnaskedFiles {
  /// What a file that was let in counts.
  struct Share: Hashable {
    /// `nil` where it isn't known.
    let sponsor: PeerID?
    let byteCount: Int
  }

  private struct Candidate {
    let root: [UInt8]
    let byteCount: Int
    /// Which is counted already: it was let in, by this run or the one before.
    var share: Share?
    /// How often nothing came of it, and until when it rests.
    var failures = 0
    var rest: Moment?
  }

  /// `nil` where nothing comes unasked.
  private let largest: Int?
  private let directory: String
  /// By their sponsors. The last goes first: of those that weren't tried the newest, it is what people
  /// talk about; then the one that was tried longest ago.
  private var waiting: [PeerID: [Candidate]] = [:]
  private var letIn: [[UInt8]: (sponsor: PeerID, candidate: Candidate)] = [:]
  /// What was let in of each by this run and those before it, but for that of which nothing came.
  private var bytes: [PeerID?: Int] = [:]
  private(set) var hasRefused = false

  /// How long it isn't tried again, when nothing came of it; doubled each time.
  private static let firstRest = Duration.seconds(30)
  private static let longestRest = Duration.seconds(300)

  private var path: String { directory + "/unasked" }

  init(largest: Int?, directory: String) {
    self.largest = largest
    self.directory = directory
    let text = FileManager.default.contents(atPath: path)?.prefix(Self.limit) ?? Data()
    for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
      guard let share = Share(line) else { continue }
      bytes[share.sponsor] = share.byteCount
    }
  }

  /// Bytes; a sponsor has at least a thousandth of all, and a line of some fifty.
  private static let limit = 1 << 20

  /// - Parameter share: what it was let in with by the run before.
  mutating func consider(
    _ root: [UInt8], byteCount: Int, of sponsor: PeerID, holding share: Share? = nil
  ) {
    guard let largest, byteCount <= largest else { return }
    waiting[sponsor, default: []].append(
      Candidate(root: root, byteCount: byteCount, share: share))
  }

  /// The next to fetch, if it is its turn: one of the sponsor of whom the least is under way.
  mutating func next(
    at now: Moment, isUnderWay: ([UInt8]) -> Bool, isRunning: ([UInt8]) -> Bool
  ) -> (root: [UInt8], share: Share)? {
    guard let largest, !waiting.isEmpty else { return nil }
    letIn = letIn.filter { isUnderWay($0.key) }
    var (running, underWay) = ([PeerID: Int](), [PeerID: Int]())
    for (root, (sponsor, _)) in letIn {
      underWay[sponsor, default: 0] += 1
      if isRunning(root) { running[sponsor, default: 0] += 1 }
    }
    guard running.values.reduce(0, +) < FileBounds.unaskedAtOnce,
      letIn.count < FileBounds.unaskedUnderWay
    else { return nil }
    let sponsors = waiting.keys.filter {
      running[$0, default: 0] < FileBounds.unaskedAtOnce / 2
        && underWay[$0, default: 0] < FileBounds.unaskedUnderWay / 2
    }
    func order(_ sponsor: PeerID) -> (Int, Int, PeerID) {
      (running[sponsor, default: 0], bytes[sponsor, default: 0], sponsor)
    }
    for sponsor in sponsors.sorted(by: { order($0) < order($1) }) {
      let all = bytes.values.reduce(0, +)
      let ofOne = bytes[sponsor, default: 0]
      var isRefused = false
      let place = waiting[sponsor]?.lastIndex { candidate in
        guard candidate.rest.map({ $0 <= now }) ?? true else { return false }
        if candidate.share != nil { return true }
        let size = Self.share(of: candidate.byteCount, largest: largest)
        let fits =
          all + size <= largest * FileBounds.unasked
          && ofOne + size <= largest * FileBounds.unasked / 2
        isRefused = isRefused || !fits
        return fits
      }
      hasRefused = hasRefused || isRefused
      if let place { return take(place, of: sponsor, largest: largest) }
    }
    return nil
  }

  private mutating func take(
    _ place: Int, of sponsor: PeerID, largest: Int
  ) -> (root: [UInt8], share: Share)? {
    guard var candidate = waiting[sponsor]?.remove(at: place) else { return nil }
    if waiting[sponsor]?.isEmpty == true { waiting[sponsor] = nil }
    let share =
      candidate.share
      ?? Share(
        sponsor: sponsor, byteCount: Self.share(of: candidate.byteCount, largest: largest))
    if candidate.share == nil { count(share, by: 1) }
    candidate.share = share
    letIn[candidate.root] = (sponsor, candidate)
    return (candidate.root, share)
  }

  /// Thousands of tiny files would be a nuisance too.
  private static func share(of byteCount: Int, largest: Int) -> Int {
    max(byteCount, largest / 100)
  }

  /// Nothing came of it: it counts no more, and is tried again later, after those that weren't tried.
  mutating func setAside(_ root: [UInt8], at now: Moment) {
    guard let (sponsor, tried) = giveBack(root) else { return }
    var candidate = tried
    let rest = Self.firstRest * (1 << min(candidate.failures, 8))
    candidate.rest = now + min(rest, Self.longestRest)
    candidate.failures += 1
    waiting[sponsor, default: []].insert(candidate, at: 0)
  }

  /// It doesn't come unasked any more.
  /// - Parameter hasCome: whether something of it is here. What never came doesn't count.
  /// - Returns: whether it waited for its turn.
  @discardableResult
  mutating func remove(_ root: [UInt8], hasCome: Bool) -> Bool {
    if hasCome { letIn[root] = nil } else { _ = giveBack(root) }
    for (sponsor, candidates) in waiting {
      guard let place = candidates.firstIndex(where: { $0.root == root }) else { continue }
      waiting[sponsor]?.remove(at: place)
      if candidates.count == 1 { waiting[sponsor] = nil }
      return true
    }
    return false
  }

  private mutating func giveBack(_ root: [UInt8]) -> (sponsor: PeerID, candidate: Candidate)? {
    guard let (sponsor, tried) = letIn.removeValue(forKey: root) else { return nil }
    var candidate = tried
    if let share = candidate.share { count(share, by: -1) }
    candidate.share = nil
    return (sponsor, candidate)
  }

  /// When one that rests may be tried again.
  func deadline(after now: Moment) -> Moment? {
    waiting.values.lazy.joined().compactMap(\.rest).filter { $0 > now }.min()
  }

  private mutating func count(_ share: Share, by step: Int) {
    let count = bytes[share.sponsor, default: 0] + step * share.byteCount
    bytes[share.sponsor] = count > 0 ? count : nil
    keep()
  }

  /// Where it can't be kept, nothing that is fetched can be either.
  private func keep() {
    let lines = bytes.map { Share(sponsor: $0.key, byteCount: $0.value).text }.sorted()
    try? FileFolder(path: directory).make()
    try? FileFolder.write(Array(lines.joined(separator: "\n").utf8), to: path)
  }
}

extension UnaskedFiles.Share {
  /// As it is kept: the sponsor, where it is known, and the bytes.
  var text: String { (sponsor.map { "\($0) " } ?? "") + "\(byteCount)" }

  init?(_ text: some StringProtocol) {
    let words = text.split(separator: " ")
    // Of all together there are fewer.
    guard (1...2).contains(words.count), let byteCount = words.last.flatMap({ Int($0) }),
      (0...1 << 40).contains(byteCount)
    else { return nil }
    let sponsor = words.count == 2 ? PeerID(hexadecimal: words[0]) : nil
    guard words.count == 1 || sponsor != nil else { return nil }
    self.init(sponsor: sponsor, byteCount: byteCount)
  }
}
