import Admission
import Chat
import Foundations
import Gossip
import History
import Logging
import Roster
import SwiftProtobuf
import Wire

/// The conversation: the log decides, the store keeps, the members hear of it.
extension MeetingSession {
  /// Says a line to everybody.
  package func say(_ line: String) {
    // Nothing of it would be seen.
    let isBlank = line.unicodeScalars.allSatisfy {
      $0.properties.isWhitespace || $0.properties.isDefaultIgnorableCodePoint
    }
    guard !isBlank else { return }
    compose(.text(line))
  }

  private func compose(_ message: WireChatBody) {
    lastLine.said(message)
    drive(chat: .compose(message, wall: parts.clock.wallTime()))
  }

  /// Who came and went stands in the log: attendance is a query over it.
  func startConversation() {
    drive(
      chat: .compose(
        .joined(name: parts.options.name, chain: ticket.chain.wire), wall: parts.clock.wallTime()))
    Task { await tellOfHistory() }
  }

  /// Says that this member leaves, and sees to it that all of its lines are on the disk.
  func endConversation() async {
    drive(chat: .compose(.left(name: parts.options.name), wall: parts.clock.wallTime()))
    await keepLines()
  }

  /// Returns when all that was said so far is on the disk and on its way.
  func keepLines() async {
    await publishLines()
    await keepAll()
  }

  /// Returns when one's own lines are on the disk and on their way, or ``keepingRest`` is over.
  /// - Parameter waitsForRoom: whether also while the disk takes nothing.
  func publishLines(waitsForRoom: Bool = true) async {
    while chat.holdsOwnLines, keepingRest > .zero, waitsForRoom || hindrances.isEmpty {
      let areOut = AsyncFlag()
      lineWaiters.append(areOut)
      await keep(waitingFor: areOut)
    }
  }

  /// Who pipes a file in is slowed down to what can be kept, here and by the others, and loses nothing.
  func sayInTurn(_ line: String) async {
    if saidInTurn == 0 { turnBegan = parts.clock.now() }
    say(line)
    saidInTurn += 1 + Double(line.utf8.count) / Self.lineUnit
    guard saidInTurn >= Self.mostInTurn else { return }
    saidInTurn = 0
    await publishLines()
    let rest = turnBegan + Self.turn - parts.clock.now()
    guard rest > .zero else { return }
    let pause = Task<Void, Never> { try? await Task.sleep(for: rest) }
    turnPause = pause
    await pause.value
  }

  /// Well below what the log lets wait (``ChatBounds``), and nobody types as much at once.
  static let mostInTurn = 64.0
  /// Bytes that count as one line more.
  static let lineUnit = Double(GossipBounds().relayUnit)
  /// 256 short lines a second, 85 of the longest: less than what a member passes on of another's for long
  /// (``GossipBounds/relaysPerSecond``), so that nothing of an honest member's is shed.
  static let turn = Duration.milliseconds(250)

  /// A command of chat, without its slash.
  /// - Returns: whether it is one.
  func take(chatCommand line: Substring) async -> Bool {
    do {
      guard let command = try ChatCommand(parsing: line) else { return false }
      // "last" is the line before it, which may be on its way to the disk still.
      await publishLines()
      guard try await !callOffLast(by: command) else { return true }
      let body = try chat.body(of: command)
      if ChatCommand.isMessage(line) {
        compose(body)
      } else {
        drive(chat: .compose(body, wall: parts.clock.wallTime()))
      }
    } catch {
      if error != .lastNotSent, ChatCommand.isMessage(line) {
        lastLine.failed(after: lastLine.number)
      }
      emit(.warning(code: "bad-command", message: error.sentence))
    }
    return true
  }

  /// What was said last may not be in the log: it was refused, or is a file that is being read still.
  /// - Returns: whether that file is deleted before it was offered.
  private func callOffLast(by command: ChatCommand) async throws(ChatCommand.Problem) -> Bool {
    guard command.meansLast else { return false }
    guard !lastLine.takeUnsent() else { throw .lastNotSent }
    let isDeleted = if case .delete = command { true } else { false }
    guard let name = await files.lastReading(after: lastLine.number, isCalledOff: isDeleted)
    else { return false }
    guard isDeleted else { throw .lastIsRead(name) }
    return true
  }

  func drive(chat input: ChatLog.Input) {
    var outputs: [ChatLog.Output] = []
    chat.handle(input, at: parts.clock.now(), into: &outputs)
    carryOut(outputs)
  }

  func wakeChat() {
    chatAlarm?.forget()
    var outputs: [ChatLog.Output] = []
    chat.wake(at: parts.clock.now(), into: &outputs)
    carryOut(outputs)
  }

