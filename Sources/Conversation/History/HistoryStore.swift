package import Chat
package import Foundations
import GRDB
package import Wire

/// The conversations of every meeting, in one SQLite file. One process writes; others may read.
package actor HistoryStore {
  private nonisolated let work = WorkQueue(label: "virtue.history")
  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    work.asUnownedSerialExecutor()
  }

  package nonisolated let path: String
  private let isReadOnly: Bool
  /// Why nothing of this run is kept, and nothing of earlier ones known.
  package nonisolated let reasonForNothingKept: Failure?
  private let pageLimit: Int?
  var queue: DatabaseQueue
  /// Which file it is that is written; `nil` where none is.
  private var file: DatabaseFile.Identity?
  /// No other process can read meanwhile: the disk was too full to share the file.
  private var isAlone = false
  /// Something of what follows couldn't be written, and comes before whatever is written next.
  private var isBehind = false
  private var warnings: [Failure] = []
  /// When something was last asked of it, for the name of a damaged file.
  private var latest: WallTime
  /// What this run registered, to be put into a new file should the old one turn out damaged.
  private var registered: [MeetingID: (record: MeetingRecord, time: WallTime)] = [:]
  private var removed: [MeetingID: WireRemovals] = [:]
  private var remembered: [MeetingID: [PeerID: (record: MemberRecord, time: WallTime)]] = [:]

  /// How long another program that writes the file is waited for, in each access.
  package static let patience = Duration.seconds(DatabaseFile.patience)

  /// Opens the history for the one process that writes it, and makes it if there is none.
  /// - Parameter pageLimit: the largest size, in SQLite's pages; beyond it the disk counts as full.
  package init(path: String, now: WallTime, pageLimit: Int? = nil) throws(Failure) {
    self.path = path
    self.pageLimit = pageLimit
    isReadOnly = false
    reasonForNothingKept = nil
    latest = now
    do {
      (queue, isAlone) = try Self.open(path, pageLimit: pageLimit)
    } catch let error as DatabaseError where error.isDamage {
      do {
        let aside = try DatabaseFile.setAside(path, at: now)
        (queue, isAlone) = try Self.open(path, pageLimit: pageLimit)
        warnings = [.setAside(aside, because: error)]
      } catch {
        throw .history(error, path: path)
      }
    } catch {
      throw .history(error, path: path)
    }
    file = DatabaseFile.identity(of: path)
  }

  /// Opens the history to look things up, while another process may be writing it.
  package init(reading path: String) throws(Failure) {
    self.path = path
    pageLimit = nil
    isReadOnly = true
    reasonForNothingKept = nil
    latest = WallTime(milliseconds: 0)
    do {
      queue = try DatabaseFile.openForReading(path)
    } catch {
      throw .reading(error, path: path)
    }
  }

  /// A history for the meeting that goes on though nothing can be kept: what comes is gone with the
  /// program. What was kept earlier is known, where that can be read.
  package init(insteadOf path: String, because failure: Failure) throws(Failure) {
    self.path = path
    pageLimit = nil
    isReadOnly = false
    latest = WallTime(milliseconds: 0)
    var trouble: Failure? = failure
    var known: DatabaseQueue?
    if failure.code == "history-unwritable" {
      do {
        known = try DatabaseFile.openInMemory(from: path)
        trouble = nil
      } catch Problem.noPlace(let refusals) {
        // That is what can be mended.
        trouble = .reading(Problem.noPlace(refusals), path: path)
      } catch {
        trouble = failure
      }
    }
    do {
      queue = try known ?? DatabaseFile.openInMemory()
    } catch {
      throw .history(error, path: path)
    }
    reasonForNothingKept = trouble
    let remedy = failure.code == "disk-full" ? " Once there is room, start virtue again." : ""
    let reason = trouble.map { $0.code == failure.code ? "" : " \($0.message)" } ?? ""
    warnings = [
      Failure(
        failure.code, exit: failure.exit,
        "\(failure.message)\(reason) The meeting goes on, but nothing that is said is kept here."
          + remedy)
    ]
  }

  /// Files beside the history at `path` that were set aside as damaged: they may be looked at, and are
  /// never deleted by the program.
  package static func setAside(beside path: String) -> [String] {
    DatabaseFile.setAside(beside: path)
  }

  /// What people should be told that didn't stop anything; each once.
  package func takeWarnings() -> [Failure] {
    defer { warnings = [] }
    return warnings
  }

  /// Adds to what people should be told.
  package func warn(_ failure: Failure) {
    warnings.append(failure)
  }

  /// Writes what SQLite's log still holds into the file, and lets it go. Of what was deleted nothing is
  /// left in the file then.
  /// - Parameter purging: whether what was deleted is looked through for what is left of it; the next
  ///   run does that, too.
  package func close(purging: Bool = true) {
    if !isReadOnly, purging { try? queue.write { db in try db.purgeIfDue() } }
    try? queue.close()
  }

  // MARK: - Writing

  /// Makes the meeting known, or brings its title and grant up to date.
  package func register(_ meeting: MeetingRecord, at now: WallTime) throws(Failure) {
    try write(at: now) { db in
      try db.register(meeting, at: now)
    } noting: {
      registered[meeting.id] = (meeting, now)
    }
  }

  /// Keeps who these members are, for names and for finding them again.
  package func remember(
    _ members: [MemberRecord], in meeting: MeetingID, at now: WallTime
  ) throws(Failure) {
    try write(at: now) { db in
      for member in members { try db.remember(member, in: meeting, at: now) }
    } noting: {
      for member in members { remembered[meeting, default: [:]][member.id] = (member, now) }
    }
  }

  /// Keeps these, all or none; once it returns they survive a crash. Their meeting must be
  /// registered. One that is kept already stays as it is.
  package func append(_ entries: [Entry], at now: WallTime) throws(Failure) {
    var changes = HistoryChanges()
    changes.entries = entries
    try keep(changes, at: now)
  }

  /// Makes these changes, all or none; once it returns they survive a crash.
  package func keep(_ changes: HistoryChanges, at now: WallTime) throws(Failure) {
    let entries = changes.entries
    try write(at: now) { db in
      for hash in changes.evicted { try db.evict(hash) }
      for entry in changes.restored { try db.restore(entry) }
      for entry in entries { try db.append(entry, at: now) }
      for (hash, counts) in changes.counted { try db.setCounted(hash, counts) }
      if entries.contains(where: { $0.body.kind == "delete" }) { try db.setPurgeDue(true) }
      for meeting in Set(entries.map(\.meeting)) { try db.touch(meeting, at: now) }
    }
  }

  /// Keeps who was removed from the meeting, instead of what was kept of that before.
  package func keep(
    _ removals: WireRemovals, of meeting: MeetingID, at now: WallTime
  ) throws(Failure) {
    try write(at: now) { db in
      try db.keep(removals, of: meeting)
    } noting: {
      removed[meeting] = removals
    }
  }

  /// Notes that this member was in the meeting until now.
  package func touch(_ meeting: MeetingID, at now: WallTime) throws(Failure) {
    try write(at: now) { db in try db.touch(meeting, at: now) }
  }

  /// Deletes the meeting with all that was said, from the disk too.
  package func forget(_ meeting: MeetingID, at now: WallTime) throws(Failure) {
    try write(at: now) { db in try db.forget(meeting) }
    try checkpoint()
    registered[meeting] = nil
    removed[meeting] = nil
    remembered[meeting] = nil
  }

  // MARK: - Reading

  /// Everything that was kept of the meeting, in order. What can't be read any more is left out:
  /// other members still have it.
  package func entries(of meeting: MeetingID) throws(Failure) -> [Entry] {
    try read { db in try db.entries(of: meeting) }
  }

  /// Who was removed from the meeting, as far as was kept.
  package func removals(of meeting: MeetingID) throws(Failure) -> WireRemovals? {
    try read { db in try db.removals(of: meeting) }
  }

  /// The latest first.
  package func meetings() throws(Failure) -> [MeetingSummary] {
    try read { db in try db.meetings() }
  }

  /// The newest messages that fit, the oldest of them first.
  /// - Parameters:
  ///   - search: words that each message must hold, each perhaps only begun; empty for all.
  ///   - attendance: whether to list who came and went, too. A search never finds those.
  package func messages(
    meeting: MeetingID? = nil, search: String? = nil, since: WallTime? = nil,
    attendance: Bool = false, limit: Int
  ) throws(Failure) -> [Message] {
    let query = MessageQuery(
      meeting: meeting, search: search, since: since, attendance: attendance, limit: limit)
    return try read { db in
      var names = try MemberNames(db)
      return try query.run(db, names: &names)
    }
  }

  /// As ``HistoryHash`` says; `nil` for a meeting that isn't known.
  package func hash(of meeting: MeetingID) throws(Failure) -> [UInt8]? {
    try read { db in try db.historyHash(of: meeting) }
  }

  /// Those that this member could come back to, the latest first.
  package func recentMeetings(limit: Int = 16) throws(Failure) -> [RecentMeeting] {
    try read { db in try db.recentMeetings(limit: limit) }
  }

  // MARK: - Around each access

  private func read<Value>(_ body: (Database) throws -> Value) throws(Failure) -> Value {
    try replacingWhenDamaged { queue in try queue.read(body) }
  }

  private func write(at now: WallTime, _ body: (Database) throws -> Void) throws(Failure) {
    latest = now
    // Nothing may look kept that went into a copy.
    guard !isReadOnly else {
      throw .history(DatabaseError(resultCode: .SQLITE_READONLY), path: path)
    }
    if file != nil, DatabaseFile.identity(of: path) != file {
      do {
        try begin(warning: .removed(path))
      } catch {
        throw .history(error, path: path)
      }
    }
    if isAlone, DiskRoom(at: path)?.isAmple == true {
      do {
        try share()
      } catch {
        throw .history(error, path: path)
      }
    }
    try replacingWhenDamaged { queue in
      try queue.write { db in
        if isBehind { try writeAnew(db) }
        try body(db)
      }
    }
    isBehind = false
  }

  /// What couldn't be written is before the next that can: nothing that is said can be kept of a meeting
  /// that isn't known, and whoever was removed mustn't come back with the next run.
  private func write(
    at now: WallTime, _ body: (Database) throws -> Void, noting note: () -> Void
  ) throws(Failure) {
    do throws(Failure) {
      try write(at: now, body)
    } catch {
      note()
      isBehind = true
      throw error
    }
    note()
  }

  /// Alone where the disk is too full to share the file.
  private static func open(
    _ path: String, pageLimit: Int?
  ) throws -> (queue: DatabaseQueue, isAlone: Bool) {
    do {
      return (try DatabaseFile.openForWriting(path, pageLimit: pageLimit), false)
    } catch let error as DatabaseError where error.isLackOfRoom(at: path) {
      return (try DatabaseFile.openAlone(path, pageLimit: pageLimit), true)
    }
  }

  /// There is room again: others may read from now on. A file in WAL mode changes its locking only by
  /// being opened anew.
  private func share() throws {
    try? queue.close()
    (queue, isAlone) = try Self.open(path, pageLimit: pageLimit)
  }

  /// Once more with a new file when the old one turns out damaged. What was in that is as good as
  /// lost here, and other members still have it.
  private func replacingWhenDamaged<Value>(
    _ access: (DatabaseQueue) throws -> Value
  ) throws(Failure) -> Value {
    do {
      return try access(queue)
    } catch let error as DatabaseError where error.isDamage && !isReadOnly {
      do {
        try replace(because: error, at: latest)
        return try access(queue)
      } catch {
        throw .history(error, path: path)
      }
    } catch {
      throw .history(error, path: path)
    }
  }

  private func checkpoint() throws(Failure) {
    do {
      _ = try queue.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
    } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
      // Somebody is reading; the next checkpoint does it.
    } catch {
      throw .history(error, path: path)
    }
  }

  /// The file turned out damaged while in use: the meeting goes on in a new one.
  private func replace(because error: DatabaseError, at now: WallTime) throws {
    try? queue.close()
    let aside = try DatabaseFile.setAside(path, at: now)
    try begin(warning: .setAside(aside, because: error))
  }

  /// Goes on in what lies at the path, or in a new file.
  private func begin(warning: Failure) throws {
    try? queue.close()
    (queue, isAlone) = try Self.open(path, pageLimit: pageLimit)
    file = DatabaseFile.identity(of: path)
    warnings.append(warning)
    try queue.write { db in try writeAnew(db) }
  }

  /// What this run registered.
  private func writeAnew(_ db: Database) throws {
    for (record, time) in registered.values { try db.register(record, at: time) }
    // Of others nothing could be kept, however often.
    for (meeting, removals) in removed where registered[meeting] != nil {
      try db.keep(removals, of: meeting)
    }
    for (meeting, members) in remembered where registered[meeting] != nil {
      for (record, time) in members.values {
        try db.remember(record, in: meeting, at: time)
      }
    }
  }
}
