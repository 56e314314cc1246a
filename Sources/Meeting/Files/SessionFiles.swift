import Admission
import Chat
import Files
import Foundations
import Links
import Roster
import Wire

/// What files need of the meeting: who is a member, streams to them, and the conversation.
extension MeetingSession {
  func startFiles(_ stored: [Entry]) async {
    await files.start(
      FileDesk.Surroundings(
        members: { [weak self] in await self?.othersHere ?? [] },
        dial: { [weak self] in await self?.dialFiles($0) },
        say: { [weak self] in await self?.offer($0, after: $1) },
        notSaid: { [weak self] in await self?.lastLineFailed(after: $0) },
        published: { [weak self] in await self?.publishOffers() }),
      offers: stored.compactMap(offer(in:)))
  }

  private var othersHere: [PeerID] { roster.people.filter { !$0.isMe }.map(\.id) }

  private func lastLineFailed(after line: Int) { lastLine.failed(after: line) }

  private func offer(_ body: WireChatBody, after line: Int) {
    lastLine.offered(body, after: line)
    drive(chat: .compose(body, wall: parts.clock.wallTime()))
  }

  private func offer(in entry: Entry) -> FileDesk.Offer? {
    guard case .file(let file) = entry.body,
      let shape = FileShape(byteCount: file.byteCount, root: file.root)
    else { return nil }
    return FileDesk.Offer(
      entry: entry.id, author: entry.author,
      sponsor: chat.sponsor(of: entry), name: file.displayName, shape: shape, digest: file.digest)
  }

  func learnFile(_ entry: Entry) {
    guard let offer = offer(in: entry) else { return }
    tellFiles { await $0.learn(offer) }
  }

  func withdrawFiles(_ targets: [EntryHash], by author: PeerID) {
    let entries = Set(targets.map(\.id))
    tellFiles { await $0.withdraw(entries, by: author) }
  }

  /// In the order in which it is shown: nothing is withdrawn before it is offered.
  private func tellFiles(_ news: @escaping @Sendable (FileDesk) async -> Void) {
    fileNews = Task { [files, earlier = fileNews] in
      await earlier?.value
      await news(files)
    }
  }

  /// Returns when what was said here about files is known to the desk.
  private func publishOffers() async {
    // A command about files may be what makes room.
    await publishLines(waitsForRoom: false)
    await fileNews?.value
  }

  func take(fileCommand line: Substring, _ verb: FileCommand.Verb) async {
    guard let command = FileCommand(parsing: line) else {
      emit(
        .warning(code: "bad-command", message: "Write it as \(verb.form.instruction)."))
      return
    }
    if case .send = command {
      lastLine.asked()
    } else {
      await publishOffers()
    }
    await files.take(command, after: lastLine.number)
  }

  // MARK: - Streams

  func acceptFiles(_ stream: FramedStream) {
    Task { [weak self] in
      guard let hello = await self?.hello(afterOpeningOf: stream), let self else {
        return stream.close()
      }
      guard let member = await self.answerFilesHello(hello, on: stream) else {
        await self.refusedStream()
        return stream.close()
      }
      await self.files.take(stream, to: member, because: .incoming)
      await self.recheckFiles()
    }
  }

  /// Ends the streams of those who are members no more. Some have no link to this member, and so are
  /// known to nobody but the desk.
  func recheckFiles() async { await files.recheck(under: revocations) }

  private func answerFilesHello(_ bytes: [UInt8], on stream: FramedStream) -> AdmittedMember? {
    guard !hasEnded, let member = verify(hello: bytes, on: stream) else { return nil }
    stream.confirm()
    stream.send(hello().wire)
    return member
  }

  private func dialFiles(
    _ peer: PeerID
  ) async -> (stream: FramedStream, member: AdmittedMember)? {
    guard let member = admitted[peer] else { return nil }
    let record = member.record
    let source = AddressSource.member(sponsor: member.chain.sponsor)
    let opened = try? await parts.links.connectFirst(
      of: record.addresses, from: source, purpose: .files)
    guard let stream = opened else { return nil }
    // Who answers and then says nothing is given up.
    let patience = Task {
      try? await Task.sleep(for: .seconds(5))
      if !Task.isCancelled { stream.close() }
    }
    defer { patience.cancel() }
    guard stream.peerFingerprint == record.certificateFingerprint, !hasEnded,
      let member = await prove(stream, expecting: peer)
    else {
      stream.close()
      return nil
    }
    return (stream, member)
  }
}