  private func carryOut(_ outputs: [ChatLog.Output]) {
    for output in outputs {
      switch output {
      case .commit(let entries): commit(entries)
      case .discount(let entries): setCounted(entries, false)
      case .recount(let entries): setCounted(entries, true)
      case .restore(let entry):
        commits.restore(entry)
        keepOn()
      case .evict(let entries): evict(entries)
      case .publish(let entry): drive(.broadcast(.with { $0.entry = entry }))
      case .show(let entry): show(entry)
      case .sendHeads(let heads, let peer): send(.with { $0.heads = heads }, to: peer)
      case .sendBatch(let batch, let peer): send(.with { $0.batch = batch }, to: peer)
      case .refused(let body, let refusal):
        lastLine.refused(body)
        emit(.warning(code: "chat-refused", message: refusal.sentence))
      case .misbehaviour(let peer, let what):
        note(what, of: peer)
      }
    }
    chatAlarm?.set(chat.deadline)
    if !chat.holdsOwnLines { raiseLineWaiters() }
  }

  private func raiseLineWaiters() {
    for waiter in lineWaiters { waiter.raise() }
    lineWaiters = []
  }

  private func commit(_ entries: [Entry]) {
    commits.add(entries)
    keepOn()
  }

  /// Keeps what waits to be kept, a transaction after the other. The session lives until all is: what it
  /// has taken isn't lost with it.
  private func keepOn() {
    guard commitment == nil else { return }
    commitment = Task { [history = parts.history, clock = parts.clock] in
      while let step = nextCommit() {
        do throws(Failure) {
          switch step {
          case .keep(let changes): try await history.keep(changes, at: clock.wallTime())
          case .work(let body): try await body(history, clock.wallTime())
          }
          kept(step)
        } catch {
          notKept(step, because: error)
        }
        await tellOfHistory()
      }
    }
  }

  /// Returns when nothing waits to be kept any more, or ``keepingRest`` is over.
  func keepAll() async {
    while let commitment, keepingRest > .zero {
      let isOver = AsyncFlag()
      Task {
        await commitment.value
        isOver.raise()
      }
      await keep(waitingFor: isOver)
    }
  }

  /// In a task of its own: who leaves waits though the task in which it does was cancelled.
  private func keep(waitingFor flag: AsyncFlag) async {
    let rest = keepingRest
    await Task { await flag.wait(atMost: rest) }.value
  }

  /// How long leaving still waits for the disk, which another program may hold for good. Whoever doesn't
  /// leave waits on.
  private var keepingRest: Duration {
    guard let keepingSince else { return keepingPatience }
    return keepingSince + keepingPatience - parts.clock.now()
  }

  /// - Returns: whether all is kept; people are told if it isn't.
  func endKeeping() -> Bool {
    let unkept = chat.unkeptCount
    if chat.holdsOwnLines { warnOnce(Self.linesUnsaid) }
    guard unkept > 0 else { return commitment == nil }
    warnOnce(
      Failure(
        "lines-unkept", exit: .temporary,
        "What was said last couldn't be kept on this computer (\(unkept) entries). It comes back from "
          + "those who have it when this member joins again."))
    return false
  }

  static let linesUnsaid = Failure(
    "lines-unsaid", exit: .temporary,
    "This member is leaving already: lines that still waited weren't said.")

  private func nextCommit() -> CommitQueue.Step? {
    let step = commits.next()
    if step == nil { commitment = nil }
    return step
  }

  private func setCounted(_ entries: [EntryHash], _ counts: Bool) {
    commits.setCounted(entries, counts)
    keepOn()
    guard !counts else { return }
    for entry in entries.compactMap({ chat.entry($0) }) where entry.body.kind == "file" {
      withdrawFiles([entry.hash], by: entry.author)
    }
  }

  private func evict(_ entries: [Entry]) {
    commits.evict(entries.map(\.hash))
    keepOn()
    for entry in entries where entry.body.kind == "file" {
      withdrawFiles([entry.hash], by: entry.author)
    }
  }

  func keepRemovals() {
    let removals = revocations.removals
    keepInTurn { [meeting = ticket.meeting] (history, now) async throws(Failure) in
      try await history.keep(removals, of: meeting, at: now)
    }
  }

  func keepInTurn(_ body: @escaping CommitQueue.Work) {
    commits.add(body)
    keepOn()
  }

  private func kept(_ step: CommitQueue.Step) {
    if keepingSince != nil { keepingSince = parts.clock.now() }
    guard case .keep(let changes) = step else { return }
    // What hindered is over: should it come again, that is news.
    warned.subtract(hindrances)
    hindrances = []
    drive(chat: .committed(changes.entries.map(\.id)))
  }

  private func notKept(_ step: CommitQueue.Step, because failure: Failure) {
    warnOnce(failure)
    guard case .keep(let changes) = step else { return }
    commits.fail(changes)
    hindrances.insert(failure.code)
    drive(chat: .notCommitted(changes.entries.map(\.id)))
    raiseLineWaiters()
  }

