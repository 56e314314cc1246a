/// Cuts a stream of bytes into frames: a four-byte big-endian length, then that many bytes.
package struct FrameReader: Sendable {
  private var buffer: [UInt8] = []
  private var start = 0
  private let limit: Int

  /// - Parameter limit: the longest frame taken.
  package init(limit: Int) {
    self.limit = limit
  }

  /// Whether bytes are here of a frame that isn't whole yet.
  package var holdsPart: Bool { buffer.count > start }

  package mutating func append(_ bytes: some Collection<UInt8>) {
    if start > 0 {
      buffer.removeFirst(start)
      start = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// The next whole frame; `nil` until more bytes come.
  /// - Throws: ``WireError/tooLarge``; the stream is of no use afterwards.
  package mutating func next() throws(WireError) -> [UInt8]? {
    guard buffer.count - start >= 4 else { return nil }
    let length = buffer[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    guard length <= limit else { throw .tooLarge }
    guard buffer.count - start - 4 >= length else { return nil }
    defer { start += 4 + length }
    return Array(buffer[start + 4..<start + 4 + length])
  }
}

/// `bytes` with its length before it, as ``FrameReader`` takes it.
package func frame(_ bytes: [UInt8]) -> [UInt8] {
  stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: bytes.count >> $0) } + bytes
}
