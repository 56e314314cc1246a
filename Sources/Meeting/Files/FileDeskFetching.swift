import Crypto
import Files
import Foundation
import Foundations
import Logging
import Wire

/// From being accepted to lying in the folder for downloads.
extension FileDesk {
  func fetch(_ root: [UInt8]) {
    guard let item = items[root] else { return }
    let size = item.offer.shape.byteCount
    if !folder(of: root).hasWhole(byteCount: size), let room = room(parts.directory.path),
      !room.holds(size)
    {
      warn(
        "file-room",
        "\(item.offer.name) (\(DisplayText.size(size))) doesn't fit: on the disk of the data directory "
          + "\(DisplayText.size(room.free)) are left, and \(DisplayText.size(room.reserve)) stay "
          + "free for what is said. Make room, and try /accept again.")
      return report(root, .failed)
    }
    do {
      try folder(of: root).makeAnew(byteCount: size)
    } catch {
      warn("file-not-kept", "The file can't be fetched: \(error.sentence). Try /accept again.")
      return report(root, .failed)
    }
    // What came of it when nobody had asked for it counts, and the whole that wasn't given for a while.
    guard folder(of: root).list == nil else { return resume(root, folder(of: root)) }
    begin(root, FileFetch(item.offer.shape, seed: parts.secrets.seed(), at: parts.clock.now()))
  }

  private func begin(_ root: [UInt8], _ fetch: FileFetch) {
    items[root]?.state = .fetching
    fetches[root] = fetch
    items[root]?.chunksTold = fetch.map.count
    items[root]?.newsAt = parts.clock.now()
    // One that nobody has asked for is told of once something of it is here.
    if items[root]?.isUnasked == false || fetch.map.count > 0 { report(root) }
    for (peer, map) in items[root]?.others ?? [:] { drive(root, .holder(peer, map)) }
    // An empty file and one whose chunks were all kept need nobody.
    drive(root, .resumed)
    beginRounds()
    Task { await seekHolders(of: root) }
  }

  /// What an earlier run has kept counts as far as it is right.
  func resume(_ root: [UInt8], _ folder: FileFolder) {
    guard let shape = items[root]?.offer.shape else { return }
    let hashes = folder.list.flatMap { shape.hashes(of: $0) }
    if let place = folder.place, let hashes {
      // Each chunk is compared again when it is given.
      items[root]?.state = .whole(path: place, hashes: hashes)
      guard !forgetMissing(root) else { return }
      announce(root)
      return report(root)
    }
    items[root]?.state = .verifying
    Task { await verify(root, folder, hashes) }
  }

  /// Gigabytes take seconds: joining doesn't wait for it, and others are served in between.
  private func verify(_ root: [UInt8], _ folder: FileFolder, _ hashes: [[UInt8]]?) async {
    guard let shape = items[root]?.offer.shape else { return }
    var map = ChunkMap(chunkCount: shape.chunkCount)
    if let hashes, let kept = folder.map(chunkCount: shape.chunkCount) {
      for chunk in 0..<shape.chunkCount where kept.contains(chunk) {
        guard case .verifying = items[root]?.state, surroundings != nil else { return }
        if let bytes = folder.load(shape.range(of: chunk)), digest(bytes) == hashes[chunk] {
          map.insert(chunk)
        }
        await Task.yield()
      }
    }
    guard case .verifying = items[root]?.state else { return }
    begin(
      root,
      FileFetch(
        shape, hashes: hashes, map: map, seed: parts.secrets.seed(), at: parts.clock.now()))
  }

  /// Ends fetching, and forgets what was kept; also after a restart it isn't fetched unless it is asked
  /// for again. A whole file stays where it is, and isn't given any more until it is accepted.
  /// - Parameter isChanged: whether what lies there is no longer what was offered.
  /// - Returns: whether there was anything to end.
  @discardableResult
  func cancel(_ root: [UInt8], isChanged: Bool = false) -> Bool {
    guard let item = items[root] else { return false }
    // It may still be one that comes unasked, now or when somebody has it.
    let mayCome = stopUnasked(root)
    switch item.state {
    case .offered where !mayCome: return false
    case .offered, .verifying, .fetching, .placing, .whole:
      // What is here whole stays, and isn't passed on any more.
      var path: String?
      if case .whole(let place, _) = item.state, FileFolder.size(of: place) != nil { path = place }
      do {
        try giveUp(root, item, keepingPlace: path != nil && !isChanged)
      } catch {
        warn("file-not-cancelled", "After a restart it may be fetched again: \(error.sentence).")
      }
      report(root, .cancelled, path: path)
      fetchUnasked()
      return true
    }
  }

