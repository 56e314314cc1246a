import Foundation
import Foundations
import GRDB
import Glibc

/// Opening, checking and setting aside the file that holds the history.
enum DatabaseFile {
  /// Up to this size the whole file is checked on opening, at about a second a gigabyte; a larger one
  /// shows its damage when the page is read.
  private static let checkedSize = 64 << 20

  /// Bytes of pages held in memory, as far as they are used.
  private static let cacheSize = 32 << 20

  /// Pages of 4 KiB in the log before they are written into the file: each of several batches' pages
  /// once instead of each time.
  private static let logPages = 4096

  /// How long another process of this user is waited for.
  static let patience: TimeInterval = 5

  static func openForWriting(_ path: String, pageLimit: Int?) throws -> DatabaseQueue {
    try makePrivate(path)
    try rollBack(path)
    try check(path)
    var configuration = writingConfiguration()
    configuration.journalMode = .wal
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    try prepare(queue, pageLimit: pageLimit)
    return queue
  }

  /// A program that is killed while it makes the file leaves a journal, which only who writes can roll back:
  /// to those that only read it the file looks damaged, or as if it couldn't be written.
  private static func rollBack(_ path: String) throws {
    guard access(path + "-journal", F_OK) == 0, access(path, W_OK) == 0 else { return }
    let queue = try DatabaseQueue(path: path, configuration: writingConfiguration())
    _ = try queue.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") }
    try queue.close()
  }

  /// For a full disk. The log's index, which several processes share in a file, is held in memory, so no
  /// other process can use the history meanwhile. What is there can be read, and what is written is kept
  /// from the moment on at which it fits.
  static func openAlone(_ path: String, pageLimit: Int?) throws -> DatabaseQueue {
    try makePrivate(path)
    let queue = try connectAlone(path)
    if let size = size(of: path), size > 0 {
      try queue.read { db in try check(db, size: size) }
    }
    try openLog(queue)
    try prepare(queue, pageLimit: pageLimit)
    return queue
  }

  private static func connectAlone(_ path: String) throws -> DatabaseQueue {
    var configuration = writingConfiguration()
    // Before the first access, or SQLite makes the shared index after all (https://sqlite.org/wal.html,
    // "Use of WAL Without Shared-Memory").
    configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE") }
    return try DatabaseQueue(path: path, configuration: configuration)
  }

  private static func openLog(_ queue: DatabaseQueue) throws {
    try queue.writeWithoutTransaction { db in
      // GRDB's own way to this mode makes a table and drops it, for which there is no room.
      let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL")
      guard mode == "wal" else {
        throw DatabaseError(resultCode: .SQLITE_CANTOPEN, message: "it has no log")
      }
    }
  }

  private static func writingConfiguration() -> Configuration {
    var configuration = Configuration()
    configuration.label = "virtue.history"
    configuration.foreignKeysEnabled = true
    configuration.busyMode = .timeout(patience)
    addFolding(to: &configuration)
    return configuration
  }

  private static func prepare(_ queue: DatabaseQueue, pageLimit: Int?) throws {
    try queue.writeWithoutTransaction { db in
      // In WAL mode FULL syncs the log at each commit: what was acknowledged survives a power cut.
      try db.execute(sql: "PRAGMA synchronous = FULL")
      // What is deleted is overwritten: forgotten means gone from the file.
      try db.execute(sql: "PRAGMA secure_delete = ON")
      // Hashes fall anywhere in their index: with SQLite's own 2 MB nearly every entry of a long history
      // costs a read, and a batch writes its pages several times.
      try db.execute(sql: "PRAGMA cache_size = -\(cacheSize >> 10)")
      try db.execute(sql: "PRAGMA wal_autocheckpoint = \(logPages)")
      if let pageLimit { try db.execute(sql: "PRAGMA max_page_count = \(pageLimit)") }
      if try Schema.migrator.hasBeenSuperseded(db) { throw Problem.newer }
    }
    try migrate(queue)
  }

  /// The tables' triggers fold what is written.
  private static func addFolding(to configuration: inout Configuration) {
    let folding = SearchFolding()
    configuration.prepareDatabase { db in db.add(function: folding.indexing) }
  }

