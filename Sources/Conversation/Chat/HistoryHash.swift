import Crypto
import Foundation

/// One SHA-256 over a meeting's ordered log without joined and left entries, and without what doesn't
/// count: the same on every member that has everything.
package struct HistoryHash: Sendable {
  private var state = SHA256()

  package init() {}

  /// Takes in the hash of the next entry, in order.
  package mutating func update(_ hash: [UInt8]) {
    state.update(data: hash)
  }

  /// 32 bytes.
  package func finish() -> [UInt8] { Array(state.finalize()) }

  /// Over these, in whatever order they come.
  package static func of(_ entries: some Sequence<Entry>) -> [UInt8] {
    var hash = HistoryHash()
    for entry in entries.sorted() where !entry.body.isAttendance { hash.update(entry.hash.bytes) }
    return hash.finish()
  }
}