  private func giveUp(
    _ root: [UInt8], _ item: Item, keepingPlace: Bool = false
  ) throws(SystemError) {
    items[root]?.state = .offered
    fetches[root] = nil
    // Others learn that nothing is to be had here.
    let none = ChunkMap(chunkCount: item.offer.shape.chunkCount)
    for peer in item.others.keys { send(.have(root: root, map: none.bytes), to: peer) }
    try folder(of: root).cancel(keepingPlace: keepingPlace)
  }

  /// A whole file that was moved or deleted is no longer here. Whoever did so doesn't want it again
  /// unasked.
  /// - Returns: whether it is missing.
  @discardableResult
  func forgetMissing(_ root: [UInt8]) -> Bool {
    guard let item = items[root], case .whole(let path, _) = item.state,
      !FileFolder.holds(path, byteCount: item.offer.shape.byteCount)
    else { return false }
    // Where that can't be kept it is found missing again after a restart.
    try? giveUp(root, item)
    return true
  }

  // MARK: - The machine

  func drive(_ root: [UInt8], _ input: FileFetch.Input) {
    var outputs: [FileFetch.Output] = []
    fetches[root]?.handle(input, at: parts.clock.now(), into: &outputs)
    carryOut(outputs, of: root)
  }

  func wake(_ root: [UInt8]) {
    var outputs: [FileFetch.Output] = []
    fetches[root]?.wake(at: parts.clock.now(), into: &outputs)
    carryOut(outputs, of: root)
  }

  private func carryOut(_ outputs: [FileFetch.Output], of root: [UInt8]) {
    for output in outputs {
      switch output {
      case .askList(let peer): send(.askList(root: root), to: peer)
      case .keepList(let hashes):
        do {
          try folder(of: root).keep(list: hashes)
        } catch {
          diskFailed(error.sentence)
        }
      case .request(let peer, let chunk): send(.request(root: root, chunk: chunk), to: peer)
      case .store(let chunk, let bytes): store(bytes, as: chunk, of: root)
      case .announce(let chunk):
        // Without it the chunk is fetched again after a restart.
        if let map = fetches[root]?.map { try? folder(of: root).keep(map: map) }
        // Also those who have the whole: they count on it that others give what they were given.
        for peer in items[root]?.others.keys.sorted() ?? [] {
          send(.gained(root: root, chunk: chunk), to: peer)
        }
      case .misbehaviour(let peer):
        parts.log.notice("\(peer): sent what the file isn't made of")
      case .complete: Task { await finish(root) }
      }
    }
    look(by: fetches[root]?.deadline)
  }

  private func store(_ bytes: [UInt8], as chunk: Int, of root: [UInt8]) {
    guard let shape = items[root]?.offer.shape else { return }
    if let room = room(parts.directory.path), !room.holds(bytes.count) {
      let reserve = DisplayText.size(room.reserve)
      diskFailed("the last \(reserve) of its disk stay free for what is said")
      return drive(root, .notStored(chunk: chunk, bytes))
    }
    do {
      try folder(of: root).store(bytes, at: shape.range(of: chunk).lowerBound)
      drive(root, .stored(chunk: chunk))
    } catch {
      diskFailed(error.sentence)
      drive(root, .notStored(chunk: chunk, bytes))
    }
  }

  private func diskFailed(_ reason: String) {
    warn(
      "file-disk",
      "Files can't be kept in the data directory: \(reason). The meeting goes on, and so "
        + "does fetching once there is room.")
  }

  // MARK: - The end

