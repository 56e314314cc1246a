package import Foundations

/// Writes 48 kHz mono sound into a WAV file, whose header is right at any moment, to the second.
///
/// Belongs to one thread or actor at a time.
package final class WAVWriter {
  private let file: OutputFile
  private var pending: [UInt8] = []
  private var failure: Failure?
  private var isFinished = false

  private static let headerSize = 44
  /// Bytes in a second: written at once.
  private static let chunk = SoundBlock.sampleRate * 2
  /// Bytes of sound that the header's 32 bits can tell of: twelve hours.
  private static let soundLimit = Int(UInt32.max) - headerSize

  package init(path: String) throws(Failure) {
    file = try OutputFile(path: path)
    do throws(Failure) {
      try file.append(Self.header(soundSize: 0))
    } catch {
      // There is nothing for `deinit` to finish.
      isFinished = true
      throw error
    }
  }

  deinit {
    try? finish()
  }

  /// - Throws: "disk-full" or "cannot-write", and then again for each later call.
  package func write(_ samples: [Int16]) throws(Failure) {
    if let failure { throw failure }
    guard !isFinished else { return }
    for sample in samples {
      let bits = UInt16(bitPattern: sample)
      pending.append(UInt8(bits & 0xFF))
      pending.append(UInt8(bits >> 8))
    }
    if pending.count >= Self.chunk { try flush() }
  }

  /// Writes what is left. Nothing can be written afterwards.
  package func finish() throws(Failure) {
    guard !isFinished else { return }
    isFinished = true
    if failure == nil { try flush() }
  }

  private func flush() throws(Failure) {
    do throws(Failure) {
      let soundSize = file.size - Self.headerSize + pending.count
      guard soundSize <= Self.soundLimit else {
        throw Failure(
          "sound-too-long", exit: .inputOutput,
          "A WAV file holds twelve hours of sound, and this one is full.")
      }
      try file.append(pending)
      pending.removeAll(keepingCapacity: true)
      try file.patch(Self.header(soundSize: soundSize), at: 0)
    } catch {
      pending = []
      failure = error
      throw error
    }
  }

  /// PCM, one channel, 16 bits (IBM and Microsoft, "Multimedia programming interface and data
  /// specifications 1.0", 1991).
  private static func header(soundSize: Int) -> [UInt8] {
    func number(_ value: Int, _ width: Int) -> [UInt8] {
      (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let rate = SoundBlock.sampleRate
    return Array("RIFF".utf8) + number(headerSize - 8 + soundSize, 4) + Array("WAVEfmt ".utf8)
      + number(16, 4) + number(1, 2) + number(1, 2) + number(rate, 4) + number(rate * 2, 4)
      + number(2, 2) + number(16, 2) + Array("data".utf8) + number(soundSize, 4)
  }
}
