/// The payload descriptor before each piece of a VP8 frame (RFC 7741 §4.2).
///
///      0 1 2 3 4 5 6 7
///     |X|R|N|S|R| PID |
///     |I|L|T|K| RSV   |  if X
///     |M| picture ID  |  if I; a second byte if M
///     |   TL0PICIDX   |  if L
///     |TID|Y| KEYIDX  |  if T or K
struct VP8Descriptor: Hashable {
  var isNonReference = false
  /// The packet begins a partition; with `partition` 0, it begins the frame.
  var startsPartition: Bool
  var partition: UInt8 = 0
  var pictureID: UInt16?
  var temporalLayerZeroIndex: UInt8?
  var temporalLayer: UInt8?
  var keyframeIndex: UInt8?

  var startsFrame: Bool { startsPartition && partition == 0 }

  init(startsPartition: Bool, pictureID: UInt16?) {
    self.startsPartition = startsPartition
    self.pictureID = pictureID
  }

  /// Takes the descriptor off the front of `payload`.
  init(parsing payload: inout ArraySlice<UInt8>) throws(PacketError) {
    var reader = ByteReader(payload)
    let first = try reader.uint8()
    isNonReference = first & 0x20 != 0
    startsPartition = first & 0x10 != 0
    partition = first & 0x07
    if first & 0x80 != 0 {
      let present = try reader.uint8()
      if present & 0x80 != 0 {
        let high = try reader.uint8()
        if high & 0x80 != 0 {
          pictureID = UInt16(high & 0x7F) << 8 | UInt16(try reader.uint8())
        } else {
          pictureID = UInt16(high)
        }
      }
      if present & 0x40 != 0 { temporalLayerZeroIndex = try reader.uint8() }
      if present & 0x30 != 0 {
        let layers = try reader.uint8()
        if present & 0x20 != 0 { temporalLayer = layers >> 6 }
        if present & 0x10 != 0 { keyframeIndex = layers & 0x1F }
      }
    }
    payload = reader.rest
  }

  /// With a 15-bit picture identifier where there is one, and no layers: this side sends none.
  func append(to bytes: inout [UInt8]) {
    bytes.append(
      (pictureID == nil ? 0 : 0x80) | (isNonReference ? 0x20 : 0) | (startsPartition ? 0x10 : 0)
        | (partition & 0x07))
    if let pictureID {
      bytes.append(0x80)
      bytes.append(uint16: 0x8000 | pictureID)
    }
  }

  static let writtenLength = 4
}

/// What the first bytes of a VP8 frame say (RFC 6386 §9.1).
enum VP8FrameHeader {
  /// The inverse key frame flag is the lowest bit of the frame tag.
  static func isKeyframe(_ frame: ArraySlice<UInt8>) -> Bool {
    frame.first.map { $0 & 1 == 0 } ?? false
  }

  /// Size of a keyframe; `nil` when its start code isn't there or a side is zero.
  static func size(ofKeyframe frame: some RandomAccessCollection<UInt8>) -> (
    width: Int, height: Int
  )? {
    guard frame.count >= 10 else { return nil }
    let head = Array(frame.prefix(10))
    guard head[3...5].elementsEqual([0x9D, 0x01, 0x2A]) else { return nil }
    // The two top bits of each are scaling hints.
    let width = (Int(head[7]) << 8 | Int(head[6])) & 0x3FFF
    let height = (Int(head[9]) << 8 | Int(head[8])) & 0x3FFF
    return width > 0 && height > 0 ? (width, height) : nil
  }
}
