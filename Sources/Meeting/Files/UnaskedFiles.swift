import Files
import Foundation

/// Files that come without being asked for: how large one may be, how much all together, also over
/// restarts, and how many at once.
struct UnaskedFiles {
  /// `nil` where nothing comes unasked.
  private let largest: Int?
  private let directory: String
  /// The newest go first: they are what people talk about.
  private var waiting: [(root: [UInt8], byteCount: Int)] = []
  private var running: Set<[UInt8]> = []
  /// What was let in by this run and those before it.
  private var bytes: Int
  private(set) var hasRefused = false

  private var path: String { directory + "/unasked" }

  init(largest: Int?, directory: String) {
    self.largest = largest
    self.directory = directory
    bytes = 0
    let text = FileManager.default.contents(atPath: path)?.prefix(20)
    bytes = text.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
  }

  mutating func consider(_ root: [UInt8], byteCount: Int) {
    guard let largest, byteCount <= largest else { return }
    waiting.append((root, byteCount))
  }

  /// The next to fetch, if it is its turn.
  mutating func next(whileRunning isRunning: ([UInt8]) -> Bool) -> [UInt8]? {
    guard let largest, !waiting.isEmpty else { return nil }
    running = running.filter(isRunning)
    while running.count < FileBounds.unaskedAtOnce, let (root, byteCount) = waiting.popLast() {
      // Thousands of tiny files would be a nuisance too.
      let size = max(byteCount, largest / 100)
      guard bytes + size <= largest * FileBounds.unasked else {
        hasRefused = true
        continue
      }
      bytes += size
      running.insert(root)
      keep()
      return root
    }
    return nil
  }

  /// Where it can't be kept, nothing that is fetched can be either.
  private func keep() {
    try? FileFolder(path: directory).make()
    try? FileFolder.write(Array(String(bytes).utf8), to: path)
  }
}
