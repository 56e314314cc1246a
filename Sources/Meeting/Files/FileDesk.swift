import Admission
import Chat
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
    let dial: @Sendable (PeerID) async -> (stream: FramedStream, member: AdmittedMember)?
    /// What was asked for after the line with this number.
    let say: @Sendable (WireChatBody, Int) async -> Void
    let notSaid: @Sendable (Int) async -> Void
    /// Returns when what was said so far has come back as offers.
    let published: @Sendable () async -> Void
  }

  /// Offers of one meeting that can be fetched; what is offered beyond it is only told of.
  static let mostOffers = 10_000

  private let work = WorkQueue(label: "files")
  nonisolated var unownedExecutor: UnownedSerialExecutor { work.asUnownedSerialExecutor() }

  let parts: SessionParts
  let emit: @Sendable (MeetingEvent) -> Void
  let directory: String
  /// Of the disk on which a folder lies.
  var room: @Sendable (String) -> FileRoom? = { FileRoom(at: $0) }
  var surroundings: Surroundings?
  /// By their roots: the same content offered twice is one file.
  var items: [[UInt8]: Item] = [:]
  /// Of the items being fetched; apart from them, so that a machine is changed where it stands.
  var fetches: [[UInt8]: FileFetch] = [:]
  var streams: [PeerID: FramedStream] = [:]
  /// Those at the other ends.
  var members: [PeerID: AdmittedMember] = [:]
  var book = FileStreams()
  /// As last told: a stream that was on its way when its member was removed comes too late.
  var revocations: RevocationSet?
  var serving = FileServing()
  /// Members whose streams hold as much as they should.
  var draining: Set<PeerID> = []
  var warned: Set<String> = []
  /// Why the folder for downloads can't be written, as far as it was told; until it can.
  var troubles: Set<FileFolder.Trouble> = []
  /// Files of one's own on their way into the conversation, in the order of offering.
  var ownFiles: [(root: [UInt8], name: String, path: String, hashes: [[UInt8]])] = []
  /// The latest of them being handed over.
  var handing: Task<Void, Never>?
  /// The first is being read.
  var readings: [Reading] = []
  var isReading = false
  var readingCount = 0
  private var offerCount = 0
  /// By who answers for their authors; `nil` for this member's own, since it answers for others, too.
  private var offersOf: [PeerID?: Int] = [:]
  var unasked: UnaskedFiles

  // When to look again, see FileDeskTime.
  var alarm: Alarm?
  var alarmAt: Moment?
  var nextRound: Moment?
  var rounds = 0

  init(parts: SessionParts, meeting: MeetingID, emit: @escaping @Sendable (MeetingEvent) -> Void) {
    self.parts = parts
    self.emit = emit
    directory = parts.directory.filesPath(of: meeting)
    unasked = UnaskedFiles(largest: parts.options.acceptedBytes, directory: directory)
  }

  func start(_ surroundings: Surroundings, offers: [Offer]) {
    self.surroundings = surroundings
    alarm = Alarm(clock: parts.clock) { [weak self] in await self?.lookAgain() }
    for offer in offers { learn(offer) }
  }

  func close() {
    alarm = nil
    surroundings = nil
    fetches = [:]
    for stream in streams.values { stream.close() }
    streams = [:]
  }

  func folder(of root: [UInt8]) -> FileFolder {
    FileFolder(path: "\(directory)/\(root.hexadecimal)")
  }

  // MARK: - Offers

  func learn(_ offer: Offer) {
    let root = offer.shape.root
    let own = offer.author == parts.me ? takeOwn(root, name: offer.name) : nil
    guard own != nil || makeRoom(for: offer) else {
      return tellOfTooMany()
    }
    let isNew = items[root] == nil
    if isNew {
      items[root] = Item(offer)
    } else {
      items[root]?.add(offer, isOwn: own != nil)
    }
    offerCount += 1
    offersOf[share(of: offer), default: 0] += 1
    if let own {
      stopUnasked(root)
      fetches[root] = nil
      folder(of: root).removeChunks()
      items[root]?.lead(with: offer.entry)
      items[root]?.state = .whole(path: own.path, hashes: own.hashes)
      // Who waits for it may have heard that nothing is to be had here.
      announce(root)
      report(root, .complete, of: offer.entry)
      return fetchUnasked()
    }
    guard isNew else { return }
    let folder = folder(of: root)
    if folder.isCancelled { return }
    // One's own that couldn't be kept isn't fetched from others.
    guard folder.exists || offer.author != parts.me else { return }
    let share = folder.share
    if folder.exists, share == nil || folder.place != nil {
      resume(root, folder)
    } else {
      unasked.consider(
        root, byteCount: offer.shape.byteCount, of: offer.sponsor, holding: share)
      fetchUnasked()
    }
  }

  private func tellOfTooMany() {
    warn("too-many-files", "So many files were offered that further ones can't be fetched.")
  }

  /// The same content may be on its way under two names.
  private func takeOwn(
    _ root: [UInt8], name: String
  ) -> (path: String, hashes: [[UInt8]])? {
    let place =
      ownFiles.firstIndex { $0.root == root && $0.name == name }
      ?? ownFiles.firstIndex { $0.root == root }
    return place.map { ownFiles.remove(at: $0) }.map { ($0.path, $0.hashes) }
  }

  /// Where there are too many offers, whoever answers for the most of them loses one that nobody has asked
  /// for to one with fewer: nobody's flood takes another's place.
  private func makeRoom(for offer: Offer) -> Bool {
    guard offerCount >= Self.mostOffers else { return true }
    let most = offersOf.compactMap { key, count in key.map { (key: $0, value: count) } }.max {
      ($0.value, $0.key) < ($1.value, $1.key)
    }
    guard let most, most.value > offersOf[share(of: offer), default: 0] + 1 else { return false }
    func isOfMost(_ offer: Offer) -> Bool { share(of: offer) == most.key }
    for root in items.keys where items[root]?.forgetAside(where: isOfMost) == true {
      forgetOffer(of: most.key)
      return true
    }
    let victim = items.first { $1.state.isOffered && $1.known.allSatisfy(isOfMost) }
    guard let victim else { return false }
    for _ in victim.value.known { forgetOffer(of: most.key) }
    unasked.remove(victim.key, hasCome: true)
    items[victim.key] = nil
    return true
  }

  private func share(of offer: Offer) -> PeerID? {
    offer.author == parts.me ? nil : offer.sponsor
  }

  private func forgetOffer(of sponsor: PeerID?) {
    offerCount -= 1
    offersOf[sponsor, default: 1] -= 1
    if offersOf[sponsor] == 0 { offersOf[sponsor] = nil }
  }

  func withdraw(_ entries: Set<EntryID>, by author: PeerID) {
    for (root, item) in items {
      for offer in item.known where offer.author == author && entries.contains(offer.entry) {
        forgetOffer(of: share(of: offer))
        let shape = items[root]?.offer.shape
        let isLeft = items[root]?.remove(offer.entry) ?? true
        guard !isLeft || items[root]?.offer.shape != shape else { continue }
        stopUnasked(root)
        cancel(root)
        folder(of: root).remove()
        if !isLeft { items[root] = nil }
      }
    }
  }

  // MARK: - Commands

  /// - Parameter line: the number of the line before it.
  func take(_ command: FileCommand, after line: Int) async {
    switch command {
    case .files:
      await finishOffering { _, _ in true }
      guard !items.isEmpty else {
        return emit(
          .warning(code: "no-files", message: "No file has been offered in this meeting."))
      }
      func key(_ item: Item) -> (String, String) {
        (item.offer.name, item.offer.shape.root.hexadecimal)
      }
      for item in items.values.sorted(by: { key($0) < key($1) }) {
        forgetMissing(item.offer.shape.root)
        report(item.offer.shape.root, isAnswer: true)
      }
    case .send(let rest): await offer(rest, after: line)
    case .accept(let name):
      await finishOffering { own, _ in FileCommand.isMeant(own, by: name) }
      guard let (root, entry) = find(name) else { return }
      items[root]?.recall(entry)
      // Whoever asks is told again what is wrong.
      warned.subtract(["file-disk", "file-not-kept", "file-room"])
      stopUnasked(root)
      items[root]?.aloneSince = nil
      items[root]?.isToldAlone = false
      forgetMissing(root)
      guard case .offered = items[root]?.state else { return await acceptAgain(root, entry) }
      items[root]?.lead(with: entry)
      fetch(root)
    case .cancel(let name):
      let paths = [name, FileCommand.unquoted(name)].map(Self.absolute)
      func isMeant(_ own: String, _ place: String) -> Bool {
        FileCommand.isMeant(own, by: name) || paths.contains(place)
      }
      guard !cancelReading(where: { isMeant($0.name, $0.path) }) else { return }
      await finishOffering(where: isMeant)
      guard let (root, _) = find(name), !cancel(root) else { return }
      emit(
        .warning(
          code: "not-fetched",
          message:
            "\(items[root]?.offer.name ?? name) isn't being fetched: there is nothing to cancel. "
            + "/delete takes an offer of your own back."))
    }
  }

  /// Whoever has mended the folder for downloads needn't wait for the next try, and whoever asks is told
  /// again what is wrong.
  private func acceptAgain(_ root: [UInt8], _ entry: EntryID) async {
    if case .placing(var placing) = items[root]?.state, !placing.isBusy {
      placing.forgetTrouble()
      items[root]?.state = .placing(placing)
      troubles = []
      await finish(root)
      guard case .placing = items[root]?.state else { return }
    }
    // An offer with other words about its size isn't what is here.
    let isAgreeing = items[root]?.agreeing.contains { $0.entry == entry } == true
    report(root, of: isAgreeing ? entry : nil, isAnswer: true)
  }

  /// The file whose message begins with these digits, or that has this name.
  private func find(_ text: String) -> (root: [UInt8], entry: EntryID)? {
    let digits = text.lowercased().drop { $0 == "#" }
    func offers(where fits: (Offer) -> Bool) -> [(root: [UInt8], entry: EntryID)] {
      items.flatMap { root, item in item.known.filter(fits).map { (root, $0.entry) } }
    }
    var found: [(root: [UInt8], entry: EntryID)] = []
    if digits.count >= 4 { found = offers { $0.entry.description.hasPrefix(digits) } }
    if found.isEmpty { found = offers { FileCommand.isMeant($0.name, by: text) } }
    let isOne = Set(found.map(\.root)).count == 1
    // Several offers of one content are one file.
    if isOne, let root = found.first?.root, let item = items[root] {
      return (
        root, found.contains { $0.entry == item.offer.entry } ? item.offer.entry : found[0].entry
      )
    }
    let what = DisplayText.line(text, limit: 60)
    emit(
      .warning(
        code: "no-such-file",
        message: found.isEmpty
          ? "No file here is called \(what). /files lists them."
          : "Several files are called \(what). Give the digits of one, from /files."))
    return nil
  }

  // MARK: - Telling

  func warn(_ code: String, _ message: String) {
    guard warned.insert(code).inserted else { return }
    emit(.warning(code: code, message: message))
  }

  /// - Parameters:
  ///   - entry: the only offer whose end is told of; `nil` for all that it is true of.
  ///   - path: of a file that stays though it isn't passed on any more.
  func report(
    _ root: [UInt8], _ state: FileReport.State? = nil, of entry: EntryID? = nil,
    path: String? = nil, isAnswer: Bool = false
  ) {
    guard let item = items[root] else { return }
    let shape = item.offer.shape
    var report = (
      state: FileReport.State.offered, bytes: 0, holders: [PeerID](), path: String?.none
    )
    switch item.state {
    case .offered: break
    case .verifying: report.state = .fetching
    case .fetching:
      let bytes = min((fetches[root]?.map.count ?? 0) * FileBounds.chunk, shape.byteCount)
      report = (.fetching, bytes, fetches[root]?.sourceIDs ?? [], nil)
    case .placing: report = (.fetching, shape.byteCount, [], nil)
    case .whole(let path, _): report = (.complete, shape.byteCount, [], path)
    }
    // How far it is, is told once; what became of it, to all that may have asked. While it is only
    // offered, each offer says its own.
    let isProgress = (state ?? report.state) == .fetching
    let isOffered = (state ?? report.state) == .offered
    let offers = isAnswer ? item.known : item.offers
    let told =
      isProgress ? [item.offer] : isOffered ? offers : offers.filter { $0.shape == shape }
    for offer in told where entry == nil || isProgress || offer.entry == entry {
      emit(
        .file(
          FileReport(
            file: offer.entry, name: offer.name, state: state ?? report.state,
            bytes: report.bytes, total: offer.shape.byteCount, holders: report.holders,
            path: report.path ?? path, isAnswer: isAnswer)))
    }
  }
}
