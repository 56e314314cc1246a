import Foundations
import GRDB
import Glibc

extension Failure {
  /// The sentence for people, for whatever GRDB, SQLite or the system said about the history.
  static func history(_ error: any Error, path: String) -> Failure {
    switch error {
    case let failure as Failure: failure
    case Problem.missing:
      Failure(
        "no-history", exit: .noInput,
        "No meeting has been kept here yet: there is no history at \(path).")
    case Problem.noFile:
      Failure(
        "history-unwritable", exit: .cannotCreate,
        "What lies at \(path) is no file, and no history can be kept there. Move it away, or give "
          + "another place with --data-dir.")
    case Problem.older:
      Failure(
        "history-older", exit: .temporary,
        "The history at \(path) is being brought up to date by another virtue. Try again.")
    case Problem.newer:
      Failure(
        "history-newer", exit: .configuration,
        "The history at \(path) was written by a later version of virtue. Update this one, or give "
          + "another place with --data-dir.")
    case Problem.noPlace(let refusals): noPlace(for: path, because: refusals)
    case Problem.system(ENOSPC), Problem.system(EDQUOT): diskFull(path)
    case Problem.system(let number): unwritable(path, reason: String(cString: strerror(number)))
    case let error as DatabaseError: database(error, path: path)
    case _:
      Failure(
        "history-failed", exit: .inputOutput, "The history at \(path) failed: \(error).")
    }
  }

  /// The same for somebody who only looks things up: that nothing can be written is no hindrance then.
  static func reading(_ error: any Error, path: String) -> Failure {
    switch error {
    case Problem.system(ENOSPC), Problem.system(EDQUOT):
      return Failure(
        "disk-full", exit: .inputOutput,
        "There is no room to read the history at \(path). Free some space there or in /dev/shm.")
    case Problem.system(let number):
      return unreadable(path, reason: String(cString: strerror(number)))
    case let error as DatabaseError where error.isUnwritable:
      return unreadable(path, reason: error.reason)
    case _: return history(error, path: path)
    }
  }

  private static func noPlace(
    for path: String, because refusals: [(place: String, reason: SystemError)]
  ) -> Failure {
    let reasons = refusals.map { "\($0.place): \($0.reason.sentence)" }.joined(separator: "; ")
    let full = refusals.first { [ENOSPC, EDQUOT].contains($0.reason.number) }
    let remedy = full.map { "Free some space in \($0.place), or name" } ?? "Name"
    return Failure(
      full == nil ? "history-unreadable" : "disk-full", exit: .inputOutput,
      "The history at \(path) can only be read from a copy, and there is no place for that (\(reasons)). "
        + "\(remedy) a directory with room in TMPDIR.")
  }

  private static func unreadable(_ path: String, reason: String) -> Failure {
    Failure(
      "history-unreadable", exit: .inputOutput,
      "The history at \(path) can't be read (\(reason)). Make it readable, or copy its directory "
        + "elsewhere and name the copy with --data-dir.")
  }

  private static func database(_ error: DatabaseError, path: String) -> Failure {
    let reason = error.reason
    switch error.resultCode {
    case _ where error.isLackOfRoom(at: path): return diskFull(path)
    case _ where error.isUnwritable: return unwritable(path, reason: reason)
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return Failure(
        "history-busy", exit: .temporary,
        "Another program holds the history at \(path). Close it and try again.")
    case .SQLITE_CORRUPT, .SQLITE_NOTADB:
      return Failure(
        "history-damaged", exit: .badData,
        "The history at \(path) is damaged (\(reason)). The next meeting sets the file aside and "
          + "begins a new one.")
    case _:
      return Failure(
        "history-failed", exit: .inputOutput, "The history at \(path) failed: \(reason).")
    }
  }

  private static func diskFull(_ path: String) -> Failure {
    Failure(
      "disk-full", exit: .inputOutput,
      "The disk is full: what is said now isn't kept at \(path). Free some space.")
  }

  private static func unwritable(_ path: String, reason: String) -> Failure {
    Failure(
      "history-unwritable", exit: .cannotCreate,
      "The history at \(path) can't be written (\(reason)). Make it writable, or give another place "
        + "with --data-dir.")
  }

  /// Said when somebody deleted or exchanged the file while it was written.
  static func removed(_ path: String) -> Failure {
    Failure(
      "history-removed", exit: .inputOutput,
      "The history at \(path) was removed while the meeting ran. What is said from now on is kept "
        + "in a new one; what was said before comes back from the others when you join again.")
  }

  /// Said when a damaged file was put out of the way.
  static func setAside(_ path: String, because error: DatabaseError) -> Failure {
    Failure(
      "history-damaged", exit: .badData,
      "The history was damaged (\(error.reason)). It now lies at \(path), and a new one was begun.")
  }
}

extension DatabaseError {
  /// SQLite may quote several lines of the file.
  var reason: String {
    DisplayText.line(
      message ?? "", limit: 120, otherwise: "SQLite error \(resultCode.rawValue)")
  }

  /// Whether there was no room for what SQLite keeps beside the database at `path`.
  func isLackOfRoom(at path: String) -> Bool {
    switch resultCode {
    case .SQLITE_FULL: true
    case .SQLITE_IOERR, .SQLITE_CANTOPEN: DiskRoom(at: path)?.isFull == true
    case _: false
    }
  }

  var isUnwritable: Bool {
    [.SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH].contains(resultCode)
  }

  var isDamage: Bool { resultCode == .SQLITE_CORRUPT || resultCode == .SQLITE_NOTADB }
}
