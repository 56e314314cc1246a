import Foundations
import Testing

@testable import RTP

@Suite("A frame assembler")
struct FrameAssemblerTests {
  private var assembler = FrameAssembler(first: 100)
  private var pictures: [ReceivedPicture] = []

  private mutating func insert(_ packet: RTPPacket, at index: Int? = nil) {
    _ = assembler.insert(
      packet, at: index ?? Int(packet.sequenceNumber.rawValue), now: .zero, into: &pictures)
  }

  private func frame(
    _ number: Int, key: Bool = false, length: Int = 3000, marked: Bool = true
  ) -> [RTPPacket] {
    let picture = MadeUpVideo.picture(number, isKeyframe: key, length: length, at: .zero)
    // Three packets a frame.
    return packets(
      of: picture, from: UInt16(100 + number * 3), timestamp: UInt32(number) * 3000,
      marked: marked)
  }

  private var numbers: [Int] { pictures.map { MadeUpVideo.number(of: $0.bytes) } }

  @Test("hands frames on as their last packet comes")
  mutating func inOrder() {
    for packet in frame(0, key: true) { insert(packet) }
    #expect(numbers == [0])
    let second = frame(1)
    insert(second[0])
    insert(second[1])
    #expect(numbers == [0])
    insert(second[2])
    #expect(numbers == [0, 1])
    #expect(pictures[1].bytes == MadeUpVideo.bytes(1, isKeyframe: false, length: 3000))
    #expect(pictures[1].width == 1280)
  }

  @Test("puts packets in any order right", arguments: 0..<20 as Range<UInt64>)
  mutating func anyOrder(seed: UInt64) {
    var chance = SeededGenerator(seed: seed)
    var all = frame(0, key: true) + frame(1) + frame(2) + frame(3)
    all.shuffle(using: &chance)
    for packet in all { insert(packet) }
    #expect(numbers == [0, 1, 2, 3])
  }

  @Test("ends a frame without a marker where the next begins")
  mutating func noMarker() {
    for packet in frame(0, key: true, marked: false) { insert(packet) }
    #expect(numbers == [])
    insert(frame(1)[0])
    #expect(numbers == [0])
  }

  @Test("hands nothing on before a keyframe, nor after a loss until the next")
  mutating func keyframes() {
    for packet in frame(0) { insert(packet) }
    #expect(assembler.needsKeyframe)
    for packet in frame(1, key: true) { insert(packet) }
    #expect(!assembler.needsKeyframe)
    for packet in frame(2).dropFirst() { insert(packet) }
    for packet in frame(3) { insert(packet) }
    #expect(numbers == [1])
    assembler.lose(106)
    #expect(assembler.needsKeyframe)
    for packet in frame(4) { insert(packet) }
    for packet in frame(5, key: true) + frame(6) { insert(packet) }
    #expect(numbers == [1, 5, 6])
    // Frame 2 had lost its beginning, and isn't known to have begun.
    #expect(assembler.dropped == 3)
  }

  @Test("jumps to a whole keyframe over a hole that may still be filled")
  mutating func jump() {
    for packet in frame(0, key: true) + frame(1).dropLast() { insert(packet) }
    for packet in frame(2, key: true) { insert(packet) }
    #expect(numbers == [0, 2])
    insert(frame(1)[2])
    #expect(numbers == [0, 2])
    #expect(assembler.floor == 109)
  }

  @Test("goes on from the first of several keyframes that is whole")
  mutating func candidates() {
    let first = frame(1, key: true)
    let second = frame(2, key: true)
    insert(first[0])
    insert(second[0])
    insert(second[1])
    insert(second[2])
    #expect(numbers == [2])
    insert(first[1])
    insert(first[2])
    #expect(numbers == [2])
  }

  @Test("passes over packets without content, between and within frames")
  mutating func padding() {
    for packet in frame(0, key: true) { insert(packet) }
    insert(videoPacket(103, timestamp: 0, payload: []))
    insert(videoPacket(104, timestamp: 0, payload: []))
    for packet in frame(1) { insert(packet, at: Int(packet.sequenceNumber.rawValue) + 2) }
    #expect(numbers == [0, 1])
  }

  @Test("knows a packet that it had")
  mutating func duplicates() {
    let packet = frame(0, key: true)[0]
    #expect(assembler.insert(packet, at: 100, now: .zero, into: &pictures) == .stored)
    #expect(assembler.insert(packet, at: 100, now: .zero, into: &pictures) == .unneeded)
    for packet in frame(0, key: true).dropFirst() { insert(packet) }
    #expect(assembler.insert(packet, at: 100, now: .zero, into: &pictures) == .unneeded)
  }

  @Test("drops a keyframe that isn't one, and a frame whose timestamps differ")
  mutating func broken() {
    var bytes = MadeUpVideo.bytes(0, isKeyframe: true, length: 100)
    bytes[3] = 0
    insert(videoPacket(100, marker: true, payload: [0x10] + bytes))
    #expect(pictures.isEmpty && assembler.needsKeyframe)
    for packet in frame(1, key: true) { insert(packet) }
    var second = frame(2)
    second[1].timestamp += 1
    for packet in second { insert(packet) }
    #expect(numbers == [1])
    #expect(assembler.needsKeyframe)
  }

  @Test("gives up a frame that is larger than it holds")
  mutating func tooLarge() {
    for packet in frame(0, key: true) { insert(packet) }
    insert(videoPacket(103, timestamp: 1, payload: [0x10, 0x11, 0, 0]))
    for index in 104..<104 + FrameAssembler.capacity {
      insert(videoPacket(UInt16(index), timestamp: 1, payload: [0, 1]), at: index)
    }
    #expect(assembler.needsKeyframe)
    #expect(numbers == [0])
  }
}
