import Dispatch
import Foundation
import Foundations
import Glibc

/// A copy of a history that can't be read where it lies: SQLite keeps an index beside a file that it only
/// reads, and an earlier version's tables are brought up to date in place.
struct ReadingCopy {
  private let directory: String

  /// Its `-wal` lies beside it, if there is one.
  var path: String { directory + "/history.sqlite" }

  /// Memory comes first: a disk may be full, and would hold what was forgotten.
  static var places: [String] {
    let own = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"].map { [$0] } ?? []
    return own + ["/dev/shm", NSTemporaryDirectory()]
  }

  /// O_TMPFILE, a macro that Swift doesn't see (asm-generic/fcntl.h).
  private static let unnamed = 0o20000000 | O_DIRECTORY

  /// How often a writer may get between the file and its log.
  private static let tries = 4

  /// - Throws: a ``Problem``; what is wrong with the original is none of the places'.
  static func make(of original: String, in places: [String] = places) throws -> ReadingCopy {
    var refusals: [(place: String, reason: SystemError)] = []
    for place in places {
      do {
        let files = try unnamedFiles(in: place, from: original)
        defer { for file in files { close(file.descriptor) } }
        return try name(files, in: place)
      } catch let error as SystemError {
        refusals.append((place, error))
      }
    }
    throw Problem.noPlace(refusals)
  }

  /// Takes the names away as soon as `body` has the log open (inotify(7)): SQLite goes through all of it
  /// then, and whatever ends the program meanwhile leaves nothing behind.
  func named<Value>(_ body: (_ path: String) throws -> Value) rethrows -> Value {
    let watch = inotify_init1(CInt(IN_CLOEXEC))
    let isOver = DispatchSemaphore(value: 0)
    // Where there is no log, or no watch to be had, the names go when `body` has returned.
    if inotify_add_watch(watch, path + "-wal", UInt32(IN_OPEN | IN_DELETE_SELF)) >= 0 {
      Thread.detachNewThread {
        var events = [UInt8](repeating: 0, count: 4096)
        _ = read(watch, &events, events.count)
        remove()
        isOver.signal()
      }
    } else {
      isOver.signal()
    }
    defer {
      remove()
      isOver.wait()
      close(watch)
    }
    return try body(path)
  }

  private func remove() {
    for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    rmdir(directory)
  }

  private typealias UnnamedFile = (suffix: String, descriptor: CInt)

  /// As long as they are filled they have no names (open(2), O_TMPFILE): whatever ends the program leaves
  /// nothing behind.
  private static func unnamedFiles(
    in place: String, from original: String
  ) throws -> [UnnamedFile] {
    for _ in 0..<tries {
      let before = states(of: original)
      var files: [UnnamedFile] = []
      do {
        for (suffix, state) in zip(["", "-wal"], before) where suffix.isEmpty || state != nil {
          let descriptor = open(place, unnamed | O_RDWR | O_CLOEXEC, 0o600)
          guard descriptor >= 0 else { throw SystemError() }
          files.append((suffix, descriptor))
          try copy(original + suffix, to: descriptor)
        }
        if states(of: original) == before { return files }
      } catch {
        for file in files { close(file.descriptor) }
        throw error
      }
      for file in files { close(file.descriptor) }
    }
    throw Problem.system(EBUSY)
  }

  /// For the moment in which SQLite opens them, in a directory that is its owner's alone (mkdtemp(3)).
  private static func name(_ files: [UnnamedFile], in place: String) throws -> ReadingCopy {
    var template = Array((place + "/virtue-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemError() }
    let copy = ReadingCopy(
      directory: String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self))
    for (suffix, descriptor) in files {
      let file = "/proc/self/fd/\(descriptor)"
      guard linkat(AT_FDCWD, file, AT_FDCWD, copy.path + suffix, AT_SYMLINK_FOLLOW) == 0 else {
        let error = SystemError()
        copy.remove()
        throw error
      }
    }
    return copy
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

  private static func copy(_ original: String, to target: CInt) throws {
    let source = open(original, O_RDONLY | O_CLOEXEC)
    guard source >= 0 else { throw Problem.system(errno) }
    defer { close(source) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var copied = 0
    while true {
      let count = read(source, &buffer, buffer.count)
      guard count >= 0 else { throw Problem.system(errno) }
      if count == 0 { return }
      try PlainFile.write(buffer[..<count], to: target, at: copied)
      copied += count
    }
  }
}
