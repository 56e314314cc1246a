import Chat
import Crypto
import Files
import Foundation
import Foundations
import Links
import Wire

/// Files of one meeting: what is offered, fetched and passed on. An actor on a queue of its own, since
/// it reads and writes files.
actor FileDesk {
  struct Surroundings: Sendable {
    let members: @Sendable () async -> [PeerID]
    let dial: @Sendable (PeerID) async -> FramedStream?
    let say: @Sendable (WireChatBody) async -> Void
  }

  struct Offer: Sendable {
    let entry: EntryID
    let author: PeerID
    /// Fit to be shown.
    let name: String
    let shape: FileShape
    let digest: [UInt8]
  }

  struct Item {
    let offer: Offer
    var state: State = .offered
    /// Members that take part in the file, and what they have.
    var others: [PeerID: ChunkMap] = [:]
    var bytesTold = -1
  }

  /// Exits: `offered` → `fetching` when accepted, `whole` when it is one's own; `fetching` → `placing`
  /// with the last chunk, `offered` when cancelled or failed; `placing` → `whole`, `offered`.
  enum State {
    case offered
    case fetching(FileFetch)
    /// All chunks are here; the whole is being verified, or there was no place for it.
    case placing([[UInt8]], isBusy: Bool)
    case whole(path: String, hashes: [[UInt8]])
  }

  /// Offers of one meeting that can be fetched; what is offered beyond it is only told of.
  static let mostOffers = 10_000

  private let work = WorkQueue(label: "files")
  nonisolated var unownedExecutor: UnownedSerialExecutor { work.asUnownedSerialExecutor() }

  let parts: SessionParts
  let emit: @Sendable (MeetingEvent) -> Void
  let directory: String
  var surroundings: Surroundings?
  /// By their roots: the same content offered twice is one file.
  var items: [[UInt8]: Item] = [:]
  var streams: [PeerID: FramedStream] = [:]
  var dialling: Set<PeerID> = []
  /// Members that were removed from the meeting: a stream that was on its way comes too late.
  var removed: Set<PeerID> = []
  var serving = FileServing()
  var isPumping = false
  var warned: Set<String> = []
  private var ticks = 0
  private var ticking: Task<Void, Never>?
  /// Files of one's own on their way into the conversation.
  private var ownPaths: [[UInt8]: (path: String, hashes: [[UInt8]])] = [:]

  init(parts: SessionParts, meeting: MeetingID, emit: @escaping @Sendable (MeetingEvent) -> Void) {
    self.parts = parts
    self.emit = emit
    directory = parts.directory.filesPath(of: meeting)
  }

  func start(_ surroundings: Surroundings, offers: [Offer]) {
    self.surroundings = surroundings
    for offer in offers { learn(offer) }
  }

  /// Only a meeting with files has a clock for them.
  private func beginTicking() {
    guard ticking == nil else { return }
    ticking = Task { [weak self] in
      while !Task.isCancelled {
        try? await Task.sleep(for: .milliseconds(100))
        await self?.tick()
      }
    }
  }

  func close() {
    ticking?.cancel()
    surroundings = nil
    for stream in streams.values { stream.close() }
    streams = [:]
  }

  func folder(of root: [UInt8]) -> FileFolder {
    FileFolder(path: "\(directory)/\(root.hexadecimal)")
  }

  // MARK: - Offers

  func learn(_ offer: Offer) {
    let root = offer.shape.root
    guard items[root] == nil else { return }
    guard items.count < Self.mostOffers else {
      return warn(
        "too-many-files", "So many files were offered that further ones can't be fetched.")
    }
    items[root] = Item(offer: offer)
    beginTicking()
    let folder = folder(of: root)
    if let own = ownPaths.removeValue(forKey: root) {
      items[root]?.state = .whole(path: own.path, hashes: own.hashes)
      report(root, .complete)
    } else if folder.exists {
      resume(root, folder)
    } else if offer.author != parts.me, let most = parts.options.acceptedBytes,
      offer.shape.byteCount <= most
    {
      fetch(root)
    }
  }

  func withdraw(_ entries: Set<EntryID>, by author: PeerID) {
    for (root, item) in items where entries.contains(item.offer.entry) {
      guard item.offer.author == author else { continue }
      cancel(root)
      folder(of: root).remove()
      items[root] = nil
    }
  }

  // MARK: - Commands

  func take(_ command: FileCommand) async {
    switch command {
    case .files:
      for root in items.keys.sorted(by: { (name($0), $0.hexadecimal) < (name($1), $1.hexadecimal) })
      {
        report(root)
      }
    case .send(let rest): await offer(rest)
    case .accept(let name):
      guard let root = find(name) else { return }
      guard case .offered = items[root]?.state else { return report(root) }
      fetch(root)
    case .cancel(let name):
      guard let root = find(name) else { return }
      cancel(root)
    }
  }

  private func name(_ root: [UInt8]) -> String { items[root]?.offer.name ?? "" }

  /// The file whose message begins with these digits, or that has this name.
  private func find(_ text: String) -> [UInt8]? {
    let digits = text.lowercased().drop { $0 == "#" }
    var roots = items.filter {
      digits.count >= 4 && $0.value.offer.entry.description.hasPrefix(digits)
    }
    if roots.isEmpty { roots = items.filter { $0.value.offer.name == text } }
    guard roots.count == 1 else {
      let what = DisplayText.line(text, limit: 60)
      emit(
        .warning(
          code: "no-such-file",
          message: roots.isEmpty
            ? "No file here is called \(what). /files lists them."
            : "Several files are called \(what). Give the digits of one, from /files."))
      return nil
    }
    return roots.first?.key
  }

  private func offer(_ rest: String) async {
    let (written, note) = FileCommand.split(rest) {
      FileFolder.size(of: Self.expanded($0)) != nil
    }
    let path = URL(fileURLWithPath: Self.expanded(written)).standardizedFileURL.path
    guard let size = FileFolder.size(of: path) else {
      return refuse(path, "there is no plain file that can be read")
    }
    guard size <= FileBounds.chunks * FileBounds.chunk else {
      return refuse(path, "it is larger than 4 GiB")
    }
    guard note.utf8.count <= 512 else { return refuse(path, "the note is too long") }
    var whole = SHA256()
    var hashes: [[UInt8]] = []
    var offset = 0
    while offset < size {
      let range = offset..<min(offset + FileBounds.chunk, size)
      guard let bytes = FileFolder.read(path, range) else {
        return refuse(path, "it can't be read, or changes")
      }
      whole.update(data: bytes)
      hashes.append(Wire.digest(bytes))
      offset = range.upperBound
      await Task.yield()
    }
    guard let shape = FileShape(byteCount: size, hashes: hashes) else { return }
    let folder = folder(of: shape.root)
    do {
      try folder.make()
      try folder.keep(list: hashes)
      try folder.keep(place: path)
    } catch {
      warn("file-not-kept", "After a restart \(path) has to be offered anew: \(error.sentence).")
    }
    ownPaths[shape.root] = (path, hashes)
    items[shape.root] = nil
    let name = FileName.sanitised((path as NSString).lastPathComponent)
    await surroundings?.say(
      .file(
        name: name, byteCount: size, chunkBytes: FileBounds.chunk, digest: Array(whole.finalize()),
        root: shape.root, note: note))
  }

  private func refuse(_ path: String, _ reason: String) {
    let path = DisplayText.line(path, limit: 200)
    emit(.warning(code: "file-not-sent", message: "\(path) was not offered: \(reason)."))
  }

  private static func expanded(_ path: String) -> String {
    (path as NSString).expandingTildeInPath
  }

  // MARK: - Telling

  func warn(_ code: String, _ message: String) {
    guard warned.insert(code).inserted else { return }
    emit(.warning(code: code, message: message))
  }

  func report(_ root: [UInt8], _ state: FileReport.State? = nil) {
    guard let item = items[root] else { return }
    let shape = item.offer.shape
    var report = (
      state: FileReport.State.offered, bytes: 0, holders: [PeerID](), path: String?.none
    )
    switch item.state {
    case .offered: break
    case .fetching(let fetch):
      let bytes = min(fetch.map.count * FileBounds.chunk, shape.byteCount)
      report = (.fetching, bytes, fetch.holderIDs, nil)
    case .placing: report = (.fetching, shape.byteCount, [], nil)
    case .whole(let path, _): report = (.complete, shape.byteCount, [], path)
    }
    emit(
      .file(
        FileReport(
          file: item.offer.entry, name: item.offer.name, state: state ?? report.state,
          bytes: report.bytes, total: shape.byteCount, holders: report.holders,
          path: report.path)))
  }

  // MARK: - Time

  private func tick() async {
    ticks += 1
    let now = parts.clock.now()
    for (root, item) in items {
      switch item.state {
      case .fetching(let fetch):
        if let deadline = fetch.deadline, deadline <= now { wake(root) }
        if ticks % 5 == 0 { reportProgress(root) }
        if ticks % 20 == 0 {
          drive(root, .resumed)
          await seekHolders(of: root)
        }
      case .placing(_, isBusy: false): if ticks % 20 == 0 { await finish(root) }
      case .offered, .placing, .whole: break
      }
    }
  }

  private func reportProgress(_ root: [UInt8]) {
    guard let item = items[root], case .fetching(let fetch) = item.state,
      fetch.map.count != item.bytesTold
    else { return }
    items[root]?.bytesTold = fetch.map.count
    report(root)
  }
}
