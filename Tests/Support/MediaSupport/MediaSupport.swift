import CVPX
package import Foundations
import Glibc

/// A folder that is there for one test.
package final class TemporaryFolder {
  package let path: String

  package init() {
    var template = Array("/tmp/virtue-media-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { fatalError("no folder for a test") }
    path = String(cString: made)
  }

  package func file(_ name: String) -> String { path + "/" + name }

  package func write(_ bytes: [UInt8], to name: String) -> String {
    let path = file(name)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
      }
      guard count > 0 else { fatalError("a test's file can't be written") }
      written += count
    }
    close(descriptor)
    return path
  }

  deinit {
    if let folder = opendir(path) {
      while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
          String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        unlink(path + "/" + name)
      }
      closedir(folder)
    }
    rmdir(path)
  }
}

package func contents(of path: String) -> [UInt8] {
  let descriptor = open(path, O_RDONLY)
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = read(descriptor, &chunk, chunk.count)
    guard count > 0 else { return bytes }
    bytes += chunk[..<count]
  }
}

/// The peak signal-to-noise ratio of the brightness, in decibels; infinite for equal pictures.
package func lumaPSNR(_ first: Picture, _ second: Picture) -> Double {
  precondition(first.width == second.width && first.height == second.height)
  var sum = 0
  for row in 0..<first.height {
    let (left, right) = (
      first.luma.bytes + row * first.luma.stride, second.luma.bytes + row * second.luma.stride
    )
    for column in 0..<first.width {
      let difference = Int(left[column]) - Int(right[column])
      sum &+= difference &* difference
    }
  }
  let mean = Double(sum) / Double(first.width * first.height)
  return mean == 0 ? .infinity : 10 * log10(255 * 255 / mean)
}

extension Picture {
  /// The bytes of all three planes, without what lies between the rows.
  package var packedBytes: [UInt8] {
    [luma, blue, red].flatMap { plane in
      (0..<plane.height).flatMap { row in
        Array(
          UnsafeMutableBufferPointer(start: plane.bytes + row * plane.stride, count: plane.width))
      }
    }
  }
}

/// Hertz, from how often the samples rise through zero.
package func pitch(_ samples: [Int16]) -> Double {
  let rises = samples.indices.dropFirst().filter { samples[$0 - 1] < 0 && samples[$0] >= 0 }
  guard let first = rises.first, let last = rises.last, last > first else { return 0 }
  return Double(rises.count - 1) * Double(SoundBlock.sampleRate) / Double(last - first)
}

extension [UInt8] {
  /// These bytes with a few of them changed, and sometimes cut short or lengthened.
  package func mutated(_ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = self
    for _ in 0..<Int.random(in: 1...8, using: &generator) where !bytes.isEmpty {
      // Headers decide most, so half of the changes hit the first bytes.
      let range = Bool.random(using: &generator) ? Swift.min(64, bytes.count) : bytes.count
      bytes[Int.random(in: 0..<range, using: &generator)] = .random(in: 0...255, using: &generator)
    }
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
    case 1:
      bytes += (0..<Int.random(in: 1...64, using: &generator)).map { _ in
        .random(in: 0...255, using: &generator)
      }
    case _: break
    }
    return bytes
  }
}

/// Makes VP9, which the product only reads so far.
package func encodeVP9(_ pictures: [Picture], framesPerSecond: Int = 30) -> [EncodedPicture] {
  guard let first = pictures.first else { return [] }
  var settings = vpx_codec_enc_cfg_t()
  let codec = vpx_codec_vp9_cx()
  vpx_codec_enc_config_default(codec, &settings, 0)
  settings.g_w = UInt32(first.width)
  settings.g_h = UInt32(first.height)
  settings.g_timebase = vpx_rational(num: 1, den: Int32(framesPerSecond))
  settings.g_lag_in_frames = 0
  settings.rc_target_bitrate = 500
  var context = vpx_codec_ctx_t()
  precondition(virtue_vpx_encoder_init(&context, codec, &settings, 0) == VPX_CODEC_OK)
  defer { vpx_codec_destroy(&context) }
  _ = virtue_vpx_control(&context, Int32(VP8E_SET_CPUUSED.rawValue), 8)
  var packets: [EncodedPicture] = []
  for (index, picture) in pictures.enumerated() {
    var image = vpx_image_t()
    _ = vpx_img_wrap(
      &image, VPX_IMG_FMT_I420, UInt32(picture.width), UInt32(picture.height), 1,
      picture.luma.bytes)
    (image.planes.1, image.planes.2) = (picture.blue.bytes, picture.red.bytes)
    (image.stride.0, image.stride.1, image.stride.2) = (
      Int32(picture.luma.stride), Int32(picture.blue.stride), Int32(picture.red.stride)
    )
    precondition(
      vpx_codec_encode(&context, &image, Int64(index), 1, 0, UInt(VPX_DL_REALTIME)) == VPX_CODEC_OK)
    var iterator: vpx_codec_iter_t?
    while let packet = vpx_codec_get_cx_data(&context, &iterator) {
      guard packet.pointee.kind == VPX_CODEC_CX_FRAME_PKT else { continue }
      let bytes = UnsafeRawBufferPointer(
        start: virtue_vpx_packet_bytes(packet), count: virtue_vpx_packet_size(packet))
      packets.append(
        EncodedPicture(
          codec: .vp9, bytes: Array(bytes), isKeyframe: virtue_vpx_packet_is_keyframe(packet) != 0,
          width: picture.width, height: picture.height,
          captured: Moment(
            nanoseconds: Int64(index) * 1_000_000_000 / Int64(framesPerSecond))))
    }
  }
  return packets
}
