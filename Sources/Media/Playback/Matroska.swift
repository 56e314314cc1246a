/// The elements of a WebM file that a recording is made of (RFC 8794, RFC 9559), written by hand:
/// Debian's libwebm comes without the headers of its writer.
enum Matroska {
  enum ID: UInt32 {
    case ebml = 0x1A45_DFA3
    case ebmlVersion = 0x4286
    case ebmlReadVersion = 0x42F7
    case ebmlMaxIDLength = 0x42F2
    case ebmlMaxSizeLength = 0x42F3
    case docType = 0x4282
    case docTypeVersion = 0x4287
    case docTypeReadVersion = 0x4285
    case void = 0xEC
    case segment = 0x1853_8067
    case seekHead = 0x114D_9B74
    case seek = 0x4DBB
    case seekID = 0x53AB
    case seekPosition = 0x53AC
    case info = 0x1549_A966
    case timestampScale = 0x2AD7B1
    case duration = 0x4489
    case muxingApp = 0x4D80
    case writingApp = 0x5741
    case tracks = 0x1654_AE6B
    case trackEntry = 0xAE
    case trackNumber = 0xD7
    case trackUID = 0x73C5
    case trackType = 0x83
    case flagLacing = 0x9C
    case codecID = 0x86
    case codecPrivate = 0x63A2
    case codecDelay = 0x56AA
    case seekPreRoll = 0x56BB
    case video = 0xE0
    case pixelWidth = 0xB0
    case pixelHeight = 0xBA
    case audio = 0xE1
    case samplingFrequency = 0xB5
    case channels = 0x9F
    case cluster = 0x1F43_B675
    case timestamp = 0xE7
    case simpleBlock = 0xA3
    case cues = 0x1C53_BB6B
    case cuePoint = 0xBB
    case cueTime = 0xB3
    case cueTrackPositions = 0xB7
    case cueTrack = 0xF7
    case cueClusterPosition = 0xF1
  }

  /// The size of an element that goes on to the end of the file (RFC 8794 §6.2), in 8 bytes.
  static let unknownSize: [UInt8] = [0x01] + [UInt8](repeating: 0xFF, count: 7)

  /// An element with `body` in it. Sizes take 8 bytes where `isWide`, so that they can be set later.
  static func element(_ id: ID, _ body: [UInt8], isWide: Bool = false) -> [UInt8] {
    identifier(id) + (isWide ? wideSize(body.count) : size(body.count)) + body
  }

  static func identifier(_ id: ID) -> [UInt8] {
    minimal(UInt64(id.rawValue))
  }

  /// A whole number in as few bytes as it needs, or in `width` of them.
  static func number(_ id: ID, _ value: UInt64, width: Int? = nil) -> [UInt8] {
    guard let width else { return element(id, minimal(value)) }
    return element(id, bytes(value, width))
  }

  static func float(_ id: ID, _ value: Double) -> [UInt8] {
    element(id, bytes(value.bitPattern, 8))
  }

  static func text(_ id: ID, _ value: String) -> [UInt8] {
    element(id, Array(value.utf8))
  }

  /// An element that says nothing and takes `count` bytes in all, 2...128.
  static func void(_ count: Int) -> [UInt8] {
    precondition((2...128).contains(count))
    return element(.void, [UInt8](repeating: 0, count: count - 2))
  }

  static func wideSize(_ value: Int) -> [UInt8] {
    var size = bytes(UInt64(value), 8)
    size[0] |= 0x01
    return size
  }

  /// A variable-size number (RFC 8794 §4): as many bytes as there are leading zeros, and one.
  private static func size(_ value: Int) -> [UInt8] {
    var width = 1
    // All ones would mean an unknown size.
    while width < 8, UInt64(value) >= 1 << UInt64(7 * width) - 1 { width += 1 }
    var size = bytes(UInt64(value), width)
    size[0] |= 0x80 >> UInt8(width - 1)
    return size
  }

  private static func minimal(_ value: UInt64) -> [UInt8] {
    bytes(value, max((64 - value.leadingZeroBitCount + 7) / 8, 1))
  }

  /// Big-endian.
  private static func bytes(_ value: UInt64, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (width - 1 - $0))) }
  }
}
