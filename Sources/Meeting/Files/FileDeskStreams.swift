import Admission
import Files
import Foundations
import Links
import Wire

/// Bulk streams, and what comes over them.
extension FileDesk {
  /// What may wait in one stream before the next chunk is read for it: enough that the kernel is never
  /// without, well below what cuts a peer off.
  private static let pendingBytes = 768 << 10

  /// A stream to a member that has proved to be one.
  func take(
    _ stream: FramedStream, to member: AdmittedMember, because reason: FileStreams.Reason
  ) {
    let peer = member.record.id
    guard surroundings != nil, revocations.map(member.isMember) ?? true else {
      return stream.close()
    }
    // One stream a member. The side that has the smaller identifier says which of two opened at once.
    if let old = streams[peer], old.closeReason == nil,
      stream.isInitiator != (parts.me < peer)
    {
      return stream.close()
    }
    let now = parts.clock.now()
    switch book.open(peer, because: reason, useful: useful, at: now) {
    case .refused: return stream.close()
    case .taken(let victim): if let victim { end(victim) }
    }
    streams.removeValue(forKey: peer)?.close()
    forget(peer)
    streams[peer] = stream
    members[peer] = member
    look(by: book.deadline)
    // Who fetches says so; who has it answers.
    for root in fetches.keys { announce(root, to: peer) }
    Task { [weak self] in
      while let bytes = await stream.next() {
        guard let message = try? FileMessage(bytes) else { break }
        await self?.receive(message, from: peer, on: stream)
      }
      stream.close()
      await self?.ended(stream, to: peer)
    }
  }

  /// Members whose streams are in use: they give chunks, or wait for some.
  var useful: Set<PeerID> {
    fetches.values.reduce(into: Set(serving.waiting)) { $0.formUnion($1.holderIDs) }
  }

  private func ended(_ stream: FramedStream, to peer: PeerID) {
    guard streams[peer] === stream else { return }
    end(peer)
  }

  func end(_ peer: PeerID) {
    streams.removeValue(forKey: peer)?.close()
    members[peer] = nil
    book.close(peer)
    forget(peer)
  }

  /// Nothing is given to members that are none any more, or taken from them, for as long as that holds.
  func recheck(under revocations: RevocationSet) {
    self.revocations = revocations
    for (peer, member) in members where !member.isMember(under: revocations) { end(peer) }
  }

  private func forget(_ peer: PeerID) {
    serving.remove(peer)
    for root in items.keys where items[root]?.others.removeValue(forKey: peer) != nil {
      drive(root, .gone(peer))
    }
  }

  func send(_ message: FileMessage, to peer: PeerID) { streams[peer]?.send(message.wire) }

  /// Opens streams to members that may have some of the file.
  func seekHolders(of root: [UInt8]) async {
    guard let surroundings else { return }
    let members = await surroundings.members().shuffled()
    guard let item = items[root], item.isUnderWay else { return }
    let authors = item.agreeing.map(\.author)
    let plan = book.dial(
      authors: authors.filter(members.contains), members: members, useful: useful,
      at: parts.clock.now())
    if let silent = plan.close { end(silent) }
    for peer in plan.dial {
      Task {
        let end = await surroundings.dial(peer)
        book.dialled(peer, succeeded: end != nil, at: parts.clock.now())
        guard let end else { return }
        take(end.stream, to: end.member, because: authors.contains(peer) ? .author : .holder)
      }
    }
    // A file accepted after the streams were opened is told of to all of them.
    for peer in streams.keys where item.others[peer] == nil { announce(root, to: peer) }
  }

  /// Tells everybody who may fetch it what is here of the file.
  func announce(_ root: [UInt8]) {
    for peer in streams.keys { announce(root, to: peer) }
  }

  /// Says what is here of the file, if anything is or is wanted.
  private func announce(_ root: [UInt8], to peer: PeerID) {
    guard let map = ownMap(of: root) else { return }
    send(.have(root: root, map: map.bytes), to: peer)
  }

  private func ownMap(of root: [UInt8]) -> ChunkMap? {
    guard let item = items[root] else { return nil }
    switch item.state {
    case .offered, .verifying: return nil
    case .fetching: return fetches[root]?.map
    case .placing, .whole: return ChunkMap(chunkCount: item.offer.shape.chunkCount, isFull: true)
    }
  }

