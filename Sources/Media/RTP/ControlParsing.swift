import Foundations

extension ControlPacket {
  /// All packets of a compound (RFC 3550 §6.1). Reduced-size ones, that begin with feedback (RFC
  /// 5506), are taken as well.
  package static func parse(compound bytes: [UInt8]) throws(PacketError) -> [ControlPacket] {
    var packets: [ControlPacket] = []
    var reader = ByteReader(bytes[...])
    repeat {
      //  0                   1                   2                   3
      //  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
      // |V=2|P|  count  |     type      |    32-bit words that follow   |
      let first = try reader.uint8()
      guard first >> 6 == 2 else { throw .wrongVersion }
      let type = try reader.uint8()
      let words = try reader.uint16()
      var body = try reader.bytes(Int(words) * 4)
      if first & 0x20 != 0 {
        guard let padding = body.last, padding > 0, Int(padding) <= body.count else {
          throw .malformed
        }
        body = body.dropLast(Int(padding))
      }
      packets.append(try ControlPacket(type: type, count: first & 0x1F, body: body))
    } while !reader.isAtEnd
    return packets
  }

  private init(type: UInt8, count: UInt8, body: ArraySlice<UInt8>) throws(PacketError) {
    var reader = ByteReader(body)
    switch type {
    case ControlType.senderReport:
      self = .senderReport(try SenderReport(from: &reader, blocks: Int(count)))
    case ControlType.receiverReport:
      let sender = SSRC(try reader.uint32())
      let blocks = try ReportBlock.list(from: &reader, count: Int(count))
      self = .receiverReport(ReceiverReport(sender: sender, blocks: blocks))
    case ControlType.sourceDescription:
      // Some write several chunks without aligning them (aiortc 1.x); the reports beside them count.
      let chunks = try? SourceDescription.list(from: &reader, count: Int(count))
      self = chunks.map { .sourceDescription($0) } ?? .other(type: type)
    case ControlType.goodbye:
      var sources: [SSRC] = []
      for _ in 0..<count { sources.append(SSRC(try reader.uint32())) }
      self = .goodbye(sources)
    case ControlType.transportFeedback where count == ControlType.nack:
      self = try .retransmissionRequest(from: &reader)
    case ControlType.payloadFeedback where count == ControlType.pictureLoss:
      self = .pictureLossIndication(
        sender: SSRC(try reader.uint32()), media: SSRC(try reader.uint32()))
    case ControlType.payloadFeedback where count == ControlType.fullIntra:
      self = try .fullIntraRequest(from: &reader)
    case ControlType.payloadFeedback where count == ControlType.applicationLayer:
      self = try .applicationLayer(from: &reader)
    case _:
      self = .other(type: type)
    }
  }

  private static func retransmissionRequest(
    from reader: inout ByteReader
  ) throws(PacketError) -> ControlPacket {
    let sender = SSRC(try reader.uint32())
    let media = SSRC(try reader.uint32())
    var missing: [SequenceNumber] = []
    while !reader.isAtEnd {
      // RFC 4585 §6.2.1: a packet's number, then a mask of the 16 that follow it.
      let first = SequenceNumber(try reader.uint16())
      let following = try reader.uint16()
      missing.append(first)
      for bit in 0..<16 where following & (1 << bit) != 0 {
        missing.append(first.advanced(by: bit + 1))
      }
    }
    return .retransmissionRequest(sender: sender, media: media, missing: missing)
  }

  private static func fullIntraRequest(
    from reader: inout ByteReader
  ) throws(PacketError) -> ControlPacket {
    let sender = SSRC(try reader.uint32())
    // The media source of the common header is unused (RFC 5104 §4.3.1.2).
    _ = try reader.uint32()
    var entries: [FullIntraEntry] = []
    while !reader.isAtEnd {
      let media = SSRC(try reader.uint32())
      let number = try reader.uint8()
      _ = try reader.bytes(3)
      entries.append(FullIntraEntry(media: media, number: number))
    }
    return .fullIntraRequest(sender: sender, entries: entries)
  }

  private static func applicationLayer(
    from reader: inout ByteReader
  ) throws(PacketError) -> ControlPacket {
    let sender = SSRC(try reader.uint32())
    _ = try reader.uint32()
    guard let name = try? reader.bytes(4), name.elementsEqual("REMB".utf8) else {
      return .other(type: ControlType.payloadFeedback)
    }
    // | Num SSRC | 6 bits of exponent | 18 bits of mantissa |
    _ = try reader.uint8()
    let rate = try reader.uint24()
    let exponent = Int(rate >> 18)
    let mantissa = Int(rate & 0x3FFFF)
    // A larger exponent than 40 would leave an `Int`; no wire is that fast.
    guard exponent <= 40 else { throw .malformed }
    return .bitrateEstimate(sender: sender, Bitrate(bitsPerSecond: mantissa << exponent))
  }
}

extension SenderReport {
  fileprivate init(from reader: inout ByteReader, blocks count: Int) throws(PacketError) {
    sender = SSRC(try reader.uint32())
    time = NTPTime(rawValue: UInt64(try reader.uint32()) << 32 | UInt64(try reader.uint32()))
    timestamp = try reader.uint32()
    packetCount = try reader.uint32()
    octetCount = try reader.uint32()
    blocks = try ReportBlock.list(from: &reader, count: count)
  }
}

extension ReportBlock {
  fileprivate static func list(
    from reader: inout ByteReader, count: Int
  ) throws(PacketError) -> [ReportBlock] {
    var blocks: [ReportBlock] = []
    for _ in 0..<count { blocks.append(try ReportBlock(from: &reader)) }
    return blocks
  }

  private init(from reader: inout ByteReader) throws(PacketError) {
    source = SSRC(try reader.uint32())
    fractionLost = try reader.uint8()
    // 24 bits in two's complement.
    cumulativeLost = Int32(bitPattern: try reader.uint24() << 8) >> 8
    highestSequence = try reader.uint32()
    jitter = try reader.uint32()
    lastReport = try reader.uint32()
    delaySinceLastReport = try reader.uint32()
  }
}

extension SourceDescription {
  fileprivate static func list(
    from reader: inout ByteReader, count: Int
  ) throws(PacketError) -> [SourceDescription] {
    var chunks: [SourceDescription] = []
    for _ in 0..<count { chunks.append(try SourceDescription(from: &reader)) }
    return chunks
  }

  /// RFC 3550 §6.5: items until a zero byte, which is repeated up to the next 32-bit boundary.
  private init(from reader: inout ByteReader) throws(PacketError) {
    source = SSRC(try reader.uint32())
    cname = ""
    var length = 0
    while true {
      let item = try reader.uint8()
      length += 1
      guard item != 0 else { break }
      let count = Int(try reader.uint8())
      let text = try reader.bytes(count)
      length += 1 + count
      if item == ControlType.cnameItem { cname = String(decoding: text, as: UTF8.self) }
    }
    _ = try reader.bytes((4 - length % 4) % 4)
  }
}
