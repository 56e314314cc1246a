import Foundations
import Testing

@testable import RTP

/// Packets that aiortc 1.16.0 wrote, an implementation that shares no line with this one.
@Suite("Packets of aiortc")
struct AiortcVectorTests {
  private func bytes(_ hexadecimal: String) throws -> [UInt8] {
    try #require([UInt8](hexadecimal: hexadecimal))
  }

  @Test("RTP with sources, two extensions and padding")
  func rtp() throws {
    let packet = try RTPPacket(
      parsing: bytes("b2e0ffffffffffff0000004d0000000500000006bede00011030503f0102d88403"))
    #expect(packet.marker && packet.payloadType == PayloadType(96))
    #expect(packet.sequenceNumber == SequenceNumber(65_535))
    #expect(packet.timestamp == .max)
    #expect(packet.ssrc == SSRC(77))
    #expect(packet.extensions?[1].map { Array($0) } == Array("0".utf8))
    let level = packet.extensions?[5].flatMap { AudioLevel($0) }
    #expect(level?.level == 63 && level?.isVoice == false)
    #expect(Array(packet.payload) == [1, 2])
  }

  @Test(
    "RTCP of each kind",
    arguments: [
      (
        "81cd00040000000100000002000c0081012c0000",
        ControlPacket.retransmissionRequest(
          sender: SSRC(1), media: SSRC(2), missing: [12, 13, 20, 300].map { SequenceNumber($0) })
      ),
      (
        "81ce00020000000100000002",
        .pictureLossIndication(sender: SSRC(1), media: SSRC(2))
      ),
      (
        "8fce0005000000010000000052454d420113f7a096be96cf",
        .bitrateEstimate(sender: SSRC(1), Bitrate(bitsPerSecond: 4_160_000))
      ),
      (
        "81ca000600000007010f7b36336634353965612d343166657d000000",
        .sourceDescription([SourceDescription(source: SSRC(7), cname: "{63f459ea-41fe}")])
      ),
      (
        "81c90007000000090000000205fffffd000111700000000c0000000100000002",
        .receiverReport(
          ReceiverReport(
            sender: SSRC(9),
            blocks: [
              ReportBlock(
                source: SSRC(2), fractionLost: 5, cumulativeLost: -3, highestSequence: 70_000,
                jitter: 12, lastReport: 1, delaySinceLastReport: 2)
            ]))
      ),
    ])
  func control(hexadecimal: String, expected: ControlPacket) throws {
    #expect(try ControlPacket.parse(compound: bytes(hexadecimal)) == [expected])
  }

  @Test("VP8 descriptors")
  func descriptors() throws {
    var own: [UInt8] = []
    VP8Descriptor(startsPartition: true, pictureID: 18).append(to: &own)
    #expect(own.hexadecimal == "90808012")
    var layered = try bytes("90f092675cdb")[...]
    let descriptor = try VP8Descriptor(parsing: &layered)
    #expect(layered.isEmpty && descriptor.startsFrame)
    #expect(descriptor.pictureID == 4711)
    #expect(descriptor.temporalLayerZeroIndex == 92)
    #expect(descriptor.temporalLayer == 3)
    #expect(descriptor.keyframeIndex == 27)
    var partition = try bytes("8320a0")[...]
    let later = try VP8Descriptor(parsing: &partition)
    #expect(later.partition == 3 && later.temporalLayer == 2 && !later.startsFrame)
  }
}
