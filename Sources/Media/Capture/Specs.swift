package import Foundations

/// Where pictures come from.
package enum CameraSpec: Hashable, Sendable {
  case none
  /// A moving picture that the program makes itself. The seed picks its colours, so that who knows it
  /// can make the same picture again and compare; without one they are drawn anew.
  case pattern(seed: UInt64?)
  /// A clip: Y4M, or WebM with VP8 or VP9.
  case file(String)

  /// Reads `none`, `pattern`, `pattern:SEED` or `file:PATH`.
  package init(_ text: String) throws(Failure) {
    switch text {
    case "none": self = .none
    case "pattern": self = .pattern(seed: nil)
    case _:
      if text.hasPrefix("pattern:"), let seed = UInt64(text.dropFirst("pattern:".count)) {
        self = .pattern(seed: seed)
        return
      }
      guard let path = filePath(text) else {
        throw Failure(
          "unknown-camera", exit: .usage,
          "“\(DisplayText.line(text, limit: 80))” is no camera that can be used: give “pattern”, "
            + "“file:CLIP.y4m”, “file:CLIP.webm” or “none”; device cameras are not supported yet.")
      }
      self = .file(path)
    }
  }
}

/// Where sound comes from.
package enum MicrophoneSpec: Hashable, Sendable {
  case none
  /// A steady tone that the program makes itself.
  case tone
  /// A WAV file.
  case file(String)

  /// Reads `none`, `tone` or `file:PATH`.
  package init(_ text: String) throws(Failure) {
    switch text {
    case "none": self = .none
    case "tone": self = .tone
    case _:
      guard let path = filePath(text) else {
        throw Failure(
          "unknown-microphone", exit: .usage,
          "“\(DisplayText.line(text, limit: 80))” is no microphone that can be used: give “tone”, "
            + "“file:SOUND.wav” or “none”; sound devices are not supported yet.")
      }
      self = .file(path)
    }
  }
}

/// The size and rate of a camera's pictures.
package struct VideoSettings: Hashable, Sendable {
  package var width: Int
  package var height: Int
  package var framesPerSecond: Int

  package init(width: Int = 1280, height: Int = 720, framesPerSecond: Int = 30) {
    self.width = width
    self.height = height
    self.framesPerSecond = framesPerSecond
  }
}

/// The path in `file:PATH`; `nil` for anything else.
private func filePath(_ text: String) -> String? {
  let prefix = "file:"
  guard text.hasPrefix(prefix), text.count > prefix.count else { return nil }
  return String(text.dropFirst(prefix.count))
}
