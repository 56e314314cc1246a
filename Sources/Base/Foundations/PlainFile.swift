import Glibc

/// Reading a whole file that somebody named, which may be anything, and writing one's own.
package enum PlainFile {
  package enum Problem: Error, Hashable, Sendable {
    /// An `errno` of open(2), fstat(2) or read(2).
    case unreadable(Int32)
    /// A directory, a pipe, a device.
    case notPlain
    /// It has more bytes than were allowed.
    case tooLarge

    /// The end of a sentence.
    package var reason: String {
      switch self {
      case .unreadable(let number): String(cString: strerror(number)).lowercased()
      case .notPlain: "it is no ordinary file"
      case .tooLarge: "it is too large"
      }
    }
  }

  /// - Parameter limit: in bytes.
  package static func read(_ path: String, limit: Int) throws(Problem) -> [UInt8] {
    // Not blocking: a named pipe would hold up the program until somebody writes into it.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .unreadable(errno) }
    defer { close(descriptor) }
    var facts = stat()
    guard fstat(descriptor, &facts) == 0 else { throw .unreadable(errno) }
    guard facts.st_mode & S_IFMT == S_IFREG else { throw .notPlain }
    guard facts.st_size <= limit else { throw .tooLarge }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(facts.st_size))
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .unreadable(errno) }
      guard count > 0 else { return bytes }
      // It may have grown meanwhile.
      guard bytes.count + count <= limit else { throw .tooLarge }
      bytes += chunk[..<count]
    }
  }

  /// All of them, or it is said why not: a disk that becomes full takes a part of what it is given, and has
  /// its reason only for the rest.
  package static func write(
    _ bytes: ArraySlice<UInt8>, to descriptor: Int32, at offset: Int
  ) throws(SystemError) {
    var (rest, offset) = (bytes, offset)
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, offset) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw SystemError(count == 0 ? ENOSPC : errno) }
      rest = rest.dropFirst(count)
      offset += count
    }
  }

  /// Writes beside the file and renames, so that a crash leaves the old one or the new, and whoever reads
  /// meanwhile finds a whole one. Its owner alone may read it.
  package static func replace(_ path: String, with bytes: [UInt8]) throws(SystemError) {
    let draft = path + ".new"
    unlink(draft)
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SystemError() }
    defer { close(descriptor) }
    do throws(SystemError) {
      try write(bytes[...], to: descriptor, at: 0)
      guard fsync(descriptor) == 0, rename(draft, path) == 0 else { throw SystemError() }
    } catch {
      unlink(draft)
      throw error
    }
  }
}
