import Files
import Foundation
import Foundations
import Glibc

/// What is kept of one file in the data directory: its list of chunks, and either the chunks fetched so
/// far with a map of them, or the path at which the whole lies. Readable by its owner only.
struct FileFolder {
  let path: String

  private var part: String { path + "/part" }
  private var listPath: String { path + "/list" }
  private var mapPath: String { path + "/map" }
  private var placePath: String { path + "/place" }
  private var cancelledPath: String { path + "/cancelled" }
  private var sharePath: String { path + "/unasked" }

  var exists: Bool { access(path, F_OK) == 0 }

  func make() throws(SystemError) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw SystemError()
    }
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }

  /// Without anything of an earlier time but where the whole lies, of so many bytes, if it still does.
  func makeAnew(byteCount: Int) throws(SystemError) {
    if isCancelled {
      if hasWhole(byteCount: byteCount) { unlink(cancelledPath) } else { remove() }
    }
    try make()
  }

  /// Forgets everything but that it isn't wanted, and where the whole lies if that is kept.
  func cancel(keepingPlace: Bool) throws(SystemError) {
    if keepingPlace { removeChunks() } else { remove() }
    try make()
    try Self.write([], to: cancelledPath)
  }

  var isCancelled: Bool { access(cancelledPath, F_OK) == 0 }

  // MARK: - Small files

  func keep(list: [[UInt8]]) throws(SystemError) {
    try Self.write(list.flatMap { $0 }, to: listPath)
  }

  var list: [UInt8]? { FileManager.default.contents(atPath: listPath).map(Array.init) }

  func keep(map: ChunkMap) throws(SystemError) { try Self.write(map.bytes, to: mapPath) }

  func map(chunkCount: Int) -> ChunkMap? {
    FileManager.default.contents(atPath: mapPath)
      .flatMap { ChunkMap(Array($0), chunkCount: chunkCount) }
  }

  func keep(place: String) throws(SystemError) { try Self.write(Array(place.utf8), to: placePath) }

  var place: String? {
    FileManager.default.contents(atPath: placePath).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Whether the whole, of so many bytes, lies where it was.
  func hasWhole(byteCount: Int) -> Bool {
    place.map { Self.holds($0, byteCount: byteCount) } ?? false
  }

  /// Whether a plain file has so many bytes at least: what is written to the end of one takes nothing of it.
  static func holds(_ path: String, byteCount: Int) -> Bool {
    size(of: path).map { $0 >= byteCount } ?? false
  }

  func keep(share: UnaskedFiles.Share) throws(SystemError) {
    try Self.write(Array(share.text.utf8), to: sharePath)
  }

  /// Of a file that nobody has asked for.
  var share: UnaskedFiles.Share? {
    FileManager.default.contents(atPath: sharePath)
      .flatMap { UnaskedFiles.Share(String(decoding: $0, as: UTF8.self)) }
  }

  func forgetShare() { unlink(sharePath) }

  /// Beside it and renamed, so that there is always the old or the new.
  static func write(_ bytes: [UInt8], to file: String) throws(SystemError) {
    let draft = file + ".new"
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw SystemError() }
    defer { close(descriptor) }
    do throws(SystemError) {
      try PlainFile.write(bytes[...], to: descriptor, at: 0)
      guard rename(draft, file) == 0 else { throw SystemError() }
    } catch {
      unlink(draft)
      throw error
    }
  }

  // MARK: - Chunks

  func store(_ bytes: [UInt8], at offset: Int) throws(SystemError) {
    let descriptor = open(part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw SystemError() }
    defer { close(descriptor) }
    try PlainFile.write(bytes[...], to: descriptor, at: offset)
  }

  /// Those that were fetched before the whole was found elsewhere.
  func removeChunks() { for path in [part, mapPath] { unlink(path) } }

  func load(_ range: Range<Int>) -> [UInt8]? { Self.read(part, range) }

  /// Exactly this range; `nil` where the file is gone, shorter, or no plain file.
  static func read(_ path: String, _ range: Range<Int>) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: range.count)
    var filled = 0
    while filled < range.count {
      let count = bytes.withUnsafeMutableBytes {
        pread(
          descriptor, $0.baseAddress! + filled, range.count - filled,
          off_t(range.lowerBound + filled))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return nil }
      filled += count
    }
    return bytes
  }

  /// The size of a plain file.
  static func size(of path: String) -> Int? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  // MARK: - Placing

  /// Tells what is kept of the content from what it was before; nobody but the system sets the last.
  struct Version: Equatable {
    let device: dev_t
    let file: ino_t
    let size: off_t
    let modified: [Int]
    let changed: [Int]
  }

  /// `nil` while nothing is kept.
  var version: Version? { Self.version(of: part, throughLinks: false) }

  static func version(of path: String, throughLinks: Bool = true) -> Version? {
    var status = stat()
    guard fstatat(AT_FDCWD, path, &status, throughLinks ? 0 : AT_SYMLINK_NOFOLLOW) == 0 else {
      return nil
    }
    let (modified, changed) = (status.st_mtim, status.st_ctim)
    return Version(
      device: status.st_dev, file: status.st_ino, size: status.st_size,
      modified: [modified.tv_sec, modified.tv_nsec], changed: [changed.tv_sec, changed.tv_nsec])
  }

  /// Why a file doesn't appear yet: what is kept can't be read, or its place not be written.
  enum Trouble: Error, Hashable {
    case unreadable(Int32)
    case unwritable(Int32)
    /// It is no longer what was verified.
    case changed
  }

  /// Makes the fetched file appear in `directory` under its name, or a numbered one where that is taken.
  /// It is there whole or not at all, nothing is overwritten, and nothing may be executed.
  /// - Returns: its path.
  func place(as name: String, in directory: String, byteCount: Int) throws(Trouble) -> String {
    do throws(SystemError) {
      if byteCount == 0 { try store([], at: 0) }
      try syncPart()
    } catch {
      throw .unreadable(error.number)
    }
    do throws(SystemError) {
      try Self.makeDirectory(directory)
      return try move(as: name, into: directory, byteCount: byteCount)
    } catch {
      throw .unwritable(error.number)
    }
  }

  /// Where it is missing. Trying to write there would say no more than that it is.
  private static func makeDirectory(_ path: String) throws(SystemError) {
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else { throw SystemError(ENOTDIR) }
      return
    }
    let missing = SystemError()
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      let cause = (error as? CocoaError)?.underlying as? POSIXError
      // What is there is a link that leads nowhere.
      guard let cause, cause.code != .EEXIST else { throw missing }
      throw SystemError(cause.code.rawValue)
    }
  }

  private func move(
    as name: String, into directory: String, byteCount: Int
  ) throws(SystemError) -> String {
    var source = part
    let copy = "\(directory)/.virtue-\((path as NSString).lastPathComponent.prefix(16)).part"
    defer { unlink(copy) }
    for number in 1...999 {
      let target = "\(directory)/\(FileName.numbered(name, number))"
      if Self.moveWithoutReplacing(source, target) {
        chmod(target, 0o644 & ~Self.mask)
        return target
      }
      if errno == EXDEV, source == part {
        try copyPart(to: copy, byteCount: byteCount)
        source = copy
        guard !Self.moveWithoutReplacing(source, target) else {
          chmod(target, 0o644 & ~Self.mask)
          unlink(part)
          return target
        }
      }
      guard errno == EEXIST else { throw SystemError() }
    }
    throw SystemError()
  }

  /// link(2) never replaces. Where a file system has no links, an empty file of one's own takes the
  /// name first, which fails if it is taken.
  private static func moveWithoutReplacing(_ source: String, _ target: String) -> Bool {
    if link(source, target) == 0 {
      unlink(source)
      return true
    }
    guard errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK else { return false }
    let descriptor = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    close(descriptor)
    return rename(source, target) == 0
  }

  /// A power cut must not leave a name with nothing behind it.
  private func syncPart() throws(SystemError) {
    let descriptor = open(part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw SystemError() }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw SystemError() }
  }

  private func copyPart(to copy: String, byteCount: Int) throws(SystemError) {
    unlink(copy)
    let descriptor = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw SystemError() }
    defer { close(descriptor) }
    var offset = 0
    while offset < byteCount {
      let range = offset..<min(offset + 1 << 20, byteCount)
      // What is shorter than it was sets no error number.
      guard let bytes = load(range) else { throw SystemError(ENODATA) }
      try PlainFile.write(bytes[...], to: descriptor, at: offset)
      offset = range.upperBound
    }
    guard fsync(descriptor) == 0 else { throw SystemError() }
  }

  private static let mask: mode_t = {
    let mask = umask(0o077)
    umask(mask)
    return mask
  }()
}
