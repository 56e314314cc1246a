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
    /// The offer that counts: the first, or the one that was accepted.
    private(set) var offer: Offer
    /// The same root offered again: by another, under another name, or with a size or digest of which
    /// one must be wrong.
    private(set) var further: [Offer] = []
    var state = State.offered
    /// Members that take part in the file, and what they have.
    var others: [PeerID: ChunkMap] = [:]
    /// As last reported.
    var chunksTold = -1
    /// Since when nobody has the rest of it, and whether that was told.
    var aloneSince: Moment?
    var isToldAlone = false

    init(_ offer: Offer) {
      self.offer = offer
    }

    /// More offers of one content are only told of, and of one member more than two.
    private static let mostFurther = 8
    private static let mostOfOne = 2

    /// Whether it is on its way here.
    var isUnderWay: Bool {
      switch state {
      case .verifying, .fetching, .placing: true
      case .offered, .whole: false
      }
    }

    var offers: [Offer] { [offer] + further }
    /// Those whose words are the one's that counts.
    var agreeing: [Offer] { offers.filter { $0.shape == offer.shape } }

    /// - Returns: whether it can be referred to from now on.
    mutating func add(_ offer: Offer, isOwn: Bool) -> Bool {
      let ofOne = offers.count { $0.author == offer.author }
      guard isOwn || further.count < Self.mostFurther && ofOne < Self.mostOfOne else {
        return false
      }
      further.append(offer)
      return true
    }

    /// Lets this one of the offers count.
    mutating func lead(with entry: EntryID) {
      guard let place = further.firstIndex(where: { $0.entry == entry }) else { return }
      further.append(offer)
      offer = further.remove(at: place)
    }

    /// - Returns: whether another offer is left to count.
    mutating func remove(_ entry: EntryID) -> Bool {
      further.removeAll { $0.entry == entry }
      guard offer.entry == entry else { return true }
      guard
        let next = further.firstIndex(where: { $0.shape == offer.shape }) ?? further.indices.first
      else { return false }
      offer = further.remove(at: next)
      return true
    }
  }

  /// Exits: `offered` → `fetching` when accepted, `verifying` where an earlier run has kept some, `whole`
  /// when it is one's own; `verifying` → `fetching`, `offered` when cancelled; `fetching` → `placing`
  /// with the last chunk, `offered` when cancelled or failed; `placing` → `whole`, `offered`; `whole` →
  /// `offered`.
  enum State {
    case offered
    /// What was kept is compared with its hashes.
    case verifying
    /// Its machine is in ``FileDesk/fetches``.
    case fetching
    /// All chunks are here; the whole is being verified, or there was no place for it.
    case placing(Placing)
    case whole(path: String, hashes: [[UInt8]])
  }
}
