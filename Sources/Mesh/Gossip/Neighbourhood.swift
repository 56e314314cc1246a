import Foundations
import Wire

/// A member, as one member knows it.
struct KnownMember: Sendable {
  /// Whether it is here.
  enum Standing: Equatable, Sendable {
    /// Heard of, not reached yet. Exits: present, lost, left.
    case introduced
    /// Reached over a link, or through others who hear it. Exits: introduced (its next run was heard
    /// of), lost, left.
    case present
    /// Not reached, and nobody hears it. Exits: introduced (its next run), present, left.
    case lost(since: Moment)
    /// Said goodbye. Exits: introduced (its next run), present.
    case left
  }

  enum Dial: Equatable, Sendable {
    case idle
    case due(Moment)
    case underway(since: Moment)
  }

  var record: MemberRecord
  var sponsor: PeerID
  var standing = Standing.introduced
  /// Its latest membership, as it broadcast it.
  var envelope: WireBroadcast?
  /// The number of its latest membership or leaving.
  var statement: UInt64?
  var broadcasts = NumberWindow()
  var directed = NumberWindow()
  /// In the order in which they came up. More than one only while a double is given up.
  var links: [LinkID] = []
  var dial = Dial.idle
  /// Whether its addresses are its own: a dial of ours was answered under its present record, and it wasn't
  /// lost since.
  var isReached = false
  /// Dials that failed in a row, under its present record and since its last link.
  var failedDials = 0
  /// It isn't dialled sooner.
  var nextDial = Moment(nanoseconds: .min)
  /// When somebody's naming it may bring its next dial forward again.
  var nextHint = Moment(nanoseconds: .min)
  var suspicion: Suspicion?
  /// Neighbours that said they hear it, while there is no link. The latest last.
  var vouchers: [PeerID] = []
  /// When those are to be asked anew.
  var probeAgain: Moment?
  /// Somebody accuses it of being gone.
  var doubt: Doubt?
  /// How much its accusations of others, and of this member, count still.
  var accusations: RateBucket?
  var accusationsOfMe: RateBucket?
  /// The neighbour through which it was heard last.
  var nextHop: PeerID?
  /// When it may be contested again.
  var nextContest = Moment(nanoseconds: .min)

  init(record: MemberRecord, sponsor: PeerID) {
    self.record = record
    self.sponsor = sponsor
  }

  /// There is cause to think that it is reached now: nothing that was tried before counts.
  mutating func forgetFailedDials() {
    failedDials = 0
    nextDial = Moment(nanoseconds: .min)
    nextHint = Moment(nanoseconds: .min)
  }

  var isPresent: Bool { standing == .present }

  /// Whether it is here, or said to be.
  var isHere: Bool {
    switch standing {
    case .introduced, .present: true
    case .lost, .left: false
    }
  }

  var isLost: Bool {
    switch standing {
    case .lost: true
    case .introduced, .present, .left: false
    }
  }

  /// Whether it has a deadline.
  var isAwaited: Bool {
    if case .idle = dial, suspicion == nil, probeAgain == nil, doubt == nil { return false }
    return true
  }
}

/// A member is perhaps gone.
struct Suspicion: Sendable {
  /// Who is asked.
  enum Step: Equatable, Sendable {
    /// It is its turn, and nothing else gave cause: the neighbour through which it is heard is asked. Next:
    /// itself.
    case trail
    /// Itself, over a connection of its own (SWIM's direct probe). Next: neighbours.
    case itself
    /// A few neighbours. Next: it is accused aloud.
    case neighbours
  }

  let step: Step
  let number: UInt64
  let began: Moment
  /// Those asked that have yet to answer.
  var unanswered: [PeerID]
  /// Whether anybody was asked.
  let askedAny: Bool
}

/// A link between this member and another.
struct KnownLink: Sendable {
  let peer: PeerID
  let isInitiator: Bool
  let cameUp: Moment
  var lastHeard: Moment
  /// Whether a ping went out since anything was heard.
  var isPinged = false
  /// When it was last pinged for another member's sake.
  var vouchPing: Moment?
  /// When we said goodbye; nothing is sent on the link since.
  var saidGoodbye: Moment?
  var heardGoodbye = false
  /// Whether its end says nothing about its member: neighbours no more.
  var isReleased = false
  var bucket: RateBucket
  var walks: RateBucket
  /// Whether it was told of everybody, as a newcomer.
  var wasTold = false
  var nextComplaint: Moment

  var isUsable: Bool { saidGoodbye == nil }
}

/// Somebody whose membership is being verified, and what is held for it.
struct Stranger: Sendable {
  enum Held: Sendable {
    case broadcast(Envelope)
    case directed(DirectedEnvelope)
  }

  let record: MemberRecord
  let envelope: Envelope
  let via: LinkID
  let neighbour: PeerID
  /// Whether it was here before us.
  let isOlder: Bool
  let expires: Moment
  var held: [(item: Held, via: LinkID)] = []
  var heldBytes = 0
}

/// A neighbour's question about a suspect, until the suspect is heard.
struct Vouch: Sendable {
  let asker: LinkID
  let member: PeerID
  let number: UInt64
  let expires: Moment
  /// The number under which it was passed on, where there is no link to the member.
  var passedOn: UInt64?
}

/// What the overlay doesn't know yet.
enum OverlayNews: Sendable {
  case learned(PeerID)
  /// The last link to it ended.
  case unlinked(PeerID)
  case forgotten(PeerID)
}
