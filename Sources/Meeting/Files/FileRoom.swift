import Glibc

/// Room on a disk. Files leave some of it: with none left, nothing that is said could be kept.
struct FileRoom: Hashable, Sendable {
  let free: Int
  /// A twentieth of the disk, but no more than years of talk need.
  let reserve: Int

  private static let largestReserve = 64 << 20

  init(free: Int, total: Int) {
    self.free = free
    reserve = min(total / 20, Self.largestReserve)
  }

  /// `nil` where the file system doesn't say.
  init?(at path: String) {
    var status = statvfs()
    guard statvfs(path, &status) == 0, status.f_blocks > 0 else { return nil }
    func bytes(_ blocks: UInt) -> Int {
      let (bytes, isTooMany) = blocks.multipliedReportingOverflow(by: status.f_frsize)
      return isTooMany ? .max : Int(clamping: bytes)
    }
    self.init(free: bytes(status.f_bavail), total: bytes(status.f_blocks))
  }

  func holds(_ byteCount: Int) -> Bool { byteCount <= free - reserve }
}