  /// The logs of those who were removed end where their removals say.
  func endLogs() {
    drive(
      chat: .ended(
        revocations.logEnds.mapValues { ends in
          Set(
            ends.map { last in
              last.flatMap { EntryHash($0) }.map { .after($0) } ?? .beforeAll
            })
        }))
  }

  private func tellOfHistory() async {
    for failure in await parts.history.takeWarnings() { warnOnce(failure) }
  }

  private func tellOfContradiction(by peer: PeerID) {
    let message =
      peer == parts.me
      ? "Your key has signed different lines under one number, from a copy of your data directory. "
        + "They are kept, eight versions at most, and marked in virtue history. Go on with one of the "
        + "copies only."
      : "\(name(of: peer)) has signed different lines under one number: from a copy of a data "
        + "directory, or to mislead. They are kept, eight versions at most, and marked in virtue history."
    emit(.warning(code: "contradiction", message: message))
  }

  /// Whoever passes on made-up entries by the hundred fills up nobody's log.
  private func note(_ what: ChatLog.Misbehaviour, of peer: PeerID) {
    if case .equivocation = what {
      tellOfContradiction(by: peer)
    } else {
      guard nextNotice <= parts.clock.now() else { return }
      nextNotice = parts.clock.now() + .seconds(1)
    }
    parts.log.notice("\(peer): \(what)")
  }

  func warnOnce(_ failure: Failure) {
    guard warned.insert(failure.code).inserted else { return }
    emit(.warning(code: failure.code, message: failure.message))
  }

  private func show(_ entry: Entry) {
    switch entry.body {
    case .text: tell(entry, as: .text)
    case .reply(let target, _): tell(entry, as: .reply(to: target.id))
    case .edit(let target, _): tell(entry, as: .edit(of: target.id))
    case .delete(let targets):
      tell(entry, as: .delete(of: targets[0].id))
      withdrawFiles(targets, by: entry.author)
    case .file(let file):
      tell(entry, as: .file(name: file.displayName, byteCount: file.byteCount))
      learnFile(entry)
    case .reaction(let target, _, let isWithdrawn):
      tell(entry, as: .reaction(to: target.id, isWithdrawn: isWithdrawn))
    case .poll(let poll): tell(entry, as: .poll(options: poll.displayOptions))
    case .vote(let poll, let options): tell(entry, as: .vote(in: poll.id, options.map { $0 + 1 }))
    case .moderation(let what):
      tell(entry, as: .moderation, text: what.sentence(about: what.member.map(name)))
    case .hand(let isRaised):
      emit(.hand(member: entry.author, name: name(of: entry.author), isRaised: isRaised))
    case .joined(let name, _): namesInLog[entry.author] = name
    case .left, .deleted, .unknown: break
    }
  }

  private func tell(_ entry: Entry, as kind: ChatLine.Kind, text: String? = nil) {
    emit(
      .chat(
        ChatLine(
          id: entry.id, member: entry.author, name: name(of: entry.author),
          text: text ?? entry.body.displayText,
          sent: entry.clock.shown(received: parts.clock.wallTime()),
          isOwn: entry.author == parts.me, kind: kind)))
  }

  private func name(of member: PeerID) -> String {
    // Somebody else of the same name may be here.
    roster.displayName(of: member) ?? namesInLog[member].map { "\($0) (away)" }
      ?? member.description
  }

  /// By grants that lead to the meeting's genesis key; who was removed since was a member all the same.
  static func standing(under genesisKey: [UInt8]) -> Standing.Judge {
    { key, wire in
      guard let chain = try? GrantChain(verifying: wire), chain.genesisKey == genesisKey,
        chain.memberKey == key
      else { return nil }
      return Standing(isModerator: chain.role != .member, sponsor: chain.sponsor)
    }
  }

  /// Messages stand in the order of their authors' clocks: whose is wrong is found in the wrong place.
  func compareClocks(with peer: PeerID, by signed: WireSignedEntry) {
    guard wrongClocks.mayName(peer),
      let entry = try? Entry(kept: signed, meeting: ticket.meeting), entry.author == peer,
      // Somebody whose name isn't known yet says more.
      let name = roster.displayName(of: peer) ?? namesInLog[peer],
      let sentence = wrongClocks.sentence(
        on: peer, called: name, saying: entry.clock, heard: parts.clock.wallTime())
    else { return }
    emit(.warning(code: "clocks-differ", message: sentence))
  }

  /// Many may come at once, and a transaction for each would hold up what is said.
  func remember(_ record: MemberRecord) {
    unremembered[record.id] = record
    guard unremembered.count == 1 else { return }
    keepInTurn { [weak self, meeting = ticket.meeting] (history, now) async throws(Failure) in
      // What hinders this is told with the next line.
      try? await history.remember(self?.takeUnremembered() ?? [], in: meeting, at: now)
    }
  }

  private func takeUnremembered() -> [MemberRecord] {
    defer { unremembered = [:] }
    return Array(unremembered.values)
  }
}
