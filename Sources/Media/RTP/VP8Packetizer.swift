package import Foundations

/// An encoded picture cut into RTP payloads, once for all receivers: each adds its own header.
package struct PacketizedPicture: Sendable {
  package let payloads: [[UInt8]]
  package let isKeyframe: Bool
  package let captured: Moment
  /// Counts the pictures cut, from 0.
  package let number: UInt64
  package let byteCount: Int

}

/// Cuts VP8 frames into payloads (RFC 7741 §4.2, §4.4).
package struct VP8Packetizer: Sendable {
  /// With 12 bytes of RTP header, 16 of SRTP tag, 8 of UDP and 40 of IPv6 this makes 1,256 bytes:
  /// below the 1,280 that every IPv6 path carries (RFC 8200 §5).
  package static let maximumPayload = 1180

  private var pictureID: UInt16
  private var number: UInt64 = 0
  private let maximumPayload: Int

  /// - Parameter firstPictureID: RFC 7741 §4.2 wants a random one; its lower 15 bits are taken.
  package init(firstPictureID: UInt16 = 0, maximumPayload: Int = Self.maximumPayload) {
    precondition(maximumPayload > VP8Descriptor.writtenLength)
    pictureID = firstPictureID & 0x7FFF
    self.maximumPayload = maximumPayload
  }

  /// Payloads of nearly equal length: a short last packet would cost as much as a long one.
  package mutating func packetize(_ picture: EncodedPicture) -> PacketizedPicture {
    let room = maximumPayload - VP8Descriptor.writtenLength
    let count = (picture.bytes.count + room - 1) / room
    var payloads: [[UInt8]] = []
    payloads.reserveCapacity(count)
    var start = 0
    for index in 0..<count {
      let end = picture.bytes.count * (index + 1) / count
      var payload: [UInt8] = []
      payload.reserveCapacity(VP8Descriptor.writtenLength + end - start)
      VP8Descriptor(startsPartition: index == 0, pictureID: pictureID).append(to: &payload)
      payload.append(contentsOf: picture.bytes[start..<end])
      payloads.append(payload)
      start = end
    }
    defer {
      pictureID = (pictureID + 1) & 0x7FFF
      number += 1
    }
    return PacketizedPicture(
      payloads: payloads, isKeyframe: picture.isKeyframe, captured: picture.captured,
      number: number, byteCount: picture.bytes.count)
  }
}
