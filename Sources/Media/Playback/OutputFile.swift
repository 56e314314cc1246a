import Foundations
import Glibc

/// A file that grows at its end, and in which a few bytes may be set right later.
final class OutputFile {
  /// As failures call it.
  private let path: String
  private let isDraft: Bool
  private let descriptor: Int32
  /// Bytes written so far.
  private(set) var size = 0

  /// Empties the file if it is there.
  /// - Parameter name: that of the file whose draft this is, if it is one: failures call it so, and
  ///   whoever made the draft throws it away unless it becomes whole.
  init(path: String, draftOf name: String? = nil) throws(Failure) {
    self.path = name ?? path
    isDraft = name != nil
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw Failure(
        "cannot-create-file", exit: .cannotCreate,
        "“\(Self.shown(self.path))” can't be written: \(Self.reason(errno)).")
    }
  }

  deinit {
    close(descriptor)
  }

  /// Adds all of `bytes`, or on a failure none of them.
  func append(_ bytes: [UInt8]) throws(Failure) {
    do throws(Failure) {
      try write(bytes, at: size)
      size += bytes.count
    } catch {
      // What was written of it would be a torn piece at the end.
      _ = ftruncate(descriptor, off_t(size))
      throw error
    }
  }

  /// Writes `bytes` over what is there already.
  func patch(_ bytes: [UInt8], at offset: Int) throws(Failure) {
    precondition(offset >= 0 && offset + bytes.count <= size)
    try write(bytes, at: offset)
  }

  private func write(_ bytes: [UInt8], at offset: Int) throws(Failure) {
    var written = 0
    while written < bytes.count {
      let (count, error) = bytes.withUnsafeBytes { buffer in
        Self.quietly { [descriptor] in
          pwrite(
            descriptor, buffer.baseAddress! + written, buffer.count - written,
            off_t(offset + written))
        }
      }
      if count > 0 {
        written += count
      } else if error != EINTR {
        throw failure(error)
      }
    }
  }

  /// Runs `write` with the signal held back by which the kernel would end the program when a file
  /// reaches the process's size limit (`setrlimit(2)`): the error number says the same.
  private static func quietly(_ write: () -> Int) -> (count: Int, error: Int32) {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGXFSZ)
    var before = sigset_t()
    pthread_sigmask(SIG_BLOCK, &signals, &before)
    let count = write()
    let error = count > 0 ? 0 : errno
    if error == EFBIG {
      var atOnce = timespec(tv_sec: 0, tv_nsec: 0)
      sigtimedwait(&signals, nil, &atOnce)
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
    // A write of nothing with no error number can't happen, but must not become an endless loop.
    return (count, count == 0 ? ENOSPC : error)
  }

  private func failure(_ error: Int32) -> Failure {
    switch error {
    case ENOSPC, EDQUOT, EFBIG:
      Failure(
        "disk-full", exit: .inputOutput,
        "There is no room left for “\(Self.shown(path))”; "
          + (isDraft || size == 0
            ? "nothing of it is kept." : "what was written until now is kept."))
    case _:
      Failure(
        "cannot-write", exit: .inputOutput,
        "Writing “\(Self.shown(path))” failed: \(Self.reason(error)).")
    }
  }

  private static func reason(_ error: Int32) -> String {
    String(cString: strerror(error)).lowercased()
  }

  private static func shown(_ path: String) -> String {
    DisplayText.line(path, limit: 200)
  }
}
