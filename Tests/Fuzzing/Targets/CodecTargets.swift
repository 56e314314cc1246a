import Codecs
import Foundations

/// What is inside packets and clips.
let codecTargets: [FuzzTarget] = [
  FuzzTarget(name: "video-header") { bytes in
    for codec in [VideoCodec.vp8, .vp9] { _ = try? VideoHeader(codec, bytes) }
  },
  FuzzTarget(name: "vp8") { decode(.vp8, $0) },
  FuzzTarget(name: "vp9") { decode(.vp9, $0) },
  FuzzTarget(name: "opus") { bytes in
    guard let decoder = try? OpusSoundDecoder() else { return }
    for frame in frames(of: bytes) { _ = try? decoder.decode(frame) }
  },
]

private func decode(_ codec: VideoCodec, _ bytes: [UInt8]) {
  guard let decoder = try? VideoDecoder(codec: codec, pool: PicturePool()) else { return }
  for frame in frames(of: bytes) { _ = try? decoder.decode(frame) }
}
