import COpus
package import Foundations
import Glibc

/// Encodes speech and sound in Opus, 20 ms at a time, with the repetition in each packet (in-band
/// FEC) from which a lost one can be rebuilt.
///
/// Belongs to one thread or actor at a time.
package final class OpusSoundEncoder {
  private let encoder: OpaquePointer
  private var packet = [UInt8](repeating: 0, count: byteLimit)

  /// RFC 6716 §3.4: no frame is longer than 1,275 bytes.
  private static let byteLimit = 1275
  /// Of 0...10: half the processor time of 10 with no difference that speech shows.
  private static let complexity: Int32 = 5

  /// Percent of packets that are expected to be lost, 0...100: how much of each goes into the
  /// repetition of the one before. None would leave the repetition out.
  package var expectedLoss: Int {
    didSet {
      let percent = Int32(min(max(expectedLoss, 0), 100))
      _ = virtue_opus_encoder_set(encoder, virtue_opus_set_packet_loss, percent)
    }
  }

  package init(bitrate: Bitrate) throws(CodecFailure) {
    var result: Int32 = OPUS_OK
    let made = opus_encoder_create(
      Int32(SoundBlock.sampleRate), 1, OPUS_APPLICATION_VOIP, &result)
    guard let made, result == OPUS_OK else {
      throw .unavailable(String(cString: opus_strerror(result)))
    }
    encoder = made
    expectedLoss = 5
    // RFC 6716 §2.1.1: Opus works between 6 and 510 kbit/s.
    let bitsPerSecond = min(max(bitrate.bitsPerSecond, 6_000), 510_000)
    let settings: [(Int32, Int32)] = [
      (virtue_opus_set_bitrate, Int32(bitsPerSecond)),
      (virtue_opus_set_complexity, Self.complexity),
      (virtue_opus_set_inband_fec, 1),
      (virtue_opus_set_packet_loss, Int32(expectedLoss)),
      (virtue_opus_set_dtx, 0),
    ]
    for (request, value) in settings {
      _ = virtue_opus_encoder_set(encoder, request, value)
    }
  }

  deinit {
    opus_encoder_destroy(encoder)
  }

  /// - Throws: `.badData` for blocks of a length that Opus doesn't know (2.5 to 60 ms).
  package func encode(_ block: SoundBlock) throws(CodecFailure) -> EncodedSound {
    let count = opus_encode(
      encoder, block.samples, Int32(clamping: block.samples.count), &packet,
      Int32(Self.byteLimit))
    guard count > 0 else { throw .badData(String(cString: opus_strerror(count))) }
    return EncodedSound(
      bytes: Array(packet[..<Int(count)]), sampleCount: block.samples.count,
      level: SoundLevel.level(of: block.samples), captured: block.captured)
  }
}

/// Decodes Opus to 48 kHz mono, and fills in for packets that were lost.
///
/// Belongs to one thread or actor at a time.
package final class OpusSoundDecoder {
  private let decoder: OpaquePointer
  private var samples = [Int16](repeating: 0, count: sampleLimit)

  /// 120 ms, the longest packet (RFC 6716 §2.1.4).
  private static let sampleLimit = 5760
  /// 2.5 ms, the shortest frame: what is filled in is a multiple of it.
  private static let sampleStep = 120

  package init() throws(CodecFailure) {
    var result: Int32 = OPUS_OK
    let made = opus_decoder_create(Int32(SoundBlock.sampleRate), 1, &result)
    guard let made, result == OPUS_OK else {
      throw .unavailable(String(cString: opus_strerror(result)))
    }
    decoder = made
  }

  deinit {
    opus_decoder_destroy(decoder)
  }

  package func decode(_ packet: [UInt8]) throws(CodecFailure) -> [Int16] {
    guard !packet.isEmpty else { throw .badData("an empty packet") }
    let count = opus_decode(
      decoder, packet, Int32(clamping: packet.count), &samples, Int32(Self.sampleLimit), 0)
    guard count >= 0 else { throw .badData(String(cString: opus_strerror(count))) }
    return Array(samples[..<Int(count)])
  }

  /// Sound that continues what was heard last, for a packet that is lost for good.
  package func conceal(samples count: Int) -> [Int16] {
    let wanted = Self.whole(count)
    let made = opus_decode(decoder, nil, 0, &samples, Int32(wanted), 0)
    return Self.fitted(samples, made: made, to: count)
  }

  /// Rebuilds a lost packet from what the one after it repeats; conceals when it repeats nothing.
  package func recover(from next: [UInt8], samples count: Int) -> [Int16] {
    guard !next.isEmpty else { return conceal(samples: count) }
    let wanted = Self.whole(count)
    let made = opus_decode(
      decoder, next, Int32(clamping: next.count), &samples, Int32(wanted), 1)
    guard made >= 0 else { return conceal(samples: count) }
    return Self.fitted(samples, made: made, to: count)
  }

  private static func whole(_ count: Int) -> Int {
    min(max(count / sampleStep, 1) * sampleStep, sampleLimit)
  }

  private static func fitted(_ samples: [Int16], made: Int32, to count: Int) -> [Int16] {
    let wanted = min(max(count, 0), sampleLimit)
    let good = samples[..<min(Int(max(made, 0)), wanted)]
    return good + [Int16](repeating: 0, count: wanted - good.count)
  }
}

/// How loud a block is, as the header extension of RFC 6464 says it.
package enum SoundLevel {
  /// Minus the level in dBov of the block's mean power: 0 is a full-scale square wave, 127 silence.
  package static func level(of samples: [Int16]) -> UInt8 {
    guard !samples.isEmpty else { return 127 }
    let power = samples.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(samples.count)
    guard power > 0 else { return 127 }
    let decibels = 10 * log10(power / (32768 * 32768))
    return UInt8(min(max((-decibels).rounded(), 0), 127))
  }
}
