import Foundation
import Glibc

/// A copy of a history that can't be read where it lies: SQLite keeps an index beside a file that it only
/// reads, and an earlier version's tables are brought up to date in place.
struct ReadingCopy {
  private let directory: String

  /// Its `-wal` lies beside it, if there is one.
  var path: String { directory + "/history.sqlite" }

  /// Memory comes first: a disk may be full, and would hold what was forgotten.
  private static var places: [String] {
    let own = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"].map { [$0] } ?? []
    return own + ["/dev/shm", NSTemporaryDirectory()]
  }

  /// How often a writer may get between the file and its log.
  private static let tries = 4

  /// - Throws: a ``Problem``, of the last place that was tried.
  static func make(of original: String) throws -> ReadingCopy {
    var reason = ENOENT
    for place in places {
      // Made for its owner alone (mkdtemp(3)).
      var template = Array((place + "/virtue-XXXXXX").utf8CString)
      guard mkdtemp(&template) != nil else {
        reason = errno
        continue
      }
      let copy = ReadingCopy(
        directory: String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
      )
      do {
        try copy.fill(from: original)
        return copy
      } catch Problem.system(let number) {
        reason = number
        copy.remove()
      }
    }
    throw Problem.system(reason)
  }

  func remove() {
    for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    rmdir(directory)
  }

  private func fill(from original: String) throws {
    for _ in 0..<Self.tries {
      let before = Self.states(of: original)
      try Self.copy(original, to: path)
      if before[1] != nil { try Self.copy(original + "-wal", to: path + "-wal") }
      guard Self.states(of: original) != before else { return }
      for suffix in ["", "-wal"] { unlink(path + suffix) }
    }
    throw Problem.system(EBUSY)
  }

  /// Of the file and of its log: what changes with each write.
  private struct State: Equatable {
    let size: off_t
    let seconds: Int
    let nanoseconds: Int
  }

  private static func states(of path: String) -> [State?] {
    ["", "-wal"].map { suffix in
      var status = stat()
      guard stat(path + suffix, &status) == 0 else { return nil }
      return State(
        size: status.st_size, seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }
  }

  private static func copy(_ original: String, to path: String) throws {
    let source = open(original, O_RDONLY | O_CLOEXEC)
    guard source >= 0 else { throw Problem.system(errno) }
    defer { close(source) }
    let target = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard target >= 0 else { throw Problem.system(errno) }
    defer { close(target) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = read(source, &buffer, buffer.count)
      guard count >= 0 else { throw Problem.system(errno) }
      if count == 0 { return }
      var written = 0
      while written < count {
        let more = buffer[written..<count].withUnsafeBytes {
          write(target, $0.baseAddress, $0.count)
        }
        guard more > 0 else { throw Problem.system(errno) }
        written += more
      }
    }
  }
}
