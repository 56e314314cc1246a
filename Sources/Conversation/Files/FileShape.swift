import Wire

/// Bounds of what is passed on.
package enum FileBounds {
  package static let chunk = WireBounds.fileChunk
  package static let chunks = WireBounds.fileChunks
  /// Chunks asked of one holder at a time: a megabyte keeps a gigabit link busy over a disk's pause,
  /// and stays below what a stream lets wait (`LinkLimits.pendingBytes`).
  package static let outstanding = 4
  /// Chunks asked of all holders together that may come in time. With those that are late, at most
  /// ``outstanding`` of each of ``holders`` are held in memory.
  package static let outstandingInAll = 24
  /// Requests of one member that wait to be served; an honest one has ``outstanding`` a file.
  package static let waitingRequests = 16
  /// Members that a file is fetched from at a time.
  package static let holders = 16
  /// How long a holder may take for a chunk before it has failed to give it.
  package static let patience = Duration.seconds(8)
  /// How long it may take, at the least, before the chunk is asked of another too: a hundred times what
  /// a chunk takes on a wire, and what a saturated wireless network needs for some megabytes.
  package static let hurry = Duration.seconds(1)
  /// How long a chunk that was refused isn't asked of the same holder again.
  package static let refusalRest = Duration.milliseconds(700)
  /// Chunks that one holder has refused or failed to give of late, beyond which it is left in peace.
  package static let rests = 32
  /// How long a holder may stay without news before the rarity of its chunks is put aside.
  package static let stall = Duration.milliseconds(1500)
  /// Time-outs after which a holder isn't asked any more until it comes anew.
  package static let timeouts = 4
  /// For how long a whole file's holder lets the others pass on a chunk that one of them just got.
  package static let spread = Duration.seconds(3)
  /// For how long at most a member is sent to others for one chunk: less than ``patience``, so that being
  /// sent on costs no more than a holder that fails.
  package static let longestSpread = spread * 2
  /// How long a member that was given a chunk isn't given it again; doubled each time.
  package static let repeatRest = Duration.seconds(2)
  package static let longestRepeatRest = Duration.seconds(30)
  /// Streams for files with all members together. Twice what one file is fetched from: as many again
  /// may fetch from here.
  package static let streams = 2 * holders
  /// How long a stream may say nothing before it is closed.
  package static let idle = Duration.seconds(30)
  /// How long a silent stream keeps its place although others wait for one.
  package static let turn = Duration.seconds(5)
  /// How long a member that couldn't be reached isn't dialled again.
  package static let dialRest = Duration.seconds(5)
  /// What is fetched without being asked for in one meeting, as a multiple of the largest file that is.
  /// Of this and the next two, one author's files take half.
  package static let unasked = 10
  /// Files fetched at once without being asked for. The others wait for their turn.
  package static let unaskedAtOnce = 8
  /// The same, those included that nobody gives now and that wait for somebody who does.
  package static let unaskedUnderWay = 32
}

/// How a file is cut, and the name that follows from its content.
package struct FileShape: Hashable, Sendable {
  /// Up to `FileBounds.chunks` × `FileBounds.chunk`.
  package let byteCount: Int
  /// 32 bytes.
  package let root: [UInt8]

  package init?(byteCount: Int, root: [UInt8]) {
    guard (0...FileBounds.chunks * FileBounds.chunk).contains(byteCount), root.count == 32 else {
      return nil
    }
    self.byteCount = byteCount
    self.root = root
  }

  /// - Parameter hashes: SHA-256 of each chunk.
  package init?(byteCount: Int, hashes: [[UInt8]]) {
    self.init(byteCount: byteCount, root: Self.root(byteCount: byteCount, hashes: hashes))
  }

  package var chunkCount: Int { (byteCount + FileBounds.chunk - 1) / FileBounds.chunk }

  /// Where the chunk lies in the file. `index` is one of `0..<chunkCount`.
  package func range(of index: Int) -> Range<Int> {
    let start = index * FileBounds.chunk
    return start..<min(start + FileBounds.chunk, byteCount)
  }

  /// The hashes that `list` holds, if it is this file's.
  package func hashes(of list: [UInt8]) -> [[UInt8]]? {
    guard list.count == chunkCount * 32 else { return nil }
    let hashes = stride(from: 0, to: list.count, by: 32).map { Array(list[$0..<$0 + 32]) }
    return Self.root(byteCount: byteCount, hashes: hashes) == root ? hashes : nil
  }

  private static func root(byteCount: Int, hashes: [[UInt8]]) -> [UInt8] {
    var bytes = Array("virtue file 1".utf8)
    bytes += stride(from: 56, through: 0, by: -8).map {
      UInt8(truncatingIfNeeded: byteCount >> $0)
    }
    bytes += stride(from: 24, through: 0, by: -8).map {
      UInt8(truncatingIfNeeded: FileBounds.chunk >> $0)
    }
    for hash in hashes { bytes += hash }
    return digest(bytes)
  }
}

/// Which chunks of a file somebody has.
package struct ChunkMap: Hashable, Sendable {
  package let chunkCount: Int
  /// A bit a chunk, the first in the highest bit of the first byte.
  package private(set) var bytes: [UInt8]
  package private(set) var count = 0

  package init(chunkCount: Int, isFull: Bool = false) {
    self.chunkCount = chunkCount
    bytes = Array(repeating: isFull ? 0xFF : 0, count: (chunkCount + 7) / 8)
    guard isFull else { return }
    count = chunkCount
    if chunkCount % 8 != 0 { bytes[bytes.count - 1] = 0xFF << UInt8(8 - chunkCount % 8) }
  }

  /// `nil` where the bytes are too few or many for so many chunks, or a bit beyond the last is set.
  package init?(_ bytes: [UInt8], chunkCount: Int) {
    guard bytes.count == (chunkCount + 7) / 8 else { return nil }
    if chunkCount % 8 != 0, let last = bytes.last, last << (chunkCount % 8) != 0 { return nil }
    self.chunkCount = chunkCount
    self.bytes = bytes
    count = bytes.reduce(0) { $0 + $1.nonzeroBitCount }
  }

  package var isFull: Bool { count == chunkCount }

  package func contains(_ index: Int) -> Bool {
    (0..<chunkCount).contains(index) && bytes[index / 8] & (0x80 >> UInt8(index % 8)) != 0
  }

  /// Whether it has a chunk that the other map of the same file hasn't.
  func holdsMore(than other: ChunkMap) -> Bool {
    zip(bytes, other.bytes).contains { $0 & ~$1 != 0 }
  }

  package mutating func insert(_ index: Int) {
    guard (0..<chunkCount).contains(index), !contains(index) else { return }
    bytes[index / 8] |= 0x80 >> UInt8(index % 8)
    count += 1
  }

  package mutating func remove(_ index: Int) {
    guard contains(index) else { return }
    bytes[index / 8] &= ~(0x80 >> UInt8(index % 8))
    count -= 1
  }
}
