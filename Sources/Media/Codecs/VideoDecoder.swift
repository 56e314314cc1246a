import CVPX
package import Foundations
import Glibc

/// Decodes VP8 or VP9 from anywhere, a stranger's packets included.
///
/// What comes in is measured before the codec sees it, so that a forged header can't make it
/// allocate gigabytes. After bytes that can't be decoded it stays silent until a keyframe, rather
/// than show what the damage spreads to. Belongs to one thread or actor at a time.
package final class VideoDecoder: PictureDecoding {
  private let context: UnsafeMutablePointer<vpx_codec_ctx_t>
  private let codec: VideoCodec
  private let pool: PicturePool
  private let buffers = FrameBuffers()
  private var needsKeyframe = true

  /// Larger packets are refused. A keyframe of 4096×4096 that looks perfect takes about half of it.
  package static let byteLimit = 8 << 20

  package init(codec: VideoCodec, pool: PicturePool) throws(CodecFailure) {
    self.codec = codec
    self.pool = pool
    let made = UnsafeMutablePointer<vpx_codec_ctx_t>.allocate(capacity: 1)
    made.initialize(to: vpx_codec_ctx_t())
    var settings = vpx_codec_dec_cfg_t(threads: 1, w: 0, h: 0)
    let implementation =
      switch codec {
      case .vp8: vpx_codec_vp8_dx()
      case .vp9: vpx_codec_vp9_dx()
      }
    var result = virtue_vpx_decoder_init(made, implementation, &settings, 0)
    if result == VPX_CODEC_OK, codec == .vp9 {
      result = buffers.serve(made)
    }
    guard result == VPX_CODEC_OK else {
      vpx_codec_destroy(made)
      made.deallocate()
      throw .unavailable(String(cString: vpx_codec_err_to_string(result)))
    }
    context = made
  }

  deinit {
    vpx_codec_destroy(context)
    context.deallocate()
  }

  package func decode(_ bytes: [UInt8]) throws(CodecFailure) -> Picture? {
    guard !bytes.isEmpty, bytes.count <= Self.byteLimit else {
      throw .badData("a packet of \(bytes.count) bytes")
    }
    do throws(CodecFailure) {
      let frames = try frames(of: bytes)
      guard try inspect(frames) || !needsKeyframe else { throw .keyframeNeeded }
      var picture: Picture?
      for frame in frames {
        try feed(frame)
        if let shown = try collect() { picture = shown }
      }
      needsKeyframe = false
      return picture
    } catch {
      needsKeyframe = true
      throw error
    }
  }

  private func frames(of bytes: [UInt8]) throws(CodecFailure) -> [ArraySlice<UInt8>] {
    switch codec {
    case .vp8: [bytes[...]]
    case .vp9: try Superframe.frames(in: bytes)
    }
  }

  /// Checks each frame's header; says whether the first is a keyframe.
  private func inspect(_ frames: [ArraySlice<UInt8>]) throws(CodecFailure) -> Bool {
    var startsAnew: Bool?
    for frame in frames {
      let header = try VideoHeader(codec, frame)
      startsAnew = startsAnew ?? header.isKeyframe
      guard let size = header.size else { continue }
      let sides = 1...Picture.sideLimit
      guard sides.contains(size.width), sides.contains(size.height) else {
        throw .tooLarge(width: size.width, height: size.height)
      }
    }
    return startsAnew ?? false
  }

  private func feed(_ frame: ArraySlice<UInt8>) throws(CodecFailure) {
    let bytes =
      switch codec {
      case .vp8: Array(frame)
      case .vp9: Superframe.single(frame)
      }
    let result = bytes.withUnsafeBufferPointer {
      vpx_codec_decode(context, $0.baseAddress, UInt32($0.count), nil, 0)
    }
    guard result == VPX_CODEC_OK else {
      throw .badData(String(cString: vpx_codec_err_to_string(result)))
    }
  }

  /// The last picture that the frame shows, copied out of the codec's memory.
  private func collect() throws(CodecFailure) -> Picture? {
    var iterator: vpx_codec_iter_t?
    var last: UnsafeMutablePointer<vpx_image_t>?
    while let image = vpx_codec_get_frame(context, &iterator) { last = image }
    guard let image = last?.pointee else { return nil }
    let (width, height) = (Int(image.d_w), Int(image.d_h))
    let sides = 1...Picture.sideLimit
    guard sides.contains(width), sides.contains(height) else {
      throw .tooLarge(width: width, height: height)
    }
    guard image.fmt == VPX_IMG_FMT_I420, let luma = image.planes.0, let blue = image.planes.1,
      let red = image.planes.2
    else { throw .badData("a picture that isn't 4:2:0 with 8 bits") }
    let picture = pool.makePicture(width: width, height: height)
    Self.copy(luma, stride: image.stride.0, to: picture.luma)
    Self.copy(blue, stride: image.stride.1, to: picture.blue)
    Self.copy(red, stride: image.stride.2, to: picture.red)
    return picture
  }

  private static func copy(
    _ source: UnsafeMutablePointer<UInt8>, stride: Int32, to plane: Picture.Plane
  ) {
    for row in 0..<plane.height {
      memcpy(plane.bytes + row * plane.stride, source + row * Int(stride), plane.width)
    }
  }
}
