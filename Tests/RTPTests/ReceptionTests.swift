import Foundations
import Testing

@testable import RTP

@Suite("Reception statistics")
struct ReceptionTests {
  private func statistics(from number: UInt16) -> ReceptionStatistics {
    ReceptionStatistics(
      first: videoPacket(number, payload: [1]), clockRate: 90_000, at: .zero)
  }

  @Test("count on through a wrap of the sequence numbers")
  func wrap() {
    var statistics = statistics(from: 65_534)
    let places = [65_535, 0, 2, 1].map {
      statistics.receive(videoPacket(UInt16($0), payload: [1]), at: .zero)
    }
    #expect(
      places == [
        .newest(65_535, missing: 65_535..<65_535), .newest(65_536, missing: 65_536..<65_536),
        .newest(65_538, missing: 65_537..<65_538), .older(65_537),
      ])
    #expect(statistics.highest == 0x1_0002)
    #expect(statistics.lost == 0)
  }

  @Test("take what comes from before the first packet, even across zero")
  func beforeFirst() {
    var statistics = statistics(from: 0)
    #expect(statistics.receive(videoPacket(65_535, payload: [1]), at: .zero) == .older(-1))
  }

  @Test("ignore one packet far away, and take two in a row for a restart (RFC 3550 §A.1)")
  func restart() {
    var statistics = statistics(from: 100)
    #expect(statistics.receive(videoPacket(30_000, payload: [1]), at: .zero) == .astray)
    #expect(
      statistics.receive(videoPacket(101, payload: [1]), at: .zero)
        == .newest(101, missing: 101..<101))
    #expect(statistics.receive(videoPacket(40_000, payload: [1]), at: .zero) == .astray)
    #expect(statistics.receive(videoPacket(40_001, payload: [1]), at: .zero) == .restarted(40_001))
    #expect(statistics.received == 1)
  }

  @Test("tell the fraction lost since they were last asked (RFC 3550 §A.3)")
  func fraction() {
    var statistics = statistics(from: 0)
    for number in 1..<100 where !number.isMultiple(of: 4) {
      _ = statistics.receive(videoPacket(UInt16(number), payload: [1]), at: .zero)
    }
    let first = statistics.takeInterval()
    #expect(first.fractionLost == UInt8(24 * 256 / 100))
    #expect(statistics.lost == 24)
    for number in 100..<200 {
      _ = statistics.receive(videoPacket(UInt16(number), payload: [1]), at: .zero)
    }
    #expect(statistics.takeInterval() == (100, 0))
    // Everything twice: negative loss counts as none.
    for number in 150..<200 {
      _ = statistics.receive(videoPacket(UInt16(number), payload: [1]), at: .zero)
    }
    #expect(statistics.takeInterval().fractionLost == 0)
    #expect(statistics.lost < 0)
  }

  @Test("find no jitter in packets at even intervals, across a wrap of the timestamp")
  func noJitter() {
    var statistics = ReceptionStatistics(
      first: videoPacket(0, timestamp: .max - 30_000, payload: [1]), clockRate: 90_000, at: .zero)
    for number in 1..<100 {
      let packet = videoPacket(
        UInt16(number), timestamp: (UInt32.max - 30_000) &+ UInt32(number) * 3000, payload: [1])
      _ = statistics.receive(
        packet, at: Moment(nanoseconds: Int64(number) * 100_000_000 / 3))
    }
    #expect(statistics.jitterTicks <= 1)
  }

  @Test("approach the mean difference of transit times (RFC 3550 §6.4.1)")
  func jitter() {
    var statistics = statistics(from: 0)
    // Every second packet is 10 ms late: the difference is always 10 ms.
    for number in 1..<500 {
      let packet = videoPacket(UInt16(number), timestamp: UInt32(number) * 1800, payload: [1])
      let late = number.isMultiple(of: 2) ? 0.0 : 10
      _ = statistics.receive(packet, at: .milliseconds(Double(number) * 20 + late))
    }
    #expect(abs(statistics.jitter.milliseconds - 10) < 0.5)
  }
}

@Suite("A remote source")
struct RemoteSourceTests {
  @Test("is replaced by a new stream of the same payload type, whose predecessor can't come back")
  func replaced() {
    var source = RemoteSource(TrackSettings(payloadType: PayloadType(96)), clockRate: 90_000)
    #expect(source.receive(videoPacket(5, ssrc: 1, payload: [1]), at: .zero) == .first(5))
    #expect(source.receive(videoPacket(900, ssrc: 2, payload: [1]), at: .zero) == .first(900))
    #expect(source.receive(videoPacket(6, ssrc: 1, payload: [1]), at: .zero) == .refused)
    #expect(source.ssrc == SSRC(2))
    #expect(source.received == 2)
    #expect(source.receive(videoPacket(7, ssrc: 1, payload: [1]), at: .seconds(3)) == .first(7))
  }

  @Test("reports the sender's last report and the time since")
  func block() throws {
    var source = RemoteSource(TrackSettings(payloadType: PayloadType(96)), clockRate: 90_000)
    #expect(source.makeReportBlock(at: .zero) == nil)
    _ = source.receive(videoPacket(5, ssrc: 1, payload: [1]), at: .zero)
    let report = SenderReport(
      sender: SSRC(1), time: NTPTime(rawValue: 0x0000_1111_2222_0000), timestamp: 0,
      packetCount: 1, octetCount: 1)
    source.receive(report, at: .seconds(1))
    let made = source.makeReportBlock(at: .seconds(3.5))
    let block = try #require(made)
    #expect(block.lastReport == 0x1111_2222)
    #expect(block.delaySinceLastReport == 5 * 32_768)
    #expect(block.highestSequence == 5)
    // Nothing has come since.
    #expect(source.makeReportBlock(at: .seconds(4)) == nil)
  }
}
