import Chat
import Files
import Foundations

extension FileDesk {
  struct Offer: Sendable {
    let entry: EntryID
    let author: PeerID
    /// Who answers for the author: what all those offer for whom one member answers counts together.
    let sponsor: PeerID
    /// Fit to be shown.
    let name: String
    let shape: FileShape
    let digest: [UInt8]

    init(
      entry: EntryID, author: PeerID, sponsor: PeerID? = nil, name: String, shape: FileShape,
      digest: [UInt8]
    ) {
      self.entry = entry
      self.author = author
      self.sponsor = sponsor ?? author
      self.name = name
      self.shape = shape
      self.digest = digest
    }
  }

  /// One content, however often it was offered.
  struct Item {
    /// In the order in which they came. One may be by another, under another name, or with a size or
    /// digest of which one must be wrong.
    private var inOrder: [Offer]
    /// The place of the offer that counts.
    private var leading = 0
    /// Older ones, in the order in which they were set aside for others: each can be accepted still, and
    /// comes back when there is a place. They count among ``FileDesk/mostOffers``.
    private var aside: [Offer] = []
    var state = State.offered
    /// Members that take part in the file, and what they have.
    var others: [PeerID: ChunkMap] = [:]
    /// As last reported.
    var chunksTold = -1
    /// Whether it comes though nobody here has asked for it.
    var isUnasked = false
    /// When it was begun, or more of it was here in a round.
    var newsAt = Moment.zero
    /// Since when nobody has the rest of it, and whether that was told.
    var aloneSince: Moment?
    var isToldAlone = false

    init(_ offer: Offer) {
      inOrder = [offer]
    }

    /// Offers of one content that are told of together, each when the file is here.
    private static let most = 64
    /// Of one member the newest, as many as a file is offered again by hand. Nobody else's are set aside
    /// for them, whatever they claim.
    private static let mostOfOne = 8

    /// Whether it is on its way here.
    var isUnderWay: Bool {
      switch state {
      case .verifying, .fetching, .placing: true
      case .offered, .whole: false
      }
    }

    /// Whether it may be expected to get on.
    var isRunning: Bool { isUnderWay && !isToldAlone }

    /// The one that counts: the first, or the one that was accepted.
    var offer: Offer { inOrder[leading] }
    /// The one that counts first.
    var offers: [Offer] { [offer] + inOrder[..<leading] + inOrder[(leading + 1)...] }
    /// Those whose words are the one's that counts.
    var agreeing: [Offer] { offers.filter { $0.shape == offer.shape } }
    /// All that can be referred to.
    var known: [Offer] { offers + aside }

    /// A sponsor's oldest offer makes place for its newest; where there are too many in all, the oldest
    /// of whoever answers for the most of them, for one with fewer. The one that is fetched or here stays.
    mutating func add(_ offer: Offer, isOwn: Bool) {
      if makePlace(for: offer.sponsor) || isOwn {
        inOrder.append(offer)
      } else {
        aside.append(offer)
      }
    }

    /// Lets this one of the offers count.
    mutating func lead(with entry: EntryID) {
      recall(entry)
      leading = inOrder.firstIndex { $0.entry == entry } ?? leading
    }

    /// Tells of this one again, as of the newest: somebody has asked for it.
    mutating func recall(_ entry: EntryID) {
      guard let place = aside.firstIndex(where: { $0.entry == entry }) else { return }
      let offer = aside.remove(at: place)
      if !makePlace(for: offer.sponsor) { setAside { _ in true } }
      inOrder.append(offer)
    }

    /// - Returns: whether there is a place for an offer of this sponsor's.
    private mutating func makePlace(for sponsor: PeerID) -> Bool {
      let counts = counts
      let ofOne = counts[sponsor, default: 0]
      if ofOne >= Self.mostOfOne { return setAside { $0 == sponsor } }
      guard inOrder.count >= Self.most else { return true }
      let most = counts.max { ($0.value, $0.key) < ($1.value, $1.key) }
      guard let most, most.value > ofOne + 1 else { return false }
      return setAside { $0 == most.key }
    }

    private var counts: [PeerID: Int] {
      inOrder.reduce(into: [:]) { $0[$1.sponsor, default: 0] += 1 }
    }

    /// The oldest of such a sponsor's, but for one that is fetched or here.
    @discardableResult
    private mutating func setAside(by isMeant: (PeerID) -> Bool) -> Bool {
      let place = inOrder.indices.first {
        isMeant(inOrder[$0].sponsor) && ($0 != leading || state.isOffered)
      }
      guard let place, inOrder.count > 1 else { return false }
      aside.append(takeOut(place))
      return true
    }

    /// There are others.
    private mutating func takeOut(_ place: Int) -> Offer {
      let offer = inOrder.remove(at: place)
      if place < leading {
        leading -= 1
      } else if place == leading {
        leading = inOrder.firstIndex { $0.shape == offer.shape } ?? 0
      }
      return offer
    }

    /// - Returns: whether another offer is left to count.
    mutating func remove(_ entry: EntryID) -> Bool {
      aside.removeAll { $0.entry == entry }
      guard let place = inOrder.firstIndex(where: { $0.entry == entry }) else { return true }
      let counts = counts
      let sponsor = inOrder[place].sponsor
      // The newest of those whose sponsor has a place.
      let heir = aside.lastIndex {
        counts[$0.sponsor, default: 0] - ($0.sponsor == sponsor ? 1 : 0) < Self.mostOfOne
      }
      if let heir { inOrder.append(aside.remove(at: heir)) }
      guard inOrder.count > 1 else { return false }
      _ = takeOut(place)
      return true
    }

    /// Forgets the oldest such that was set aside.
    /// - Returns: whether there was one.
    mutating func forgetAside(where isMeant: (Offer) -> Bool) -> Bool {
      guard let place = aside.firstIndex(where: isMeant) else { return false }
      aside.remove(at: place)
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
