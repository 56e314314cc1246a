import Foundations
import Glibc

/// A file that is read where one likes, and never beyond its end.
final class InputFile {
  let path: String
  let size: Int
  private let descriptor: Int32

  init(path: String) throws(Failure) {
    self.path = path
    // Not blocking, so that a named pipe can't hold up the program.
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .cannotOpen(path, errno) }
    var facts = stat()
    guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .notAFile(path)
    }
    size = Int(facts.st_size)
  }

  deinit {
    close(descriptor)
  }

  /// Up to `count` bytes from `offset` on: fewer at the end, or where the disk fails.
  func read(at offset: Int, count: Int) -> [UInt8] {
    let count = max(0, min(count, size - offset))
    guard offset >= 0, count > 0 else { return [] }
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let result = pread(
          descriptor, buffer.baseAddress! + filled, count - filled, off_t(offset + filled))
        if result < 0, errno == EINTR { continue }
        guard result > 0 else { break }
        filled += result
      }
    }
  }
}

extension Failure {
  static func cannotOpen(_ path: String, _ error: Int32) -> Failure {
    Failure(
      "cannot-read-file", exit: .noInput,
      "“\(shown(path))” can't be read: \(String(cString: strerror(error)).lowercased()).")
  }

  static func notAFile(_ path: String) -> Failure {
    Failure("cannot-read-file", exit: .noInput, "“\(shown(path))” is no ordinary file.")
  }

  static func badClip(_ path: String, _ reason: String) -> Failure {
    Failure("bad-clip", exit: .badData, "“\(shown(path))” can't be played: \(reason).")
  }

  static func badSound(_ path: String, _ reason: String) -> Failure {
    Failure("bad-sound", exit: .badData, "“\(shown(path))” can't be played: \(reason).")
  }

  /// What is played all the same.
  static func damagedFile(_ path: String, _ what: String) -> Failure {
    Failure(
      "damaged-file", exit: .badData, "“\(shown(path))” \(what). What is good of it is used.")
  }

  private static func shown(_ path: String) -> String {
    DisplayText.line(path, limit: 200)
  }
}
