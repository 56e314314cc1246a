import Admission
import Discovery
package import Foundations
import History
import Wire

/// The three ways into a meeting.
extension MeetingSession {
  /// Opens a meeting of its own.
  package static func host(
    _ host: HostOptions, options: MeetingOptions
  ) async throws(Failure) -> MeetingSession {
    let parts = try await SessionParts.open(options)
    return try await closing(parts) { (media) async throws(Failure) in
      // Where the pictures can't be had, no meeting is left behind.
      _ = try await media.media()
      let genesis = SigningKey(from: parts.secrets)
      let chain = GrantChain.issue(
        genesis: genesis, member: parts.key.publicKey, role: .host, mayAdmit: true,
        at: parts.clock.wallTime())
      await parts.keepIfPossible { () throws(Failure) in
        try parts.directory.keep(genesis: genesis, of: chain.meeting)
      }
      let session = try await open(
        MeetingTicket(
          meeting: chain.meeting, title: host.title, chain: chain, securityWords: nil,
          isNew: true),
        parts: parts, media: media, firstSteps: [],
        visible: host.isVisible ? .init(title: host.title, host: options.name) : nil)
      // Part of what is published first: a record that changes right afterwards is heard late.
      let invite = await session.openInvite(uses: host.uses, life: host.life + settling)
      await session.start(members: [], peers: options.peers)
      if let invite {
        try? await Task.sleep(for: settling)
        await session.published.wait(atMost: publishingPatience)
        await session.show(settled: invite, uses: host.uses, life: host.life)
      }
      return session
    }
  }

  /// Joins by a code or a link.
  package static func join(
    invite text: String, options: MeetingOptions
  ) async throws(Failure) -> MeetingSession {
    let code: InviteCode
    var hints: [NetworkAddress] = []
    if InviteLink.isLink(text) {
      let link = try InviteLink(parsing: text)
      (code, hints) = (link.code, link.addresses)
    } else {
      code = try InviteCode(parsing: text)
    }
    let parts = try await SessionParts.open(options, seeking: code.nameplate)
    return try await closing(parts) { [hints] (media) async throws(Failure) in
      let opened = JoinStep(name: "opened", reached: parts.clock.now() - parts.start)
      // A clip that can't be read is told before the code is spent; mDNS is asked meanwhile.
      _ = try await media.media()
      let joining = try Joining(code: code, parts: parts)
      let admittance = try await joining.run(peers: options.peers, hints: hints)
      let session = try await open(
        MeetingTicket(
          meeting: admittance.meeting, title: admittance.title, chain: admittance.chain,
          securityWords: admittance.securityWords.joined(separator: " "),
          removals: admittance.revocations.removals),
        parts: parts, media: media, firstSteps: [opened] + (await joining.steps), visible: nil)
      await session.start(members: admittance.members.map(\.wire), peers: [])
      return session
    }
  }

  /// Goes back into the latest meeting that can be found: its grant was kept.
  /// - Parameter reopens: goes into the latest of all, and waits there where nobody of it is here: all may
  ///   have been cut off at once.
  package static func rejoin(
    options: MeetingOptions, reopens: Bool = false
  ) async throws(Failure) -> MeetingSession {
    let parts = try await SessionParts.open(options)
    return try await closing(parts) { (media) async throws(Failure) in
      let recent = try await parts.history.recentMeetings()
      guard let latest = recent.first else { throw await noMeeting(in: parts.history) }
      // Whoever of it is on the network is found from within, as others that come back are.
      let found =
        reopens
        ? (meeting: latest, addresses: parts.options.peers) : await find(recent, parts: parts)
      guard let found else {
        throw Failure(
          "meeting-not-found", exit: .noHost,
          "Nobody of “\(latest.title)” or an earlier meeting is on this network now. Ask a member for a "
            + "code, name an address with --peer, or open the meeting again with --reopen."
            + options.interfacesNote
            + MeetingFinder.clockNote(for: latest, now: parts.clock.wallTime()))
      }
      let chain: GrantChain
      do {
        chain = try GrantChain(verifying: found.meeting.chain)
      } catch {
        throw Failure(
          "damaged-grant", exit: .badData,
          "What let this computer into “\(found.meeting.title)” is damaged. Join with a new code.")
      }
      guard chain.memberKey == parts.key.publicKey else {
        throw Failure(
          "other-key", exit: .noPermission,
          "This computer has another key than the one that was let into “\(found.meeting.title)”. Join "
            + "with a new code.")
      }
      let session = try await open(
        MeetingTicket(
          meeting: found.meeting.id, title: found.meeting.title, chain: chain,
          securityWords: nil),
        parts: parts, media: media,
        firstSteps: [JoinStep(name: "found", reached: parts.clock.now() - parts.start)],
        visible: nil)
      await session.start(members: [], peers: found.addresses)
      return session
    }
  }

