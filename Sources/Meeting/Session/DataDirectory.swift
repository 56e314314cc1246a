import Foundation
package import Foundations
import Glibc
package import Vision
package import Wire

/// Where one installation keeps what is its own: its key, its history, the grants that let it back
/// into meetings. One running program at a time.
package final class DataDirectory: Sendable {
  package let path: String
  /// Nothing can be kept in it; what was may be read.
  package let isReadOnly: Bool
  /// Held for as long as the program runs; the kernel gives the lock back when it dies.
  private let lock: Int32

  /// `$XDG_DATA_HOME/virtue`, or `~/.local/share/virtue` (XDG Base Directory Specification 0.8).
  package static func standardPath(environment: [String: String]) -> String {
    if let base = environment["XDG_DATA_HOME"], base.hasPrefix("/") { return base + "/virtue" }
    return (environment["HOME"] ?? NSHomeDirectory()) + "/.local/share/virtue"
  }

  /// Makes the directory if need be and takes it for this process.
  /// - Throws: `data-directory-in-use`, `data-directory-unwritable`.
  package init(path: String) throws(Failure) {
    self.path = path
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw Failure(
        Self.unwritable, exit: .cannotCreate,
        "The data directory \(path) can't be made. Choose another with --data-dir.")
    }
    var lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    // Where nothing can be written the key may still be read, and a meeting held.
    isReadOnly = lock < 0 && (errno == EROFS || errno == EACCES)
    if isReadOnly { lock = open(path, O_RDONLY | O_CLOEXEC) }
    self.lock = lock
    guard lock >= 0 else {
      throw Failure(
        Self.unwritable, exit: .cannotCreate,
        "The data directory \(path) can't be written to: \(Self.systemError()). "
          + "Choose another with --data-dir.")
    }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      close(lock)
      throw Failure(
        "data-directory-in-use", exit: .cannotCreate,
        "Another virtue is running on the data directory \(path). "
          + "Leave that one first, or give this one its own with --data-dir.")
    }
  }

  deinit {
    close(lock)
  }

  /// The vision models of an installation: its own, or where it has none those of the usual place.
  package static func modelStore(for path: String) -> ModelStore {
    let own = ModelStore(dataDirectory: path)
    if own.isComplete { return own }
    let usual = ModelStore(
      dataDirectory: standardPath(environment: ProcessInfo.processInfo.environment))
    return usual.isComplete ? usual : own
  }

  package var historyPath: String { path + "/history.sqlite" }

  /// This installation's signing key, made on first use. Its file can be read by its owner only.
  package func signingKey(secrets: SecretSource) throws(Failure) -> SigningKey {
    try key(named: "member.key", secrets: secrets)
  }

  /// The genesis key of a meeting that this installation hosts.
  package func keep(genesis key: SigningKey, of meeting: MeetingID) throws(Failure) {
    try write(key.secret, to: "genesis-\(meeting).key")
  }

  /// Deletes the genesis key of a meeting, if this installation has hosted it.
  package func forgetGenesis(of meeting: MeetingID) throws(Failure) {
    let file = "\(path)/genesis-\(meeting).key"
    guard unlink(file) == 0 || errno == ENOENT else {
      throw Failure(
        Self.unwritable, exit: .cannotCreate,
        "The file \(file) can't be deleted: \(Self.systemError()).")
    }
  }

  /// Deletes what is kept of a meeting's files beside those that lie in the folder for downloads.
  package func forgetFiles(of meeting: MeetingID) {
    try? FileManager.default.removeItem(atPath: filesPath(of: meeting))
  }

  func filesPath(of meeting: MeetingID) -> String { "\(path)/files/\(meeting)" }

  private func key(named name: String, secrets: SecretSource) throws(Failure) -> SigningKey {
    let file = path + "/" + name
    if let data = FileManager.default.contents(atPath: file) {
      guard data.count == 32, let key = try? SigningKey(secret: Array(data)) else {
        throw Failure(
          "damaged-key", exit: .badData,
          "The key file \(file) is damaged. Put it back from a copy, or move it away to begin as "
            + "a new member.")
      }
      return key
    }
    // A link to what isn't there now, as on a stick that isn't plugged in, is a key all the same.
    var facts = stat()
    guard lstat(file, &facts) != 0, errno == ENOENT else {
      if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: file),
        stat(file, &facts) != 0, errno == ENOENT
      {
        throw Failure(
          "unreadable-key", exit: .noInput,
          "The key file \(file) is a link to \(target), and nothing is there now. Plug in or mount what "
            + "holds it, or move the link away to begin as a new member.")
      }
      throw Failure(
        "unreadable-key", exit: .noPermission,
        "The key file \(file) can't be read. Give its owner the right to read it.")
    }
    let key = SigningKey(from: secrets)
    try write(key.secret, to: name)
    return key
  }

  private func write(_ bytes: [UInt8], to name: String) throws(Failure) {
    let file = path + "/" + name
    do throws(SystemError) {
      try PlainFile.replace(file, with: bytes)
    } catch {
      throw Failure(
        Self.unwritable, exit: .cannotCreate,
        "The file \(file) can't be written: \(error.sentence). Mend that, or choose another "
          + "place with --data-dir.")
    }
  }

  /// The code of what couldn't be written there.
  static let unwritable = "data-directory-unwritable"

  private static func systemError() -> String { String(cString: strerror(errno)) }
}
