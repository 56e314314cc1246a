import Capture
import Codecs
import Foundations
import Glibc
import MediaSupport
import Testing

@Suite("Opus") struct SoundTests {
  private func tone(blocks: Int, seed: UInt64 = 0) -> [SoundBlock] {
    let source = ToneSource(seed: seed)
    return (0..<blocks).map {
      SoundBlock(samples: source.next(), captured: .zero + SoundBlock.duration * $0)
    }
  }

  @Test("A tone comes through with its pitch and its loudness", arguments: [0, 5, 11] as [UInt64])
  func roundTrip(seed: UInt64) throws {
    let encoder = try OpusSoundEncoder(bitrate: .kilobits(32))
    let decoder = try OpusSoundDecoder()
    var heard: [Int16] = []
    for block in tone(blocks: 50, seed: seed) {
      let packet = try encoder.encode(block)
      #expect(packet.sampleCount == 960)
      #expect(packet.captured == block.captured)
      // 20 log10(0.2 / √2) = −17.
      #expect(packet.level == 17)
      heard += try decoder.decode(packet.bytes)
    }
    #expect(heard.count == 50 * 960)
    let settled = Array(heard.dropFirst(9600))
    #expect(abs(pitch(settled) - ToneSource.frequency(seed: seed)) < 2)
    #expect((14...20).contains(SoundLevel.level(of: settled)))
  }

  @Test("The bitrate is kept")
  func bitrate() throws {
    let encoder = try OpusSoundEncoder(bitrate: .kilobits(24))
    let bytes = try tone(blocks: 100).map { try encoder.encode($0).bytes.count }.reduce(0, +)
    #expect((18_000...30_000).contains(bytes * 8 / 2))
  }

  @Test("A lost packet is rebuilt from the next, or its place is filled")
  func losses() throws {
    let encoder = try OpusSoundEncoder(bitrate: .kilobits(32))
    encoder.expectedLoss = 20
    let packets = try tone(blocks: 40).map { try encoder.encode($0).bytes }
    let decoder = try OpusSoundDecoder()
    var heard: [Int16] = []
    for (index, packet) in packets.enumerated() {
      switch index {
      case 20: heard += decoder.recover(from: packets[21], samples: 960)
      case 30: heard += decoder.conceal(samples: 960)
      case _: heard += try decoder.decode(packet)
      }
    }
    #expect(heard.count == 40 * 960)
    for lost in [20, 30] {
      #expect(SoundLevel.level(of: Array(heard[lost * 960..<(lost + 1) * 960])) < 30)
    }
  }

  @Test("What is asked for is what comes, whatever the length")
  func lengths() throws {
    let decoder = try OpusSoundDecoder()
    for count in [0, 1, 119, 120, 960, 1000, 5760] {
      #expect(decoder.conceal(samples: count).count == count)
      #expect(decoder.recover(from: [], samples: count).count == count)
    }
  }

  @Test("Levels are those of RFC 6464")
  func levels() {
    #expect(SoundLevel.level(of: []) == 127)
    #expect(SoundLevel.level(of: [0, 0, 0]) == 127)
    #expect(SoundLevel.level(of: [.min, .min]) == 0)
    #expect(SoundLevel.level(of: [.max, .min]) == 0)
    #expect(SoundLevel.level(of: [3277, -3277]) == 20)
    #expect(SoundLevel.level(of: [1, -1]) == 90)
  }

  @Test("A block of an impossible length is refused")
  func badBlocks() throws {
    let encoder = try OpusSoundEncoder(bitrate: .kilobits(32))
    for count in [0, 7, 100_000] {
      let block = SoundBlock(samples: [Int16](repeating: 0, count: count), captured: .zero)
      #expect(throws: CodecFailure.self) { try encoder.encode(block) }
    }
  }

  @Test("Garbage is refused or decoded to something, and never crashes")
  func garbage() throws {
    let encoder = try OpusSoundEncoder(bitrate: .kilobits(32))
    let packets = try tone(blocks: 10).map { try encoder.encode($0).bytes }
    let decoder = try OpusSoundDecoder()
    #expect(throws: CodecFailure.self) { try decoder.decode([]) }
    var generator = SeededGenerator(seed: 9)
    for round in 0..<500 {
      let bytes = packets[round % packets.count].mutated(&generator)
      if let samples = try? decoder.decode(bytes) { #expect(samples.count <= 5760) }
      #expect(decoder.recover(from: bytes, samples: 960).count == 960)
    }
  }
}