  /// There may be none, or what became of the history is why none is known.
  private static func noMeeting(in history: HistoryStore) async -> Failure {
    if let reason = history.reasonForNothingKept {
      return Failure(
        "no-recent-meeting", exit: reason.exit,
        "\(reason.message) So the meetings that this computer was in aren't known: join with a code."
      )
    }
    let warnings = await history.takeWarnings().map(\.message)
    let sentence = "There is no meeting to go back to on this computer. Join one with its code."
    return Failure(
      "no-recent-meeting", exit: .usage, (warnings + [sentence]).joined(separator: " "))
  }

  // MARK: - Steps of all three

  private static func open(
    _ ticket: MeetingTicket, parts: SessionParts, media: MediaOpening, firstSteps: [JoinStep],
    visible: ServiceRecord.Visibility?
  ) async throws(Failure) -> MeetingSession {
    let now = parts.clock.wallTime()
    await parts.keepIfPossible { () async throws(Failure) in
      try await parts.history.register(
        MeetingRecord(
          id: ticket.meeting, genesisKey: ticket.chain.genesisKey, title: ticket.title,
          chain: ticket.chain.wire), at: now)
    }
    let stored = try await parts.history.entries(of: ticket.meeting)
    var removals = try await parts.history.removals(of: ticket.meeting) ?? WireRemovals()
    removals.revocations += ticket.removals.revocations
    return try MeetingSession(
      parts: parts, ticket: ticket, stored: stored, removals: removals, firstSteps: firstSteps,
      visible: visible,
      media: try await media.media(), events: media.events)
  }

  /// Opens the media beside whatever `body` does, and closes everything again when it fails.
  private static func closing(
    _ parts: SessionParts, _ body: (MediaOpening) async throws(Failure) -> MeetingSession
  ) async throws(Failure) -> MeetingSession {
    let media = MediaOpening(parts: parts)
    do {
      return try await body(media)
    } catch {
      await (try? media.media())?.stop()
      await parts.close()
      await parts.history.close()
      throw error
    }
  }

  /// The latest of `recent` that somebody advertises, and where.
  private static func find(
    _ recent: [RecentMeeting], parts: SessionParts
  ) async -> MeetingFinder.Finding? {
    if !parts.options.peers.isEmpty { return (recent[0], parts.options.peers) }
    let patience = Task { [discovery = parts.discovery] in
      try await Task.sleep(for: rejoinPatience)
      discovery.mark()
    }
    defer { patience.cancel() }
    var finder = MeetingFinder(recent)
    for await event in parts.discovery.events {
      switch event {
      case .found(let found):
        guard let tag = ServiceRecord(attributes: found.attributes).tag else { continue }
        if let finding = finder.take(tag, at: found.addresses, now: parts.clock.wallTime()) {
          return finding
        }
      case .mark: return finder.findDespiteClocks()
      case .lost, .published, .responder, .networkChanged, .problem: continue
      }
    }
    return nil
  }

  /// Before a code is shown nameplates in use are heard, also of a meeting that is only just being
  /// published (RFC 6762 §8.1: probing takes three quarters of a second).
  private static let settling = Duration.seconds(1)

  /// And this member's own record is published, so that whoever types the code at once finds it at
  /// once. Where nothing can be published, the link that is shown beside the code still works.
  private static let publishingPatience = Duration.seconds(2)

  /// Long enough for a responder that only just starts on the other side (RFC 6762 §8: probing takes
  /// three quarters of a second).
  private static let rejoinPatience = Duration.seconds(4)
}

/// Camera, microphone and codecs take a moment to open: it passes while the meeting is looked for.
private struct MediaOpening: Sendable {
  let events = EventChannel()
  private let task: Task<Result<MeetingMedia, Failure>, Never>

  init(parts: SessionParts) {
    let emit = events.emit
    task = Task.detached {
      do throws(Failure) {
        return .success(try MeetingMedia(parts: parts, emit: emit))
      } catch {
        return .failure(error)
      }
    }
  }

  func media() async throws(Failure) -> MeetingMedia { try await task.value.get() }
}
