import Foundations

/// How many authors' logs, or further branches of them, are kept for whom.
///
/// Keys can be made up without end by whoever may admit, and then each of them begins a log. So whoever
/// answers for some authors has as many as there is room left, whoever they are: it takes half of the room
/// at most, and others always find some (dynamic thresholds, Choudhury and Hahne 1998, with α = 1).
struct AuthorRoom {
  let most: Int
  private var taken = 0
  private var ofSponsor: [PeerID: Int] = [:]

  init(of most: Int = ChatBounds.authors) {
    self.most = most
  }

  /// Below half nothing is refused: only then does it matter who answers for whom.
  var plenty: Int { most / 2 }

  mutating func take(for sponsor: PeerID) {
    taken += 1
    ofSponsor[sponsor, default: 0] += 1
  }

  func count(of sponsor: PeerID) -> Int { ofSponsor[sponsor, default: 0] }

  func isOpen(to sponsor: PeerID) -> Bool {
    taken < plenty || count(of: sponsor) < most - taken
  }
}
