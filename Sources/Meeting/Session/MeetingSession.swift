import Admission
import Chat
import Codecs
import Discovery
package import Foundations
import Gossip
import History
import Links
import RTP
import Roster
import Signalling
import SwiftProtobuf
import Wire

/// One member's part in a meeting, from opening or joining it until leaving: joins the rooms of Mesh,
/// Conversation and Media to one another and tells what happens as ``events``.
package actor MeetingSession {
  package nonisolated let events: AsyncStream<MeetingEvent>
  /// Why the meeting ended, when it wasn't by leaving.
  package private(set) var failure: Failure?

  let parts: SessionParts
  let ticket: MeetingTicket
  nonisolated let emit: @Sendable (MeetingEvent) -> Void
  private let finishEvents: @Sendable () -> Void

  // Mesh
  var gossip: Gossip
  var gossipAlarm: Alarm?
  var roster: Roster
  var streams: [LinkID: FramedStream] = [:]
  var nextLink: LinkID = 1
  var desk: InviterDesk
  var deskAlarm: Alarm?
  var admissionStreams: [StreamNumber: FramedStream] = [:]
  var nextAdmissionStream: StreamNumber = 1
  /// This run's name on mDNS; says nothing.
  let label: String
  let tag: MeetingTag
  let visibility: ServiceRecord.Visibility?
  var advertised: [String: String] = [:]
  /// Since ``renewAddresses()``. Before the session nobody heeded it.
  var networkHasChanged = true
  /// Goes up when others can find this member, and ends with the session.
  let published = AsyncFlag()
  /// Nameplates that others advertise, by their labels.
  var nameplates: [String: Set<Int>] = [:]
  /// Where members of this meeting are heard of, by their labels.
  var sighted: [String: [NetworkAddress]] = [:]
  var search: MissingSearch
  var revocations: RevocationSet
  var removalExchange = RemovalExchange()
  var membership: WireMembership
  /// Those that are known, here or not.
  var admitted: [PeerID: AdmittedMember] = [:]
  var room = MemberRoom()
  /// Of those here, this member included, who can let others in.
  var admitters: Set<PeerID>
  var nextEnvelope: UInt64

  // Conversation
  var chat: ChatLog
  var chatAlarm: Alarm?
  /// When somebody's invalid entries are told of again, in the program's log.
  var nextNotice = Moment.zero
  var commits: CommitQueue
  /// Members whose records are to be kept.
  var unremembered: [PeerID: MemberRecord] = [:]
  /// What keeps them, as long as there are any.
  var commitment: Task<Void, Never>?
  /// Codes of warnings that were given: each is given once.
  var warned: Set<String> = []
  var wrongClocks = WrongClocks()
  /// Of what was warned of, that which keeps the history from being written.
  var hindrances: Set<String> = []
  /// Under which names members joined that may have left long ago.
  var namesInLog: [PeerID: String] = [:]

  let files: FileDesk
  /// The latest that the desk is being told of what was shown.
  var fileNews: Task<Void, Never>?
  /// Offers that an earlier run has kept.
  private let storedFiles: [Entry]

  // Media
  let media: MeetingMedia
  var calls: CallBook
  var callAlarm: Alarm?
  var signalling: [PeerID: Signalling] = [:]
  var signallingAlarms: [PeerID: Alarm] = [:]
  var steps: [PeerID: [JoinStep]] = [:]
  var firstSteps: [JoinStep]
  var connected: Set<PeerID> = []
  var latestFigures: (moment: Moment, rtp: [PeerID: RTPStatistics])?

  var lastLine = LastLine()

  /// Lines of standard input said in this turn, and when it began.
  var saidInTurn = 0.0
  var turnBegan = Moment.zero
  /// Before the next turn.
  var turnPause: Task<Void, Never>?
  /// Raised once all of one's own lines are kept and published, or can't be for now.
  var lineWaiters: [AsyncFlag] = []
  /// When something was last kept by whoever leaves, or leaving began.
  var keepingSince: Moment?
  /// How long nothing may be kept until leaving goes on without it: a try that waits for another
  /// program's writing, and two seconds.
  var keepingPatience = HistoryStore.patience + .seconds(2)

  /// Streams that said nothing sensible, beside those that the listener refused.
  var refusedStreams = 0
  /// The next number of refusals that is told of.
  var nextComplaint = 10

  private var tasks: [Task<Void, Never>] = []
  /// It is to leave, and does so as soon as what was said is on its way.
  private(set) var isLeaving = false
  private var isEnding = false

  init(
    parts: SessionParts, ticket: MeetingTicket, stored: [Entry], removals: WireRemovals,
    firstSteps: [JoinStep],
    visible: ServiceRecord.Visibility?, media: MeetingMedia, events: EventChannel
  ) throws(Failure) {
    self.parts = parts
    self.ticket = ticket
    self.firstSteps = firstSteps
    self.media = media
    self.events = events.events
    emit = events.emit
    finishEvents = events.finish
    storedFiles = stored.filter { $0.body.kind == "file" }
    for entry in stored {
      if case .joined(let name, _) = entry.body { namesInLog[entry.author] = name }
    }
    commits = CommitQueue(me: parts.me)
    files = FileDesk(parts: parts, meeting: ticket.meeting, emit: events.emit)
    let now = parts.clock.wallTime()
    // Millions of envelopes a second would be needed to overtake the clock over a restart.
    let firstNumber = UInt64(now.milliseconds) << 20
    // Those sealed to one member are numbered apart from broadcasts, in the upper half of the range.
    nextEnvelope = firstNumber | 1 << 63
    let record = try parts.memberRecord()
    let membership = WireMembership.with {
      $0.record = record.signed
      $0.chain = ticket.chain.wire
    }
    self.membership = membership
    label = parts.secrets.bytes(8).hexadecimal
    tag = MeetingTag(genesisKey: ticket.chain.genesisKey)
    visibility = visible
    revocations = RevocationSet(genesisKey: ticket.chain.genesisKey, removals)
    for grant in ticket.chain.grants { revocations.note(grant) }
    gossip = Gossip(
      me: parts.me, meeting: ticket.meeting, key: parts.key, membership: membership,
      firstNumber: firstNumber, seed: parts.secrets.seed())
    search = MissingSearch(seed: parts.secrets.seed())
    calls = CallBook(me: parts.me)
    admitters = [parts.me]
    roster = Roster(me: record, role: ticket.chain.role.wire, at: parts.clock.now())
    chat = ChatLog(
      meeting: ticket.meeting, key: parts.key, stored: stored, mayBeKnownFurther: !ticket.isNew,
      judge: Self.standing(under: ticket.chain.genesisKey))
    let inviter: AdmittedMember
    do {
      inviter = try AdmittedMember(
        record: record, chain: ticket.chain, meeting: ticket.meeting, revocations: revocations)
    } catch {
      throw Failure(
        "no-grant", exit: .noPermission,
        "This computer is no member of the meeting any more. Join with a new code.")
    }
    desk = InviterDesk(
      key: parts.key, meeting: MeetingDescription(title: ticket.title, inviter: inviter),
      book: InviteBook(member: parts.me),
      clock: CivilClock(moment: parts.clock.now(), time: now), secrets: parts.secrets)
  }

  // MARK: - Life

  /// Starts everything; members are dialled as soon as they are learned.
  func start(members: [WireMembership], peers: [NetworkAddress]) async {
    let me = parts.me
    gossipAlarm = Alarm(clock: parts.clock) { [weak self] in await self?.wakeGossip() }
    deskAlarm = Alarm(clock: parts.clock) { [weak self] in await self?.wakeDesk() }
    chatAlarm = Alarm(clock: parts.clock) { [weak self] in await self?.wakeChat() }
    callAlarm = Alarm(clock: parts.clock) { [weak self] in await self?.wakeCalls() }
    media.start()
    tasks.append(
      Task { [weak self, reports = media.reports] in
        for await (peer, report) in reports { await self?.take(report, from: peer) }
      })
    tasks.append(
      Task { [weak self, incoming = parts.listener.incoming] in
        for await stream in incoming { await self?.accept(stream) }
      })
    emit(
      .joined(
        meeting: ticket.meeting, member: me, title: ticket.title,
        securityWords: ticket.securityWords))
    // One's own name belongs in the history too.
    if let own = try? MemberRecord(verifying: membership.record) { remember(own) }
    if !revocations.isEmpty { endLogs() }
    await startFiles(storedFiles.filter { chat.counts($0) })
    startConversation()
    for membership in members { introduce(membership) }
    admittersChanged(by: me)
    if !peers.isEmpty { dial(peers, areByHand: !parts.options.peers.isEmpty) }
    refreshAdvertisements()
    tasks.append(
      Task { [weak self, events = parts.discovery.events] in
        for await event in events { await self?.take(event) }
      })
    tasks.append(
      Task { [weak self] in
        while !Task.isCancelled {
          try? await Task.sleep(for: .seconds(1))
          await self?.everySecond()
        }
      })
    tasks.append(
      Task { [discovery = parts.discovery] in
        try? await Task.sleep(for: Self.looksAround.randomElement()!)
        if !Task.isCancelled { discovery.seek(nil) }
      })
    if let duration = parts.options.duration {
      tasks.append(
        Task { [weak self] in
          try? await Task.sleep(for: duration)
          guard !Task.isCancelled else { return }
          await self?.leave()
        })
    }
  }

  /// When a joiner begins to listen for all services, its own meeting's other parts among them: not with
  /// all who join at the same moment.
  private static let looksAround = (5...20).map(Duration.seconds)

  /// Says goodbye, ends the recordings, and closes everything. Safe to call again.
  package func leave() async {
    guard !isLeaving else { return }
    isLeaving = true
    keepingSince = parts.clock.now()
    // Who still reads lines learns of it in time to say that they come too late.
    turnPause?.cancel()
    // Lines may wait for the first word of another: links are made still.
    await keepLines()
    isEnding = true
    tasks.forEach { $0.cancel() }
    published.raise()
    await endConversation()
    drive(.leave)
    endCalls()
    await media.stop()
    for stream in admissionStreams.values { stream.close() }
    for stream in streams.values { stream.close() }
    await files.close()
    gossipAlarm = nil
    deskAlarm = nil
    chatAlarm = nil
    await parts.close()
    // Others' lines that came while the rest was closed.
    await keepAll()
    await parts.history.close(purging: endKeeping())
    emit(.left)
    finishEvents()
  }

  var hasEnded: Bool { isEnding }

  /// A line of standard input: chat, or with a leading `/` a command.
  package func take(line: String) async {
    guard !isLeaving else {
      guard !line.allSatisfy(\.isWhitespace) else { return }
      return warnOnce(Self.linesUnsaid)
    }
    // Two slashes begin a line that begins with one.
    guard line.hasPrefix("/"), !line.hasPrefix("//") else {
      await sayInTurn(line.hasPrefix("//") ? String(line.dropFirst()) : line)
      return
    }
    await take(command: line.dropFirst())
  }
}

/// What makes somebody a member of one meeting.
struct MeetingTicket: Sendable {
  let meeting: MeetingID
  let title: String
  let chain: GrantChain
  /// For comparing aloud, with those who came by a code.
  let securityWords: String?
  /// Born in this run: nobody else can know it.
  var isNew = false
  /// As far as whoever let this member in told of them.
  var removals = WireRemovals()
}

/// The way of events from those who make them to those who watch.
struct EventChannel: Sendable {
  let events: AsyncStream<MeetingEvent>
  let emit: @Sendable (MeetingEvent) -> Void
  let finish: @Sendable () -> Void

  init() {
    let (events, continuation) = AsyncStream.makeStream(of: MeetingEvent.self)
    self.events = events
    emit = { continuation.yield($0) }
    finish = { continuation.finish() }
  }
}
