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
    do {
      try folder(of: root).make()
    } catch {
      warn("file-not-kept", "The file can't be fetched: \(error.sentence). Try /accept again.")
      return report(root, .failed)
    }
    begin(
      root,
      FileFetch(item.offer.shape, seed: parts.secrets.seed(), at: parts.clock.now()))
  }

  private func begin(_ root: [UInt8], _ fetch: FileFetch) {
    items[root]?.state = .fetching(fetch)
    report(root)
    for (peer, map) in items[root]?.others ?? [:] { drive(root, .holder(peer, map)) }
    // An empty file and one whose chunks were all kept need nobody.
    drive(root, .resumed)
    Task { await seekHolders(of: root) }
  }

  /// What an earlier run has kept counts as far as it is right.
  func resume(_ root: [UInt8], _ folder: FileFolder) {
    guard let shape = items[root]?.offer.shape else { return }
    let hashes = folder.list.flatMap { shape.hashes(of: $0) }
    if let place = folder.place, let hashes {
      guard FileFolder.size(of: place) == shape.byteCount else {
        folder.remove()
        return
      }
      items[root]?.state = .whole(path: place, hashes: hashes)
      return report(root)
    }
    var map = ChunkMap(chunkCount: shape.chunkCount)
    if let hashes, let kept = folder.map(chunkCount: shape.chunkCount) {
      for chunk in 0..<shape.chunkCount where kept.contains(chunk) {
        guard let bytes = folder.load(shape.range(of: chunk)), digest(bytes) == hashes[chunk]
        else { continue }
        map.insert(chunk)
      }
    }
    begin(
      root,
      FileFetch(
        shape, hashes: hashes, map: map, seed: parts.secrets.seed(), at: parts.clock.now()))
  }

  /// Ends fetching, and forgets what was kept. A whole file stays where it is, and isn't given any more.
  func cancel(_ root: [UInt8]) {
    guard let item = items[root] else { return }
    switch item.state {
    case .offered: return
    case .fetching, .placing, .whole:
      items[root]?.state = .offered
      folder(of: root).remove()
      // Others learn that nothing is to be had here.
      let none = ChunkMap(chunkCount: item.offer.shape.chunkCount)
      for peer in item.others.keys { send(.have(root: root, map: none.bytes), to: peer) }
      report(root, .cancelled)
    }
  }

  // MARK: - The machine

  func drive(_ root: [UInt8], _ input: FileFetch.Input) {
    guard case .fetching(var fetch) = items[root]?.state else { return }
    var outputs: [FileFetch.Output] = []
    fetch.handle(input, at: parts.clock.now(), into: &outputs)
    items[root]?.state = .fetching(fetch)
    carryOut(outputs, of: root)
  }

  func wake(_ root: [UInt8]) {
    guard case .fetching(var fetch) = items[root]?.state else { return }
    var outputs: [FileFetch.Output] = []
    fetch.wake(at: parts.clock.now(), into: &outputs)
    items[root]?.state = .fetching(fetch)
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
          diskFailed(error)
        }
      case .request(let peer, let chunk): send(.request(root: root, chunk: chunk), to: peer)
      case .store(let chunk, let bytes): store(bytes, as: chunk, of: root)
      case .announce(let chunk):
        if case .fetching(let fetch) = items[root]?.state {
          try? folder(of: root).keep(map: fetch.map)
        }
        for (peer, map) in items[root]?.others ?? [:] where !map.isFull {
          send(.gained(root: root, chunk: chunk), to: peer)
        }
      case .misbehaviour(let peer):
        parts.log.notice("\(peer): sent what the file isn't made of")
      case .complete: Task { await finish(root) }
      }
    }
  }

  private func store(_ bytes: [UInt8], as chunk: Int, of root: [UInt8]) {
    guard let shape = items[root]?.offer.shape else { return }
    do {
      try folder(of: root).store(bytes, at: shape.range(of: chunk).lowerBound)
      drive(root, .stored(chunk: chunk))
    } catch {
      diskFailed(error)
      drive(root, .notStored(chunk: chunk))
    }
  }

  private func diskFailed(_ error: SystemError) {
    warn(
      "file-disk",
      "Files can't be kept in the data directory: \(error.sentence). The meeting goes on, and so "
        + "does fetching once there is room.")
  }

  // MARK: - The end

  /// Verifies the whole and lets it appear.
  func finish(_ root: [UInt8]) async {
    guard let item = items[root] else { return }
    let hashes: [[UInt8]]
    switch item.state {
    case .fetching(let fetch):
      guard fetch.map.isFull, let list = fetch.hashes else { return }
      hashes = list
    case .placing(let list, isBusy: false): hashes = list
    case .placing, .offered, .whole: return
    }
    items[root]?.state = .placing(hashes, isBusy: true)
    let shape = item.offer.shape
    var whole = SHA256()
    for chunk in 0..<shape.chunkCount {
      guard let bytes = folder(of: root).load(shape.range(of: chunk)) else {
        items[root]?.state = .placing(hashes, isBusy: false)
        return warn(
          "file-disk", "\(item.offer.name) can't be read back from the data directory yet.")
      }
      whole.update(data: bytes)
      // Others are served in between.
      await Task.yield()
    }
    guard case .placing = items[root]?.state else { return }
    guard Array(whole.finalize()) == item.offer.digest else {
      folder(of: root).remove()
      items[root]?.state = .offered
      emit(
        .warning(
          code: "file-wrong",
          message: "\(item.offer.name) isn't what its offer says. What was fetched is deleted."))
      return report(root, .failed)
    }
    place(root, item, hashes)
  }

  private func place(_ root: [UInt8], _ item: Item, _ hashes: [[UInt8]]) {
    let folder = folder(of: root)
    do {
      let path = try folder.place(
        as: FileName.sanitised(item.offer.name), in: downloads,
        byteCount: item.offer.shape.byteCount)
      try? folder.keep(place: path)
      items[root]?.state = .whole(path: path, hashes: hashes)
      report(root, .complete)
    } catch {
      items[root]?.state = .placing(hashes, isBusy: false)
      warn(
        "file-place",
        "\(item.offer.name) is fetched, but can't be put into \(downloads): \(error.sentence). "
          + "It will appear once that works.")
    }
  }

  /// XDG user directories; where the system has none, a folder beside the history.
  var downloads: String {
    if let chosen = parts.options.downloads { return chosen }
    let environment = ProcessInfo.processInfo.environment
    if let folder = environment["XDG_DOWNLOAD_DIR"], folder.hasPrefix("/") { return folder }
    let usual = (environment["HOME"] ?? NSHomeDirectory()) + "/Downloads"
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: usual, isDirectory: &isDirectory),
      isDirectory.boolValue
    {
      return usual
    }
    return parts.directory.path + "/downloads"
  }
}
