import Files
import Foundations

/// When the desk looks again: at the deadlines of its machines, and while something is under way in
/// rounds. Without files it sleeps.
extension FileDesk {
  /// How often progress is told while there is some.
  private static let round = Duration.milliseconds(500)
  /// Of so many rounds, one looks for more holders and tries the data directory again.
  private static let seeking = 4
  /// A stream that is in use is looked at again no sooner.
  private static let nextIdle = Duration.seconds(5)

  func look(by moment: Moment?) {
    guard let moment, alarmAt.map({ moment < $0 }) ?? true else { return }
    alarmAt = moment
    alarm?.set(moment)
  }

  func beginRounds() {
    guard nextRound == nil else { return }
    let next = parts.clock.now() + Self.round
    nextRound = next
    look(by: next)
  }

  func lookAgain() async {
    alarm?.forget()
    alarmAt = nil
    guard surroundings != nil else { return }
    let now = parts.clock.now()
    for (root, fetch) in fetches {
      if let deadline = fetch.deadline, deadline <= now { wake(root) }
    }
    for peer in book.idle(useful: useful, at: now) { end(peer) }
    if let round = nextRound, round <= now {
      nextRound = nil
      if items.values.contains(where: \.isUnderWay) { beginRounds() }
      await goRound()
    }
    fetchUnasked()
    for fetch in fetches.values { look(by: fetch.deadline) }
    look(by: book.deadline.map { max($0, now + Self.nextIdle) })
    look(by: nextRound)
    look(by: unasked.deadline(after: now))
  }

  private func goRound() async {
    rounds += 1
    for (root, item) in items where item.isUnderWay {
      switch item.state {
      case .fetching:
        reportProgress(root)
        guard rounds % Self.seeking == 0 else { break }
        drive(root, .resumed)
        offerHolders(of: root)
        await seekHolders(of: root)
        tellOfWaiting(for: root)
      case .placing(let placing):
        if placing.nextTry <= parts.clock.now() { await finish(root) }
      case .offered, .verifying, .whole: break
      }
    }
  }

  /// Where there was no place for a member, one that gave nothing may have lost its own by now.
  private func offerHolders(of root: [UInt8]) {
    let holders = Set(fetches[root]?.holderIDs ?? [])
    for (peer, map) in items[root]?.others ?? [:] where map.count > 0 && !holders.contains(peer) {
      drive(root, .holder(peer, map))
    }
  }

  /// How long nobody may have a file before that is told: whoever has it may be on its way here.
  private static let aloneFor = Duration.seconds(3)
  /// After what time without news a file that nobody has asked for counts as one that nobody has,
  /// whoever says the contrary: what one holder may take for the list, and then two for a chunk.
  private static let unaskedPatience = FileBounds.patience * 3

  /// Says, once, that nobody is left who could give the file.
  private func tellOfWaiting(for root: [UInt8]) {
    guard let item = items[root], let fetch = fetches[root] else { return }
    let now = parts.clock.now()
    let isLate = item.isUnasked && now - item.newsAt >= Self.unaskedPatience
    guard fetch.sourceIDs.isEmpty || isLate else {
      items[root]?.aloneSince = nil
      items[root]?.isToldAlone = false
      return
    }
    let since = item.aloneSince ?? now
    items[root]?.aloneSince = since
    guard !item.isToldAlone, isLate || now - since >= Self.aloneFor else { return }
    if item.isUnasked, fetch.map.count == 0 { return setAside(root) }
    items[root]?.isToldAlone = true
    report(root)
    // It holds up no other that nobody has asked for, and nobody waits for it.
    guard !item.isUnasked else { return fetchUnasked() }
    emit(
      .warning(
        code: "file-waits",
        message: "Nobody here has the rest of “\(item.offer.name)” now. It goes on when somebody "
          + "does; /cancel \(item.offer.entry.description.prefix(8)) gives it up."))
  }

  private func reportProgress(_ root: [UInt8]) {
    guard let count = fetches[root]?.map.count, count != items[root]?.chunksTold else { return }
    items[root]?.chunksTold = count
    items[root]?.newsAt = parts.clock.now()
    report(root)
  }
}