  /// Two programs that open an earlier version's file at once both find the same steps undone, and one of
  /// them fails at a step that the other has made meanwhile: it goes on from there.
  private static func migrate(_ queue: DatabaseQueue) throws {
    func applied() throws -> Int {
      try queue.read { db in try Schema.migrator.appliedIdentifiers(db).count }
    }
    var waits = 0
    while true {
      let before = try applied()
      do {
        return try Schema.migrator.migrate(queue)
      } catch let error as DatabaseError {
        if error.resultCode == .SQLITE_BUSY, waits < mostWaits {
          waits += 1
        } else if try applied() <= before {
          throw error
        }
      }
    }
  }

  /// How often ``patience`` may be needed until another process has brought a long history up to date.
  private static let mostWaits = 12

  static func openInMemory() throws -> DatabaseQueue {
    let queue = try emptyInMemory()
    try Schema.migrator.migrate(queue)
    return queue
  }

  /// With what is in a file that can't be written: it is known still, and nothing more is kept.
  static func openInMemory(from path: String) throws -> DatabaseQueue {
    let queue = try emptyInMemory()
    let source = try openForReading(path)
    try source.backup(to: queue)
    try source.close()
    try queue.read { db in try check(db, size: size(of: path) ?? 0) }
    return queue
  }