  /// Verifies the whole, if it hasn't been or has changed since, and lets it appear.
  func finish(_ root: [UInt8]) async {
    let wasFetching: Bool
    var placing: Placing
    switch items[root]?.state {
    case .fetching:
      guard let fetch = fetches[root], fetch.map.isFull, let list = fetch.hashes else { return }
      placing = Placing(list, at: parts.clock.now())
      fetches[root] = nil
      wasFetching = true
    case .placing(let waiting):
      guard !waiting.isBusy else { return }
      placing = waiting
      wasFetching = false
    case .offered, .verifying, .whole, nil: return
    }
    let version = folder(of: root).version
    guard !placing.isVerified(version) else { return place(root, placing) }
    placing.isBusy = true
    items[root]?.state = .placing(placing)
    if wasFetching { report(root) }
    let whole = await wholeDigest(of: root)
    // It may have been cancelled meanwhile, and offers may have come or gone.
    guard let item = items[root], case .placing = item.state else { return }
    guard let whole else {
      let number = folder(of: root).version == nil ? ENOENT : ENODATA
      return notPlaced(root, placing, because: .unreadable(number))
    }
    // What is written while it is read may be in the digest or not.
    guard folder(of: root).version == version else {
      return notPlaced(root, placing, because: .changed)
    }
    // Of several offers one may lie about the whole.
    guard
      let offer = item.known.first(where: { $0.digest == whole && $0.shape == item.offer.shape })
    else {
      folder(of: root).remove()
      items[root]?.state = .offered
      emit(
        .warning(
          code: "file-wrong",
          message: "\(item.offer.name) isn't what its offer says. What was fetched is deleted."))
      report(root, .failed)
      return fetchUnasked()
    }
    items[root]?.lead(with: offer.entry)
    placing.verified(version)
    place(root, placing)
  }

  /// - Returns: `nil` where it can't be read, or isn't wanted any more.
  private func wholeDigest(of root: [UInt8]) async -> [UInt8]? {
    guard let shape = items[root]?.offer.shape else { return nil }
    var whole = SHA256()
    for chunk in 0..<shape.chunkCount {
      guard case .placing = items[root]?.state,
        let bytes = folder(of: root).load(shape.range(of: chunk))
      else { return nil }
      whole.update(data: bytes)
      // Others are served in between.
      await Task.yield()
    }
    return Array(whole.finalize())
  }

  private func place(_ root: [UInt8], _ placing: Placing) {
    guard let item = items[root] else { return }
    let folder = folder(of: root)
    do throws(FileFolder.Trouble) {
      let path = try folder.place(
        as: FileName.sanitised(item.offer.name), in: downloads,
        byteCount: item.offer.shape.byteCount)
      try? folder.keep(place: path)
      items[root]?.state = .whole(path: path, hashes: placing.hashes)
      // What hindered is over: should it come again, that is news.
      troubles = []
      report(root, .complete)
      fetchUnasked()
    } catch {
      notPlaced(root, placing, because: error)
    }
  }

  /// Says why, once for each reason: the folder for downloads is the same for all files.
  private func notPlaced(
    _ root: [UInt8], _ placing: Placing, because trouble: FileFolder.Trouble
  ) {
    guard let item = items[root] else { return }
    var placing = placing
    let isNews = placing.failed(because: trouble, at: parts.clock.now())
    items[root]?.state = .placing(placing)
    guard isNews else { return }
    let name = item.offer.name
    switch trouble {
    case .unwritable(let number):
      guard troubles.insert(trouble).inserted else { return }
      emit(
        .warning(
          code: "file-place",
          message: "\(name) is fetched, but can't be put into \(downloads): "
            + "\(SystemError(number).sentence). It will appear once that works; so will others."))
    case .unreadable(let number):
      emit(
        .warning(
          code: "file-disk",
          message: "\(name) is fetched, but can't be read back from \(folder(of: root).path): "
            + "\(SystemError(number).sentence). /cancel and then /accept fetch it anew."))
    case .changed: parts.log.notice("\(name): changed while it was verified")
    }
  }

  /// Where the user wants it, or else where the desktop puts what is downloaded; where there is no such
  /// place, a folder beside the history.
  var downloads: String {
    parts.options.downloads ?? UserDirectories().downloads ?? parts.directory.path + "/downloads"
  }
}
