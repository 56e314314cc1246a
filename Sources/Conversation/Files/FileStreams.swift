package import Foundations

/// With which members this one has streams for files: how many at most, whom to dial, and which to
/// close so that nobody can hold them all.
///
/// One stream a member. It is closed when it was silent for ``FileBounds/idle`` and nothing is fetched
/// over it; when there is no room, the one that was silent for longest makes some.
package struct FileStreams: Sendable {
  package enum Reason: Hashable, Sendable {
    /// The other side has opened it.
    case incoming
    /// It may have some of a file that is fetched here.
    case holder
    /// It offers a file that is fetched here.
    case author
  }

  package enum Opening: Hashable, Sendable {
    case taken(insteadOf: PeerID?)
    case refused
  }

  /// When a member last said something, or its stream was opened.
  private var heard: [PeerID: Moment] = [:]
  private var dialling: Set<PeerID> = []
  /// Members that couldn't be reached, and until when they aren't dialled.
  private var rests: [PeerID: Moment] = [:]

  package init() {}

  package var count: Int { heard.count }

  /// The earliest moment at which a stream may be idle.
  package var deadline: Moment? { heard.values.min().map { $0 + FileBounds.idle } }

  /// - Parameter useful: members whose streams are in use.
  package mutating func open(
    _ peer: PeerID, because reason: Reason, useful: Set<PeerID>, at now: Moment
  ) -> Opening {
    if heard[peer] == nil, heard.count >= FileBounds.streams {
      guard let victim = dispensable(for: reason, useful: useful, at: now) else { return .refused }
      heard[victim] = nil
      heard[peer] = now
      return .taken(insteadOf: victim)
    }
    heard[peer] = now
    return .taken(insteadOf: nil)
  }

  private func dispensable(
    for reason: Reason, useful: Set<PeerID>, at now: Moment
  ) -> PeerID? {
    let idle = heard.filter { !useful.contains($0.key) }
    let candidates =
      switch reason {
      // Whoever comes by itself waits until somebody has had its time.
      case .incoming: idle.filter { $0.value + FileBounds.turn <= now }
      case .holder: idle
      case .author: idle.isEmpty ? heard : idle
      }
    return candidates.min { ($0.value, $0.key) < ($1.value, $1.key) }?.key
  }

  package mutating func heard(_ peer: PeerID, at now: Moment) {
    if heard[peer] != nil { heard[peer] = now }
  }

  package mutating func close(_ peer: PeerID) { heard[peer] = nil }

  /// Streams that have outlived their use.
  package func idle(useful: Set<PeerID>, at now: Moment) -> [PeerID] {
    heard.filter { $0.value + FileBounds.idle <= now && !useful.contains($0.key) }.keys.sorted()
  }

  /// Whom to dial for a file: its authors in any case, others as far as there is room.
  ///
  /// When there is none, a stream over which nothing comes is named, so that in time everybody is asked.
  /// - Parameter members: in the order in which they are to be tried.
  package mutating func dial(
    authors: [PeerID], members: [PeerID], useful: Set<PeerID>, at now: Moment
  ) -> (dial: [PeerID], close: PeerID?) {
    rests = rests.filter { $0.value > now }
    var chosen: [PeerID] = []
    func isFree(_ peer: PeerID) -> Bool {
      heard[peer] == nil && !dialling.contains(peer) && rests[peer] == nil
    }
    for author in authors where isFree(author) && !chosen.contains(author) {
      chosen.append(author)
    }
    let others = members.filter { isFree($0) && !chosen.contains($0) }
    let room = FileBounds.holders - heard.count - dialling.count - chosen.count
    chosen += others.prefix(max(0, room))
    dialling.formUnion(chosen)
    guard room <= 0, !others.isEmpty else { return (chosen, nil) }
    let silent = heard.filter { !useful.contains($0.key) && $0.value + FileBounds.turn <= now }
    let victim = silent.min { ($0.value, $0.key) < ($1.value, $1.key) }?.key
    return (chosen, victim)
  }

  /// A dial has come to its end.
  package mutating func dialled(_ peer: PeerID, succeeded: Bool, at now: Moment) {
    dialling.remove(peer)
    if !succeeded { rests[peer] = now + FileBounds.dialRest }
  }
}
