import Chat
import Files
import Foundations

extension FileDesk {
  struct Offer: Sendable {
    let entry: EntryID
    let author: PeerID
    /// Fit to be shown.
    let name: String
    let shape: FileShape
    let digest: [UInt8]
  }

  /// One content, however often it was offered.
  struct Item {
    /// In the order in which they came. One may be by another, under another name, or with a size or
    /// digest of which one must be wrong.
    private var inOrder: [Offer]
    /// The place of the offer that counts.
    private var leading = 0
    var state = State.offered
    /// Members that take part in the file, and what they have.
    var others: [PeerID: ChunkMap] = [:]
    /// As last reported.
    var chunksTold = -1
    /// Since when nobody has the rest of it, and whether that was told.
    var aloneSince: Moment?
    var isToldAlone = false

    init(_ offer: Offer) {
      inOrder = [offer]
    }

    enum Adding: Hashable {
      /// - Parameter insteadOf: whose older offer made room.
      case added(insteadOf: PeerID?)
      case refused
    }

    /// Offers of one content that can be referred to: each is told of when the file is here.
    private static let most = 64
    /// Of one member the newest, as many as a file is offered again by hand. Nobody else's are lost to
    /// them, whatever they claim.
    private static let mostOfOne = 8

    /// Whether it is on its way here.
    var isUnderWay: Bool {
      switch state {
      case .verifying, .fetching, .placing: true
      case .offered, .whole: false
      }
    }

    /// The one that counts: the first, or the one that was accepted.
    var offer: Offer { inOrder[leading] }
    /// The one that counts first.
    var offers: [Offer] { [offer] + inOrder[..<leading] + inOrder[(leading + 1)...] }
    /// Those whose words are the one's that counts.
    var agreeing: [Offer] { offers.filter { $0.shape == offer.shape } }

    /// An author's oldest offer makes room for its newest; where there are too many in all, the oldest
    /// of whoever made the most of them, for one who made fewer. The one that is fetched or here stays.
    /// - Returns: whether it can be referred to from now on.
    mutating func add(_ offer: Offer, isOwn: Bool) -> Adding {
      let counts = inOrder.reduce(into: [PeerID: Int]()) { $0[$1.author, default: 0] += 1 }
      let ofOne = counts[offer.author, default: 0]
      var loser: PeerID?
      if ofOne >= Self.mostOfOne {
        loser = offer.author
      } else if inOrder.count >= Self.most, !isOwn {
        let most = counts.max { ($0.value, $0.key) < ($1.value, $1.key) }
        guard let most, most.value > ofOne + 1 else { return .refused }
        loser = most.key
      }
      if let loser {
        let oldest = inOrder.indices.first {
          inOrder[$0].author == loser && ($0 != leading || state.isOffered)
        }
        // Of several at most one is under way.
        guard let oldest else { return .refused }
        _ = remove(inOrder[oldest].entry)
      }
      inOrder.append(offer)
      return .added(insteadOf: loser)
    }

    /// Lets this one of the offers count.
    mutating func lead(with entry: EntryID) {
      leading = inOrder.firstIndex { $0.entry == entry } ?? leading
    }

    /// - Returns: whether another offer is left to count.
    mutating func remove(_ entry: EntryID) -> Bool {
      guard let place = inOrder.firstIndex(where: { $0.entry == entry }) else { return true }
      guard inOrder.count > 1 else { return false }
      let removed = inOrder.remove(at: place)
      if place < leading {
        leading -= 1
      } else if place == leading {
        leading = inOrder.firstIndex { $0.shape == removed.shape } ?? 0
      }
      return true
    }
  }

  /// Exits: `offered` → `fetching` when accepted, `verifying` where an earlier run has kept some, `whole`
  /// when it is one's own; `verifying` → `fetching`, `offered` when cancelled; `fetching` → `placing`
  /// with the last chunk, `offered` when cancelled or failed; `placing` → `whole`, `offered`; `whole` →
  /// `offered` when cancelled, or gone from the disk.
  enum State {
    case offered
    /// What was kept is compared with its hashes.
    case verifying
    /// Its machine is in ``FileDesk/fetches``.
    case fetching
    /// All chunks are here; the whole is being verified, or there was no place for it.
    case placing(Placing)
    case whole(path: String, hashes: [[UInt8]])

    var isOffered: Bool {
      switch self {
      case .offered: true
      case .verifying, .fetching, .placing, .whole: false
      }
    }
  }
}
