package import Foundations

/// Where sound goes to.
package enum SpeakerSpec: Hashable, Sendable {
  case none
  /// A WAV file.
  case file(String)

  /// Reads `none` or `file:PATH`.
  package init(_ text: String) throws(Failure) {
    let prefix = "file:"
    if text == "none" {
      self = .none
    } else if text.hasPrefix(prefix), text.count > prefix.count {
      self = .file(String(text.dropFirst(prefix.count)))
    } else {
      throw Failure(
        "unknown-speaker", exit: .usage,
        "“\(DisplayText.line(text, limit: 80))” is no speaker that can be used: give "
          + "“file:OUT.wav” or “none”; sound devices are not supported yet.")
    }
  }
}

/// Adds up what several people say at once.
package enum SoundMixer {
  /// The sum of `blocks`, sample by sample; where it is too loud it stays at the loudest. Short
  /// blocks end in silence.
  package static func mix(
    _ blocks: [[Int16]], samples count: Int = SoundBlock.samplesPerBlock
  ) -> [Int16] {
    var sums = [Int32](repeating: 0, count: count)
    for block in blocks {
      for index in 0..<min(block.count, count) { sums[index] &+= Int32(block[index]) }
    }
    return sums.map { Int16(clamping: $0) }
  }
}
