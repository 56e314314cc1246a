package import Foundations
package import Roster
package import Vision

/// What a meeting tells those who watch it: the window, the terminal, a script.
package enum MeetingEvent: Sendable {
  case invite(code: String, link: String, uses: Int, expires: WallTime)
  case joined(meeting: MeetingID, member: PeerID, title: String, securityWords: String?)
  /// This member let somebody in; the words are the same on the newcomer's screen.
  case admitted(member: PeerID, name: String, securityWords: String)
  case memberJoined(member: PeerID, name: String)
  case memberLeft(member: PeerID, name: String, reason: Roster.Absence)
  case connected(
    member: PeerID, sinceStart: Duration, localCandidate: String, remoteCandidate: String)
  case firstFrame(member: PeerID, sinceStart: Duration, steps: [JoinStep])
  case chat(ChatLine)
  case file(FileReport)
  /// A file of one's own that takes a while to be read, before it is offered.
  case reading(FileReading)
  case hand(member: PeerID, name: String, isRaised: Bool)
  case statistics(MeetingStatistics)
  /// God's eye sends the pictures of this camera from now on; they are numbered as they were given.
  case cameraSelected(camera: Int, reason: CameraSelector.Reason)
  case recording(path: String, member: PeerID)
  /// The answer to `/help`; the remark says what stands for what in the commands.
  case help([CommandForm], remark: String)
  case warning(code: String, message: String)
  case failed(Failure)
  case left
}

/// One step on the way from the program's start to the first picture, and when it was reached.
package struct JoinStep: Sendable {
  package let name: String
  package let reached: Duration

  package init(name: String, reached: Duration) {
    self.name = name
    self.reached = reached
  }
}

/// Something that was said. Name and text are fit to be shown.
package struct ChatLine: Sendable {
  package let id: EntryID
  package let member: PeerID
  package let name: String
  /// A delete and a vote have none; a reaction's is its emoji, a poll's its question.
  package let text: String
  package let sent: WallTime
  package let isOwn: Bool
  package let kind: Kind

  package enum Kind: Sendable {
    case text
    case reply(to: EntryID)
    case edit(of: EntryID)
    case delete(of: EntryID)
    case reaction(to: EntryID, isWithdrawn: Bool)
    case poll(options: [String])
    /// Options from 1.
    case vote(in: EntryID, [Int])
    case moderation
    /// Offers one.
    case file(name: String, byteCount: Int)
  }

  package init(
    id: EntryID, member: PeerID, name: String, text: String, sent: WallTime, isOwn: Bool,
    kind: Kind = .text
  ) {
    self.id = id
    self.member = member
    self.name = name
    self.text = text
    self.sent = sent
    self.isOwn = isOwn
    self.kind = kind
  }
}

/// A second of the meeting in figures.
package struct MeetingStatistics: Sendable {
  package var members: [MemberStatistics]
  package var refused: Refusals
  /// Processor seconds used by this process since its start.
  package var processorTime: Duration
  /// Memory that this process holds, in bytes.
  package var residentBytes: Int

  package init(
    members: [MemberStatistics], refused: Refusals = Refusals(), processorTime: Duration,
    residentBytes: Int
  ) {
    self.members = members
    self.refused = refused
    self.processorTime = processorTime
    self.residentBytes = residentBytes
  }
}

/// What came from the network and was of no use, since the meeting was entered.
package struct Refusals: Sendable, Hashable {
  /// TCP connections and TLS streams.
  package var connections: Int
  /// On the ports of media.
  package var datagrams: Int

  package init(connections: Int = 0, datagrams: Int = 0) {
    self.connections = connections
    self.datagrams = datagrams
  }
}

package struct MemberStatistics: Sendable {
  package var member: PeerID
  package var name: String
  package var sent: Flow
  package var received: Flow
  /// Since the call began.
  package var packetsLost: Int
  package var roundTrip: Duration?
  package var jitterBuffer: Duration?
  /// From the sender's capture to this side's decoded picture, where the picture carries its time.
  package var captureToDisplay: Duration?

  package init(
    member: PeerID, name: String, sent: Flow, received: Flow, packetsLost: Int,
    roundTrip: Duration? = nil, jitterBuffer: Duration? = nil, captureToDisplay: Duration? = nil
  ) {
    self.member = member
    self.name = name
    self.sent = sent
    self.received = received
    self.packetsLost = packetsLost
    self.roundTrip = roundTrip
    self.jitterBuffer = jitterBuffer
    self.captureToDisplay = captureToDisplay
  }

  /// Pictures and bits in one direction during the last second.
  package struct Flow: Sendable {
    package var framesPerSecond: Double = 0
    package var width = 0
    package var height = 0
    package var bitrate = Bitrate(bitsPerSecond: 0)

    package init() {}
  }
}