  private static func emptyInMemory() throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.label = "virtue.history.unkept"
    configuration.foreignKeysEnabled = true
    addFolding(to: &configuration)
    return try DatabaseQueue(configuration: configuration)
  }

  static func openForReading(_ path: String) throws -> DatabaseQueue {
    do {
      do {
        return try openMigratedForReading(path)
      } catch Problem.older {
        try openForWriting(path, pageLimit: nil).close()
        return try openMigratedForReading(path)
      }
    } catch let error as DatabaseError where error.isLackOfRoom(at: path) || error.isUnwritable {
      return try openUnshared(path)
    } catch Problem.system(let number) where [EROFS, EACCES, EPERM].contains(number) {
      return try openUnshared(path)
    } catch let error as DatabaseError
      where error.resultCode == .SQLITE_BUSY && DiskRoom(at: path)?.isFull == true
    {
      // Somebody is in a meeting on the full disk, see ``openAlone``.
      return try openCopyForReading(path)
    }
  }

  /// Where it is up to date and nothing waits in a log it is read in place, or else from a copy.
  private static func openUnshared(_ path: String) throws -> DatabaseQueue {
    if size(of: path + "-wal") ?? 0 == 0, let address = unchangingAddress(of: path),
      let queue = try? readOnlyQueue(address, label: "virtue.history.reading"),
      (try? checkForReading(queue)) != nil
    {
      return queue
    }
    return try openCopyForReading(path)
  }

  /// Debian's SQLite takes such an address for a path (SQLITE_USE_URI); another finds no file there.
  /// "immutable" makes it read without index and locks (https://sqlite.org/uri.html).
  private static func unchangingAddress(of path: String) -> String? {
    // A question mark or a number sign would end the path.
    let plain = CharacterSet(charactersIn: "/-._~").union(.alphanumerics)
    return path.addingPercentEncoding(withAllowedCharacters: plain).map { "file:\($0)?immutable=1" }
  }

  /// Where SQLite can't keep beside the file what it needs for reading it.
  private static func openCopyForReading(_ path: String) throws -> DatabaseQueue {
    let queue = try openUnnamedCopy(of: path)
    try queue.writeWithoutTransaction { db in
      // Sorting and the like take memory, not files.
      try db.execute(sql: "PRAGMA temp_store = MEMORY")
      if let size = size(of: path), size > 0 { try check(db, size: size) }
    }
    try prepare(queue, pageLimit: nil)
    return queue
  }

  /// Once SQLite has the copy and its log open they need no names: checking and migrating them takes long,
  /// and whatever becomes of the program meanwhile leaves nothing behind.
  static func openUnnamedCopy(
    of path: String, in places: [String] = ReadingCopy.places
  ) throws -> DatabaseQueue {
    try ReadingCopy.make(of: path, in: places).named { path in
      let queue = try connectAlone(path)
      try openLog(queue)
      // One that had no log before has it open from the first read on.
      _ = try queue.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") }
      return queue
    }
  }

  private static func openMigratedForReading(_ path: String) throws -> DatabaseQueue {
    guard access(path, F_OK) == 0 else {
      throw errno == ENOENT ? Problem.missing : Problem.system(errno)
    }
    try requirePlainFile(path)
    try? rollBack(path)
    let queue = try readOnlyQueue(path, label: "virtue.history.reading")
    try checkForReading(queue)
    return queue
  }

  private static func checkForReading(_ queue: DatabaseQueue) throws {
    try queue.read { db in
      if try Schema.migrator.hasBeenSuperseded(db) { throw Problem.newer }
      guard try Schema.migrator.hasCompletedMigrations(db) else {
        // A meeting that has only just begun may not have made the tables yet.
        let applied = try Schema.migrator.appliedIdentifiers(db)
        if applied.isEmpty { try Schema.check(db) }
        throw applied.isEmpty ? Problem.missing : Problem.older
      }
      try Schema.check(db)
    }
  }

  private static func readOnlyQueue(_ path: String, label: String) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.label = label
    configuration.readonly = true
    configuration.busyMode = .timeout(patience)
    return try DatabaseQueue(path: path, configuration: configuration)
  }

  /// Tells a file from another one of the same path.
  struct Identity: Equatable {
    let device: dev_t
    let number: ino_t
  }

  /// - Returns: `nil` where there is no file.
  static func identity(of path: String) -> Identity? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Identity(device: status.st_dev, number: status.st_ino)
  }

  private static let asideMark = ".damaged-"

  /// Renames a damaged database, with what SQLite keeps beside it, and never over another file.
  /// - Returns: its new path.
  static func setAside(_ path: String, at now: WallTime) throws -> String {
    let time = Date(timeIntervalSince1970: now.seconds)
    let stamp = time.formatted(.iso8601.timeSeparator(.omitted).dateSeparator(.omitted))
    var aside = "\(path)\(asideMark)\(stamp)"
    var copy = 1
    while access(aside, F_OK) == 0 {
      copy += 1
      aside = "\(path)\(asideMark)\(stamp)-\(copy)"
    }
    for suffix in ["-wal", "-shm", ""] where access(path + suffix, F_OK) == 0 {
      guard rename(path + suffix, aside + suffix) == 0 else { throw Problem.system(errno) }
    }
    return aside
  }

  /// Chat is private: the file is made for its owner alone, and SQLite makes those beside it alike.
  private static func makePrivate(_ path: String) throws {
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o600)
    guard file >= 0 else { throw errno == EISDIR ? Problem.noFile : Problem.system(errno) }
    defer { close(file) }
    try requirePlainFile(path)
    fchmod(file, 0o600)
  }

  /// Opening a pipe would wait for its other end.
  private static func requirePlainFile(_ path: String) throws {
    var status = stat()
    guard stat(path, &status) == 0 else { throw Problem.system(errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw Problem.noFile }
  }

  /// Looks whether the file is whole, before anything is written to it: opening it for writing in WAL
  /// mode already changes it, and a damaged one is to be set aside as it was found.
  private static func check(_ path: String) throws {
    guard let size = size(of: path), size > 0 else { return }
    let queue = try readOnlyQueue(path, label: "virtue.history.check")
    try queue.read { db in try check(db, size: size) }
    try queue.close()
  }

  private static func check(_ db: Database, size: Int) throws {
    // Reads the header and the schema: a file that is no database fails here.
    _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master")
    try Schema.check(db)
    guard size <= checkedSize else { return }
    guard try String.fetchOne(db, sql: "PRAGMA quick_check(1)") != "ok" else { return }
    // The quick check is wrong about the tables of some versions; the slow one has the last word.
    let verdict = try String.fetchOne(db, sql: "PRAGMA integrity_check(1)")
    guard verdict == "ok" else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: verdict)
    }
  }

  /// What was set aside beside the file at `path`, by ``setAside(_:at:)``.
  static func setAside(beside path: String) -> [String] {
    let (directory, name) = (
      (path as NSString).deletingLastPathComponent, (path as NSString).lastPathComponent
    )
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.filter { $0.hasPrefix(name + asideMark) }.sorted().map { "\(directory)/\($0)" }
  }

  /// In bytes; `nil` where there is no file.
  private static func size(of path: String) -> Int? {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : nil
  }
}

/// What can be wrong with the file before SQLite says so.
enum Problem: Error {
  case missing
  /// A directory or a pipe lies there.
  case noFile
  /// A later version of the program made it.
  case newer
  /// An earlier version made it, and no meeting was held since.
  case older
  case system(Int32)
  /// Reading takes a copy, and none of these places takes that.
  case noPlace([(place: String, reason: SystemError)])
}
