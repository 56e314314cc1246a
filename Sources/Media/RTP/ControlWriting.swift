import Foundations

extension ControlPacket {
  /// One datagram of `packets`. By RFC 3550 §6.1 the first must be a report and the second a
  /// description with a CNAME; that is the caller's part.
  package static func bytes(ofCompound packets: [ControlPacket]) -> [UInt8] {
    var bytes: [UInt8] = []
    for packet in packets { packet.append(to: &bytes) }
    return bytes
  }

  /// How many report blocks or chunks one packet's five-bit count can tell.
  static let maximumCount = 31

  private func append(to bytes: inout [UInt8]) {
    let start = bytes.count
    // The header's count and length are known at the end.
    bytes += [0x80, 0, 0, 0]
    let (type, count) = appendBody(to: &bytes)
    let words = (bytes.count - start) / 4 - 1
    bytes[start] |= count
    bytes[start + 1] = type
    bytes[start + 2] = UInt8(truncatingIfNeeded: words >> 8)
    bytes[start + 3] = UInt8(truncatingIfNeeded: words)
  }

  private func appendBody(to bytes: inout [UInt8]) -> (type: UInt8, count: UInt8) {
    switch self {
    case .senderReport(let report):
      bytes.append(uint32: report.sender.rawValue)
      bytes.append(uint32: UInt32(truncatingIfNeeded: report.time.rawValue >> 32))
      bytes.append(uint32: UInt32(truncatingIfNeeded: report.time.rawValue))
      bytes.append(uint32: report.timestamp)
      bytes.append(uint32: report.packetCount)
      bytes.append(uint32: report.octetCount)
      return (ControlType.senderReport, Self.append(report.blocks, to: &bytes))
    case .receiverReport(let report):
      bytes.append(uint32: report.sender.rawValue)
      return (ControlType.receiverReport, Self.append(report.blocks, to: &bytes))
    case .sourceDescription(let chunks):
      for chunk in chunks.prefix(Self.maximumCount) { chunk.append(to: &bytes) }
      return (ControlType.sourceDescription, UInt8(min(chunks.count, Self.maximumCount)))
    case .goodbye(let sources):
      for source in sources.prefix(Self.maximumCount) { bytes.append(uint32: source.rawValue) }
      return (ControlType.goodbye, UInt8(min(sources.count, Self.maximumCount)))
    case .retransmissionRequest(let sender, let media, let missing):
      bytes.append(uint32: sender.rawValue)
      bytes.append(uint32: media.rawValue)
      Self.append(missing: missing, to: &bytes)
      return (ControlType.transportFeedback, ControlType.nack)
    case .pictureLossIndication(let sender, let media):
      bytes.append(uint32: sender.rawValue)
      bytes.append(uint32: media.rawValue)
      return (ControlType.payloadFeedback, ControlType.pictureLoss)
    case .fullIntraRequest(let sender, let entries):
      bytes.append(uint32: sender.rawValue)
      bytes.append(uint32: 0)
      for entry in entries {
        bytes.append(uint32: entry.media.rawValue)
        bytes += [entry.number, 0, 0, 0]
      }
      return (ControlType.payloadFeedback, ControlType.fullIntra)
    case .bitrateEstimate(let sender, let rate):
      bytes.append(uint32: sender.rawValue)
      bytes.append(uint32: 0)
      bytes += Array("REMB".utf8)
      let bits = max(rate.bitsPerSecond, 0)
      let exponent = max(0, Int.bitWidth - bits.leadingZeroBitCount - 18)
      bytes.append(0)
      bytes.append(uint24: UInt32(exponent) << 18 | UInt32(bits >> exponent))
      return (ControlType.payloadFeedback, ControlType.applicationLayer)
    case .other(let type):
      return (type, 0)
    }
  }

  private static func append(_ blocks: [ReportBlock], to bytes: inout [UInt8]) -> UInt8 {
    for block in blocks.prefix(maximumCount) {
      bytes.append(uint32: block.source.rawValue)
      bytes.append(block.fractionLost)
      bytes.append(uint24: UInt32(bitPattern: block.cumulativeLost) & 0xFF_FFFF)
      bytes.append(uint32: block.highestSequence)
      bytes.append(uint32: block.jitter)
      bytes.append(uint32: block.lastReport)
      bytes.append(uint32: block.delaySinceLastReport)
    }
    return UInt8(min(blocks.count, maximumCount))
  }

  /// - Parameter missing: in rising order; each entry covers 17 successive numbers.
  private static func append(missing: [SequenceNumber], to bytes: inout [UInt8]) {
    var index = 0
    while index < missing.count {
      let first = missing[index]
      var mask: UInt16 = 0
      index += 1
      while index < missing.count {
        let distance = missing[index].distance(from: first)
        guard (1...16).contains(distance) else { break }
        mask |= 1 << (distance - 1)
        index += 1
      }
      bytes.append(uint16: first.rawValue)
      bytes.append(uint16: mask)
    }
  }
}

extension SourceDescription {
  fileprivate func append(to bytes: inout [UInt8]) {
    bytes.append(uint32: source.rawValue)
    let name = Array(cname.utf8.prefix(255))
    bytes += [ControlType.cnameItem, UInt8(name.count)] + name
    // At least one zero ends the list of items.
    bytes += repeatElement(0, count: 4 - (2 + name.count) % 4)
  }
}
