package import Foundations

/// A WAV file as a microphone: any rate and number of channels, brought to 48 kHz mono, in a loop.
package final class WAVSource: SoundSource {
  private let file: InputFile
  private let format: WAVFormat
  private var resampler: Resampler
  /// Frames read so far in this round.
  private var frame = 0

  /// Frames read from the file at a time.
  private static let chunk = 4096

  package init(path: String) throws(Failure) {
    file = try InputFile(path: path)
    format = try WAVFormat(file)
    resampler = Resampler(from: format.sampleRate, to: SoundBlock.sampleRate)
  }

  package var defect: Failure? {
    format.isCutShort ? .damagedFile(file.path, "ends before the sound in it does") : nil
  }

  package func next() throws(Failure) -> [Int16] {
    while resampler.available < SoundBlock.samplesPerBlock {
      resampler.append(try read())
    }
    return resampler.take(SoundBlock.samplesPerBlock).map { value in
      Int16(min(max((value * 32768).rounded(), -32768), 32767))
    }
  }

  /// The next frames, each the mean of its channels, in −1...1.
  private func read() throws(Failure) -> [Float] {
    if frame >= format.frameCount { frame = 0 }
    let count = min(Self.chunk, format.frameCount - frame)
    let bytes = file.read(
      at: format.start + frame * format.frameSize, count: count * format.frameSize)
    let whole = bytes.count / format.frameSize
    guard whole > 0 else {
      throw .badSound(file.path, "it has been changed or cut while it played")
    }
    frame = whole < count ? format.frameCount : frame + whole
    let size = format.sample.byteCount
    return (0..<whole).map { frame in
      var sum: Float = 0
      for channel in 0..<format.channels {
        let start = frame * format.frameSize + channel * size
        sum += format.sample.value(bytes[start..<start + size])
      }
      return sum / Float(format.channels)
    }
  }
}

/// The header of a WAV file (IBM and Microsoft, "Multimedia programming interface and data
/// specifications 1.0", 1991; `WAVE_FORMAT_EXTENSIBLE`).
struct WAVFormat {
  let sample: SampleFormat
  let channels: Int
  let sampleRate: Int
  /// Where the samples begin.
  let start: Int
  /// Whole frames, a sample for each channel, that are really there.
  let frameCount: Int
  /// Whether the header tells of more than is there.
  let isCutShort: Bool

  var frameSize: Int { sample.byteCount * channels }

  private static let unknownSize = 0x7FFF_0000
  /// Chunks looked at before the sound has to begin.
  private static let chunkLimit = 64

  init(_ file: InputFile) throws(Failure) {
    let start = file.read(at: 0, count: 12)
    guard start.count == 12, start.starts(with: Array("RIFF".utf8)),
      start[8...].starts(with: Array("WAVE".utf8))
    else { throw .badSound(file.path, "it is no WAV file") }
    var offset = 12
    var format: (sample: SampleFormat, channels: Int, rate: Int)?
    for _ in 0..<Self.chunkLimit {
      let header = file.read(at: offset, count: 8)
      guard header.count == 8 else { break }
      let size = Self.number(header[4..<8])
      let body = offset + 8
      if header.starts(with: Array("fmt ".utf8)) {
        format = try Self.format(file.read(at: body, count: min(size, 64)), file.path)
      } else if header.starts(with: Array("data".utf8)) {
        guard let format else { throw .badSound(file.path, "its header has no format") }
        (sample, channels, sampleRate) = format
        self.start = body
        // A file that is still being written, or was cut, says more or less than is there.
        let there = file.size - body
        // Programs that write to a pipe say zero, or the largest size there is.
        let isUnknown = size == 0 || size >= Self.unknownSize
        let stated = isUnknown ? there : min(size, there)
        isCutShort = !isUnknown && size > there
        frameCount = stated / (sample.byteCount * channels)
        guard frameCount > 0 else { throw .badSound(file.path, "there is no sound in it") }
        return
      }
      // Chunks begin at even offsets.
      offset = body + size + size % 2
    }
    throw .badSound(file.path, "it is cut short before the sound begins")
  }

  private static func format(
    _ bytes: [UInt8], _ path: String
  ) throws(Failure) -> (sample: SampleFormat, channels: Int, rate: Int) {
    guard bytes.count >= 16 else { throw .badSound(path, "its header is cut short") }
    var tag = number(bytes[0..<2])
    // WAVE_FORMAT_EXTENSIBLE: the real tag begins the GUID.
    if tag == 0xFFFE, bytes.count >= 26 { tag = number(bytes[24..<26]) }
    let channels = number(bytes[2..<4])
    let rate = number(bytes[4..<8])
    guard let sample = SampleFormat(tag: tag, bits: number(bytes[14..<16])) else {
      throw .badSound(path, "its samples are neither plain PCM nor floating point")
    }
    guard (1...32).contains(channels), (4_000...384_000).contains(rate) else {
      throw .badSound(path, "it has \(channels) channels at \(rate) Hz")
    }
    return (sample, channels, rate)
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
  }
}

/// How a sample is stored, little-endian.
enum SampleFormat {
  case unsigned8
  case signed16
  case signed24
  case signed32
  case float32
  case float64

  /// - Parameter tag: 1 is PCM, 3 is floating point.
  init?(tag: Int, bits: Int) {
    switch (tag, bits) {
    case (1, 8): self = .unsigned8
    case (1, 16): self = .signed16
    case (1, 24): self = .signed24
    case (1, 32): self = .signed32
    case (3, 32): self = .float32
    case (3, 64): self = .float64
    case _: return nil
    }
  }

  var byteCount: Int {
    switch self {
    case .unsigned8: 1
    case .signed16: 2
    case .signed24: 3
    case .signed32, .float32: 4
    case .float64: 8
    }
  }

  /// The sample in −1...1; 0 for what is no number.
  func value(_ bytes: ArraySlice<UInt8>) -> Float {
    let bits = bytes.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    switch self {
    case .unsigned8: return (Float(bits) - 128) / 128
    case .signed16: return Float(Int16(truncatingIfNeeded: bits)) / 32768
    case .signed24: return Float(Int32(truncatingIfNeeded: bits << 8)) / 2_147_483_648
    case .signed32: return Float(Int32(truncatingIfNeeded: bits)) / 2_147_483_648
    case .float32: return Self.tamed(Float(bitPattern: UInt32(bits)))
    case .float64: return Self.tamed(Float(Double(bitPattern: bits)))
    }
  }

  private static func tamed(_ value: Float) -> Float {
    value.isFinite ? min(max(value, -1), 1) : 0
  }
}
