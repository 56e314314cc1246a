import Foundation
import Glibc

/// How much room is left where a file lies. SQLite says only "disk I/O error" when it finds none for what
/// it keeps beside the database.
struct DiskRoom {
  private let free: UInt64
  private let isWritable: Bool
  private let hasNodes: Bool

  /// - Parameter path: of a file, which may not be there yet.
  init?(at path: String) {
    var status = statvfs()
    guard
      statvfs(path, &status) == 0
        || statvfs((path as NSString).deletingLastPathComponent, &status) == 0
    else { return nil }
    free = UInt64(status.f_bavail) * UInt64(status.f_frsize)
    isWritable = UInt(status.f_flag) & UInt(ST_RDONLY) == 0
    // Some file systems don't count them.
    hasNodes = status.f_files == 0 || status.f_favail > 0
  }

  /// The index of SQLite's log takes 32 KiB at once, and the log some pages. A medium that can't be written
  /// is full by nature, and no room can be made there.
  var isFull: Bool { isWritable && (free < 64 << 10 || !hasNodes) }

  /// Enough for the log's index and for what is said meanwhile.
  var isAmple: Bool { isWritable && free >= 1 << 20 && hasNodes }
}
