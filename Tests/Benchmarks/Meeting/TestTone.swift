import Foundation
import Foundations
import MediaSupport
import Playback

/// A pure tone as a WAV file, and what is left of it elsewhere.
struct TestTone {
  let pitch: Double

  /// A second of it, which loops without a click when the pitch is a whole number.
  func write(to path: String) throws {
    let writer = try WAVWriter(path: path)
    let rate = Double(SoundBlock.sampleRate)
    try writer.write(
      (0..<SoundBlock.sampleRate).map { Int16(8000 * sin(2 * .pi * pitch * Double($0) / rate)) })
    try writer.finish()
  }

  static func samples(of path: String) throws -> [Int16] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path)).dropFirst(44)
    return data.withUnsafeBytes { bytes in
      (0..<bytes.count / 2).map {
        Int16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * $0, as: Int16.self))
      }
    }
  }

  struct Heard {
    var pitch = 0.0
    /// Milliseconds.
    var longestGap = 0.0
    /// From the first to the last sound.
    var seconds = 0.0

    /// What is below a tenth of the tone's amplitude for 5 ms is silence.
    init(of samples: [Int16]) {
      let block = SoundBlock.sampleRate / 200
      let loud = stride(from: 0, to: samples.count - block, by: block).map { start in
        samples[start..<start + block].contains { $0.magnitude > 800 }
      }
      guard let first = loud.firstIndex(of: true), let last = loud.lastIndex(of: true) else {
        return
      }
      var gap = 0
      for isLoud in loud[first...last] {
        gap = isLoud ? 0 : gap + 1
        longestGap = max(longestGap, Double(gap) * 5)
      }
      seconds = Double(last - first) * 0.005
      pitch = MediaSupport.pitch(Array(samples[(first * block)..<(last * block)]))
    }
  }
}
