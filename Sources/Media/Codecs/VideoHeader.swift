package import Foundations

/// What the first bytes of an encoded picture say, read before any codec sees them.
package struct VideoHeader: Hashable, Sendable {
  package let isKeyframe: Bool
  /// The size that the picture declares; `nil` when it keeps the size of an earlier one.
  package let size: Size?

  package struct Size: Hashable, Sendable {
    package let width: Int
    package let height: Int

    package init(width: Int, height: Int) {
      self.width = width
      self.height = height
    }
  }

  /// - Throws: `.badData` when the header is cut short or isn't one.
  package init(_ codec: VideoCodec, _ bytes: some Collection<UInt8>) throws(CodecFailure) {
    // A header is shorter than this in both formats, even with two frames' worth of reference sizes.
    let start = [UInt8](bytes.prefix(32))
    self =
      switch codec {
      case .vp8: try Self.vp8(start)
      case .vp9: try Self.vp9(start)
      }
  }

  private init(isKeyframe: Bool, size: Size?) {
    self.isKeyframe = isKeyframe
    self.size = size
  }

  /// RFC 6386 §9.1.
  ///
  ///      byte 0           1     2     3     4     5     6 7               8 9
  ///     +----------------+-----+-----+-----+-----+-----+---------------+---------------+
  ///     |size  |S|ver |!K| size      | 9D  | 01  | 2A  |width 14|scale 2|height 14|scale 2|
  ///     +----------------+-----+-----+-----+-----+-----+---------------+---------------+
  ///
  /// The start code and the size (little-endian) are there in keyframes only.
  private static func vp8(_ bytes: [UInt8]) throws(CodecFailure) -> VideoHeader {
    guard bytes.count >= 3 else { throw .badData("VP8 frame tag cut short") }
    guard bytes[0] & 1 == 0 else { return VideoHeader(isKeyframe: false, size: nil) }
    guard bytes.count >= 10, bytes[3] == 0x9D, bytes[4] == 0x01, bytes[5] == 0x2A else {
      throw .badData("VP8 keyframe without its start code")
    }
    let width = Int(bytes[6]) | Int(bytes[7] & 0x3F) << 8
    let height = Int(bytes[8]) | Int(bytes[9] & 0x3F) << 8
    return VideoHeader(isKeyframe: true, size: Size(width: width, height: height))
  }

  /// VP9 bitstream specification 0.6, §6.2, as far as the frame's size.
  private static func vp9(_ bytes: [UInt8]) throws(CodecFailure) -> VideoHeader {
    var bits = BitReader(bytes)
    guard try bits.read(2) == 2 else { throw .badData("no VP9 frame marker") }
    let profile = try bits.read(1) | bits.read(1) << 1
    // Profiles 1 to 3 have other chroma layouts or more bits a sample; nobody here sends them.
    guard profile == 0 else { throw .badData("VP9 profile \(profile)") }
    if try bits.flag() { return VideoHeader(isKeyframe: false, size: nil) }  // show_existing_frame
    let isKeyframe = try !bits.flag()
    let isShown = try bits.flag()
    let isErrorResilient = try bits.flag()
    if isKeyframe {
      try syncCode(&bits)
      let colourSpace = try bits.read(3)
      guard colourSpace != 7 else { throw .badData("VP9 in RGB") }
      _ = try bits.flag()  // colour range
      return VideoHeader(isKeyframe: true, size: try frameSize(&bits))
    }
    let isIntraOnly = try isShown ? false : bits.flag()
    if !isErrorResilient { _ = try bits.read(2) }  // reset_frame_context
    if isIntraOnly {
      try syncCode(&bits)
      _ = try bits.read(8)  // refresh_frame_flags
      return VideoHeader(isKeyframe: false, size: try frameSize(&bits))
    }
    _ = try bits.read(8)  // refresh_frame_flags
    _ = try bits.read(12)  // three references of three bits and a sign bias each
    for _ in 0..<3 where try bits.flag() {
      return VideoHeader(isKeyframe: false, size: nil)  // the size of a reference
    }
    return VideoHeader(isKeyframe: false, size: try frameSize(&bits))
  }

  private static func syncCode(_ bits: inout BitReader) throws(CodecFailure) {
    guard try bits.read(24) == 0x49_83_42 else { throw .badData("no VP9 sync code") }
  }

  private static func frameSize(_ bits: inout BitReader) throws(CodecFailure) -> Size {
    let width = try bits.read(16) + 1
    let height = try bits.read(16) + 1
    return Size(width: width, height: height)
  }
}

/// Reads bits from the most significant end.
private struct BitReader {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func read(_ count: Int) throws(CodecFailure) -> Int {
    guard position + count <= bytes.count * 8 else { throw .badData("VP9 header cut short") }
    var value = 0
    for _ in 0..<count {
      value = value << 1 | Int(bytes[position / 8] >> UInt8(7 - position % 8) & 1)
      position += 1
    }
    return value
  }

  mutating func flag() throws(CodecFailure) -> Bool {
    try read(1) == 1
  }
}

/// VP9 packets may hold several frames: a superframe (VP9 bitstream specification, annex B).
enum Superframe {
  /// The frames in `bytes`: one for an ordinary packet.
  static func frames(in bytes: [UInt8]) throws(CodecFailure) -> [ArraySlice<UInt8>] {
    guard let last = bytes.last, last & 0xE0 == 0xC0 else { return [bytes[...]] }
    let count = Int(last & 7) + 1
    let width = Int(last >> 3 & 3) + 1
    let indexSize = 2 + count * width
    guard bytes.count >= indexSize, bytes[bytes.count - indexSize] == last else {
      return [bytes[...]]
    }
    let index = bytes.count - indexSize
    var frames: [ArraySlice<UInt8>] = []
    var start = 0
    for frame in 0..<count {
      let field = index + 1 + frame * width
      let size = (0..<width).reduce(0) { $0 | Int(bytes[field + $1]) << (8 * $1) }
      guard size <= index - start else { throw .badData("VP9 superframe index beyond the packet") }
      if size > 0 { frames.append(bytes[start..<start + size]) }
      start += size
    }
    guard !frames.isEmpty else { throw .badData("empty VP9 superframe") }
    return frames
  }

  /// `frame` with an index that says it is the only one. Without an index libvpx takes whatever
  /// follows a frame's end for a frame of its own, whose size nobody has checked.
  static func single(_ frame: ArraySlice<UInt8>) -> [UInt8] {
    // Sizes of four bytes, one frame.
    let marker: UInt8 = 0xC0 | 3 << 3
    let size = (0..<4).map { UInt8(truncatingIfNeeded: frame.count >> (8 * $0)) }
    return Array(frame) + [marker] + size + [marker]
  }
}
