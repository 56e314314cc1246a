import Synchronization

/// An I420 picture: a full-size luma plane and two chroma planes of half size each way, 8 bits,
/// limited range (16–235), BT.601.
///
/// Written by whoever made it, before anyone else sees it; read-only afterwards. Its memory goes back
/// to the pool that it came from.
package final class Picture: @unchecked Sendable {
  // Safety: the planes are written only between `PicturePool.makePicture` and the moment the maker
  // hands the picture on; from then on everybody only reads.
  package let width: Int
  package let height: Int
  package let luma: Plane
  package let blue: Plane
  package let red: Plane
  private let memory: UnsafeMutableRawPointer
  private let byteCount: Int
  private let pool: PicturePool

  package struct Plane {
    package let bytes: UnsafeMutablePointer<UInt8>
    /// Bytes from one row to the next; at least `width`.
    package let stride: Int
    package let width: Int
    package let height: Int
  }

  /// Rows start at multiples of this many bytes, for vector code.
  private static let alignment = 64
  /// The largest side of a picture that is accepted anywhere.
  package static let sideLimit = 4096

  fileprivate init(
    width: Int, height: Int, memory: UnsafeMutableRawPointer, byteCount: Int, pool: PicturePool
  ) {
    self.width = width
    self.height = height
    self.memory = memory
    self.byteCount = byteCount
    self.pool = pool
    let layout = Self.layout(width: width, height: height)
    let bytes = memory.assumingMemoryBound(to: UInt8.self)
    let (halfWidth, halfHeight) = ((width + 1) / 2, (height + 1) / 2)
    luma = Plane(bytes: bytes, stride: layout.lumaStride, width: width, height: height)
    blue = Plane(
      bytes: bytes + layout.blue, stride: layout.chromaStride, width: halfWidth, height: halfHeight)
    red = Plane(
      bytes: bytes + layout.red, stride: layout.chromaStride, width: halfWidth, height: halfHeight)
  }

  fileprivate static func layout(
    width: Int, height: Int
  ) -> (lumaStride: Int, chromaStride: Int, blue: Int, red: Int, total: Int) {
    func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
    let lumaStride = aligned(width)
    let chromaStride = aligned((width + 1) / 2)
    let blue = lumaStride * height
    let red = blue + chromaStride * ((height + 1) / 2)
    // The slack lets vector code read past the last row.
    let total = red + chromaStride * ((height + 1) / 2) + alignment
    return (lumaStride, chromaStride, blue, red, total)
  }

  deinit {
    pool.take(back: memory, byteCount: byteCount)
  }
}

/// Keeps the memory of pictures that are no longer needed for the next ones, so that the steady state
/// allocates nothing.
package final class PicturePool: Sendable {
  // Safety: raw addresses of blocks that nobody else holds.
  private struct Block: @unchecked Sendable {
    let memory: UnsafeMutableRawPointer
    let byteCount: Int
  }

  private let spare = Mutex<[Block]>([])
  /// Spare blocks kept: enough for capture, encoder, decoder and screen at once. More are freed.
  private let limit: Int

  package init(limit: Int = 12) {
    self.limit = limit
  }

  /// A picture with undefined contents. `width` and `height` are in 1...`Picture.sideLimit`.
  package func makePicture(width: Int, height: Int) -> Picture {
    precondition((1...Picture.sideLimit).contains(width))
    precondition((1...Picture.sideLimit).contains(height))
    let byteCount = Picture.layout(width: width, height: height).total
    let block = spare.withLock { blocks -> Block? in
      guard let index = blocks.lastIndex(where: { $0.byteCount == byteCount }) else { return nil }
      return blocks.remove(at: index)
    }
    let memory =
      block?.memory ?? UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
    return Picture(
      width: width, height: height, memory: memory, byteCount: byteCount, pool: self)
  }

  fileprivate func take(back memory: UnsafeMutableRawPointer, byteCount: Int) {
    let block = Block(memory: memory, byteCount: byteCount)
    let surplus = spare.withLock { blocks -> Block? in
      blocks.append(block)
      // The oldest goes first: after a change of size those are the ones that no longer fit.
      return blocks.count > limit ? blocks.removeFirst() : nil
    }
    surplus?.memory.deallocate()
  }

  deinit {
    spare.withLock { $0.forEach { $0.memory.deallocate() } }
  }
}
