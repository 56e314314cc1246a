import Foundations

@testable import RTP

/// Frames that look like VP8 from outside and say which they are.
enum MadeUpVideo {
  static let width = 1280
  static let height = 720

  static func picture(_ number: Int, isKeyframe: Bool, length: Int, at moment: Moment)
    -> EncodedPicture
  {
    EncodedPicture(
      codec: .vp8, bytes: bytes(number, isKeyframe: isKeyframe, length: length),
      isKeyframe: isKeyframe, width: width, height: height, captured: moment)
  }

  static func bytes(_ number: Int, isKeyframe: Bool, length: Int) -> [UInt8] {
    var bytes: [UInt8] = [isKeyframe ? 0x10 : 0x11, 0, 0]
    if isKeyframe {
      bytes += [0x9D, 0x01, 0x2A]
      bytes += [UInt8(width & 0xFF), UInt8(width >> 8), UInt8(height & 0xFF), UInt8(height >> 8)]
    }
    bytes.append(uint32: UInt32(number))
    let start = number % 251
    if bytes.count < length { bytes += noise[start..<start + length - bytes.count] }
    return bytes
  }

  private static let noise: [UInt8] = {
    var chance = SeededGenerator(seed: 1)
    return (0..<400_000).map { _ in UInt8(truncatingIfNeeded: chance.next()) }
  }()

  static func number(of bytes: [UInt8]) -> Int {
    let start = bytes[0] & 1 == 0 ? 10 : 3
    return bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
  }
}

/// Packets that look like 20 ms of Opus from outside and say which they are.
enum MadeUpSound {
  static func sound(_ number: Int, at moment: Moment, level: UInt8 = 30) -> EncodedSound {
    EncodedSound(bytes: bytes(number), sampleCount: 960, level: level, captured: moment)
  }

  /// CELT of 20 ms, one frame (RFC 6716 table 2).
  static func bytes(_ number: Int, length: Int = 80) -> [UInt8] {
    var bytes: [UInt8] = [31 << 3]
    bytes.append(uint32: UInt32(number))
    return bytes + repeatElement(UInt8(truncatingIfNeeded: number), count: length - 5)
  }

  static func number(of bytes: [UInt8]) -> Int {
    bytes[1..<5].reduce(0) { $0 << 8 | Int($1) }
  }
}

extension Moment {
  static func milliseconds(_ count: Double) -> Moment {
    Moment(nanoseconds: Int64(count * 1e6))
  }

  static func seconds(_ count: Double) -> Moment { .milliseconds(count * 1000) }
}

func videoPacket(
  _ number: UInt16, timestamp: UInt32 = 0, marker: Bool = false, ssrc: UInt32 = 7,
  payload: [UInt8]
) -> RTPPacket {
  RTPPacket(
    marker: marker, payloadType: PayloadType(96), sequenceNumber: SequenceNumber(number),
    timestamp: timestamp, ssrc: SSRC(ssrc), payload: payload[...])
}

func soundPacket(
  _ number: UInt16, timestamp: UInt32, ssrc: UInt32 = 8, payload: [UInt8]
) -> RTPPacket {
  RTPPacket(
    marker: false, payloadType: PayloadType(111), sequenceNumber: SequenceNumber(number),
    timestamp: timestamp, ssrc: SSRC(ssrc), payload: payload[...])
}

/// `picture` as packets from `number` on.
func packets(
  of picture: EncodedPicture, from number: UInt16, timestamp: UInt32, marked: Bool = true
) -> [RTPPacket] {
  var packetizer = VP8Packetizer()
  let payloads = packetizer.packetize(picture).payloads
  return payloads.indices.map { index in
    videoPacket(
      number &+ UInt16(index), timestamp: timestamp,
      marker: marked && index == payloads.count - 1, payload: payloads[index])
  }
}
