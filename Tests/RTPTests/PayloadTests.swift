import Foundations
import Testing

@testable import RTP

@Suite("A VP8 payload")
struct VP8PayloadTests {
  @Test("cut from a frame has the descriptor of RFC 7741 §4.2 with a 15-bit picture ID")
  func descriptors() {
    var packetizer = VP8Packetizer(firstPictureID: 0x7FFF)
    let picture = MadeUpVideo.picture(1, isKeyframe: true, length: 3000, at: .zero)
    let first = packetizer.packetize(picture)
    #expect(first.payloads.count == 3)
    #expect(first.isKeyframe)
    #expect(Array(first.payloads[0].prefix(4)) == [0x90, 0x80, 0xFF, 0xFF])
    #expect(Array(first.payloads[1].prefix(4)) == [0x80, 0x80, 0xFF, 0xFF])
    #expect(first.payloads.map { Array($0.dropFirst(4)) }.reduce([], +) == picture.bytes)
    let second = packetizer.packetize(picture)
    #expect(Array(second.payloads[0].prefix(4)) == [0x90, 0x80, 0x80, 0x00])
    #expect(second.number == 1)
  }

  @Test("is never longer than the bound, and all of a frame's are about as long")
  func lengths() {
    for length in [20, 1175, 1176, 1177, 2352, 2353, 65_000] {
      var packetizer = VP8Packetizer()
      let payloads = packetizer.packetize(
        MadeUpVideo.picture(1, isKeyframe: false, length: length, at: .zero)
      ).payloads
      let lengths = payloads.map(\.count)
      #expect(lengths.allSatisfy { $0 <= VP8Packetizer.maximumPayload })
      #expect(lengths.max()! - lengths.min()! <= 1)
      #expect(payloads.count == (length + 1175) / 1176)
    }
  }

  @Test("of nothing is none")
  func empty() {
    var packetizer = VP8Packetizer()
    let picture = EncodedPicture(
      codec: .vp8, bytes: [], isKeyframe: false, width: 2, height: 2, captured: .zero)
    #expect(packetizer.packetize(picture).payloads.isEmpty)
  }

  @Test("is read with every combination of optional fields", arguments: 0..<32)
  func optionalFields(combination: Int) throws {
    let (hasID, isLong) = (combination & 1 != 0, combination & 2 != 0)
    let (hasZeroIndex, hasLayer) = (combination & 4 != 0, combination & 8 != 0)
    let hasKeyframeIndex = combination & 16 != 0
    var bytes: [UInt8] = [0x80 | 0x20 | 0x10]
    bytes.append(
      (hasID ? 0x80 : 0) | (hasZeroIndex ? 0x40 : 0) | (hasLayer ? 0x20 : 0)
        | (hasKeyframeIndex ? 0x10 : 0))
    if hasID { bytes += isLong ? [0x92, 0x34] : [0x12] }
    if hasZeroIndex { bytes.append(77) }
    if hasLayer || hasKeyframeIndex { bytes.append(0b1010_0101) }
    let headerLength = bytes.count
    bytes += [1, 2, 3]
    var data = bytes[...]
    let descriptor = try VP8Descriptor(parsing: &data)
    #expect(Array(data) == [1, 2, 3])
    #expect(descriptor.isNonReference && descriptor.startsFrame)
    #expect(descriptor.pictureID == (hasID ? (isLong ? 0x1234 : 0x12) : nil))
    #expect(descriptor.temporalLayerZeroIndex == (hasZeroIndex ? 77 : nil))
    #expect(descriptor.temporalLayer == (hasLayer ? 2 : nil))
    #expect(descriptor.keyframeIndex == (hasKeyframeIndex ? 5 : nil))
    for count in 0..<headerLength {
      var cut = bytes[..<count]
      #expect(throws: PacketError.truncated) { try VP8Descriptor(parsing: &cut) }
    }
  }

  @Test("begins a frame only with the S bit on partition 0")
  func frameStart() throws {
    for (byte, expected): (UInt8, Bool) in [(0x10, true), (0x00, false), (0x11, false)] {
      var data: ArraySlice<UInt8> = [byte, 0]
      #expect(try VP8Descriptor(parsing: &data).startsFrame == expected)
    }
  }

  @Test("of a keyframe tells its size without the scaling bits (RFC 6386 §9.1)")
  func size() {
    let header: [UInt8] = [0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x00, 0x45, 0xD0, 0x82]
    let size = VP8FrameHeader.size(ofKeyframe: header)
    #expect(size?.width == 1280 && size?.height == 720)
    #expect(VP8FrameHeader.size(ofKeyframe: Array(header.dropLast())) == nil)
    #expect(VP8FrameHeader.size(ofKeyframe: [UInt8](repeating: 0, count: 10)) == nil)
  }
}

@Suite("An Opus payload")
struct OpusPayloadTests {
  @Test(
    "lasts as long as its first byte says (RFC 6716 §3.1)",
    arguments: [
      (0, 480), (3, 2880), (7, 2880), (12, 480), (13, 960), (16, 120), (19, 960), (31, 960),
    ])
  func durations(config: UInt8, samples: Int) {
    let one = config << 3
    #expect(OpusPayload([one, 1, 2])?.sampleCount == samples)
    #expect(OpusPayload([one | 1, 1, 2])?.sampleCount == samples * 2)
    #expect(OpusPayload([one | 3, 1, 2])?.sampleCount == samples)
  }

  @Test("is refused when empty, without frames, or longer than 120 ms")
  func refused() {
    #expect(OpusPayload([]) == nil)
    #expect(OpusPayload([0x03]) == nil)
    #expect(OpusPayload([0x03, 0]) == nil)
    #expect(OpusPayload([3 << 3 | 3, 2, 0])?.sampleCount == 5760)
    #expect(OpusPayload([3 << 3 | 3, 3, 0]) == nil)
  }

  @Test("of one or two bytes announces a pause")
  func pause() {
    #expect(OpusPayload([0xF8])?.isDiscontinuous == true)
    #expect(OpusPayload([0xF8, 1, 2])?.isDiscontinuous == false)
  }
}
