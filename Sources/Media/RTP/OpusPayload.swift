/// What an Opus packet says of itself without being decoded (RFC 6716 §3.1, RFC 7587 §4.2).
///
///     0 1 2 3 4 5 6 7
///     | config  |s| c |   s: stereo, c: how many frames
package struct OpusPayload: Hashable, Sendable {
  /// At 48 kHz, however the sound was sampled. A packet lasts at most 120 ms.
  package let sampleCount: Int
  /// The encoder has nothing to say: it sends such a packet and then pauses (RFC 7587 §3.1.3).
  package let isDiscontinuous: Bool

  private static let longest = 5760

  package init?(_ payload: ArraySlice<UInt8>) {
    guard let first = payload.first else { return nil }
    let config = Int(first >> 3)
    let samplesPerFrame =
      switch config {
      // SILK: 10, 20, 40, 60 ms. Hybrid: 10, 20 ms. CELT: 2.5, 5, 10, 20 ms.
      case 0..<12: [480, 960, 1920, 2880][config % 4]
      case 12..<16: [480, 960][config % 2]
      case _: [120, 240, 480, 960][config % 4]
      }
    let frames: Int
    switch first & 3 {
    case 0: frames = 1
    case 1, 2: frames = 2
    case _:
      guard payload.count >= 2 else { return nil }
      frames = Int(payload[payload.startIndex + 1] & 0x3F)
    }
    guard frames > 0, frames * samplesPerFrame <= Self.longest else { return nil }
    sampleCount = frames * samplesPerFrame
    isDiscontinuous = payload.count <= 2
  }
}