  // MARK: - Receiving

  private func receive(_ message: FileMessage, from peer: PeerID, on stream: FramedStream) {
    guard streams[peer] === stream else { return }
    book.heard(peer, at: parts.clock.now())
    switch message {
    case .have(let root, let bytes):
      guard let item = items[root], ownMap(of: root) != nil,
        let map = ChunkMap(bytes, chunkCount: item.offer.shape.chunkCount)
      else { break }
      serving.announced(map, of: root, by: peer)
      let isFirst = items[root]?.others.updateValue(map, forKey: peer) == nil
      // Over a new stream it says so of what it has only just begun, too.
      if map.count == 0, !isFirst { serving.startsAnew(root, for: peer, at: parts.clock.now()) }
      if isFirst { announce(root, to: peer) }
      drive(root, .holder(peer, map))
    case .gained(let root, let chunk):
      items[root]?.others[peer]?.insert(chunk)
      serving.announced(chunk, of: root, by: peer)
      drive(root, .gained(peer, chunk: chunk))
    case .askList(let root):
      // Long, and asked for with a few bytes: who lets it wait gets no other.
      guard let list = list(of: root), stream.pendingBytes < Self.pendingBytes else { break }
      send(.list(root: root, hashes: list.flatMap { $0 }), to: peer)
    case .list(let root, let list): drive(root, .list(peer, list))
    case .request(let root, let chunk): request(root, chunk, from: peer)
    case .chunk(let root, let chunk, let bytes):
      drive(root, .chunk(peer, index: chunk, bytes))
    case .refusal(let root, let chunk): drive(root, .refused(peer, chunk: chunk))
    }
  }

  private func list(of root: [UInt8]) -> [[UInt8]]? {
    switch items[root]?.state {
    case .fetching: fetches[root]?.hashes
    case .placing(let placing): placing.hashes
    case .whole(_, let hashes): hashes
    case .offered, .verifying, nil: nil
    }
  }

  // MARK: - Giving

  private func request(_ root: [UInt8], _ chunk: Int, from peer: PeerID) {
    let map = ownMap(of: root)
    let others = items[root]?.others.filter { $0.key != peer && !$0.value.isFull }.count ?? 0
    guard let map, map.contains(chunk),
      serving.add(
        .init(peer: peer, root: root, chunk: chunk), others: map.isFull ? others : 0,
        at: parts.clock.now())
    else { return send(.refusal(root: root, chunk: chunk), to: peer) }
    pump()
  }

  private func pump() {
    while let request = serving.next(where: {
      streams[$0].map { $0.pendingBytes <= Self.pendingBytes } ?? true
    }) {
      give(request)
    }
    for peer in serving.waiting where draining.insert(peer).inserted {
      Task { [weak self, stream = streams[peer]] in
        await stream?.drained(to: Self.pendingBytes)
        await self?.drained(peer)
      }
    }
  }

  private func drained(_ peer: PeerID) {
    draining.remove(peer)
    pump()
  }

  private func give(_ request: FileServing.Request) {
    guard let item = items[request.root], let hashes = list(of: request.root),
      request.chunk < hashes.count
    else { return }
    let range = item.offer.shape.range(of: request.chunk)
    let bytes: [UInt8]?
    var path: String?
    switch item.state {
    case .whole(let place, _):
      path = place
      bytes = FileFolder.read(place, range)
    case .fetching, .placing: bytes = folder(of: request.root).load(range)
    case .offered, .verifying: return
    }
    guard let bytes, digest(bytes) == hashes[request.chunk] else {
      send(.refusal(root: request.root, chunk: request.chunk), to: request.peer)
      if let path { changed(request.root, path) }
      return
    }
    send(.chunk(root: request.root, chunk: request.chunk, bytes), to: request.peer)
  }

  /// What doesn't match is never given.
  private func changed(_ root: [UInt8], _ path: String) {
    guard let item = items[root] else { return }
    cancel(root, isChanged: true)
    let isOwn = item.offers.contains { $0.author == parts.me }
    let digits = item.offer.entry.description.prefix(8)
    emit(
      .warning(
        code: "file-changed",
        message: "\(path) was changed or deleted, so it can't be given to others any more. "
          + (isOwn ? "Offer it anew with /send." : "/accept \(digits) fetches it anew.")))
  }
}
