import CVPX
package import Foundations

/// Encodes one camera's pictures in VP8, in real time and on the caller's thread.
///
/// Belongs to one thread or actor at a time.
package final class VP8Encoder {
  private let context: UnsafeMutablePointer<vpx_codec_ctx_t>
  private var settings = vpx_codec_enc_cfg_t()
  private let width: Int
  private let height: Int
  private let framesPerSecond: Int
  private var firstCaptured: Moment?
  /// The last picture's time in ticks of 90 kHz.
  private var lastTicks: Int64 = -1

  /// Speed −8: on two cores 7.4 ms for a picture of 1280×720, against 9.0 ms at −6, with no loss of
  /// quality that could be measured.
  private static let speed: Int32 = -8
  /// A keyframe may take this many percent of an average frame's bytes, so that it doesn't hold up
  /// the frames behind it: 28 kB at 1.5 Mbit/s and 30 frames a second.
  private static let keyframePercent: Int32 = 450
  /// Below this the picture falls apart, so a smaller wish is raised to it.
  package static let lowestBitrate = Bitrate.kilobits(30)

  /// - Parameter framesPerSecond: what rate control counts with, 1...120.
  package init(
    width: Int, height: Int, framesPerSecond: Int, bitrate: Bitrate
  ) throws(CodecFailure) {
    guard (1...Picture.sideLimit).contains(width), (1...Picture.sideLimit).contains(height) else {
      throw .tooLarge(width: width, height: height)
    }
    self.width = width
    self.height = height
    self.framesPerSecond = min(max(framesPerSecond, 1), 120)
    self.bitrate = bitrate
    let codec = vpx_codec_vp8_cx()
    try Self.check(vpx_codec_enc_config_default(codec, &settings, 0))
    settings.g_w = UInt32(width)
    settings.g_h = UInt32(height)
    settings.g_timebase = vpx_rational(num: 1, den: Int32(MediaTime.videoClockRate))
    // A second thread spins on a busy machine and costs more than it brings.
    settings.g_threads = 1
    settings.g_lag_in_frames = 0
    settings.g_error_resilient = 0
    settings.kf_mode = VPX_KF_DISABLED
    settings.rc_end_usage = VPX_CBR
    settings.rc_dropframe_thresh = 0
    settings.rc_min_quantizer = 4
    settings.rc_max_quantizer = 56
    settings.rc_undershoot_pct = 100
    settings.rc_overshoot_pct = 15
    // Milliseconds of the bitrate: what may wait in the sender before the picture gets coarser.
    settings.rc_buf_sz = 600
    settings.rc_buf_initial_sz = 400
    settings.rc_buf_optimal_sz = 500
    settings.rc_target_bitrate = Self.kilobits(bitrate)
    let made = UnsafeMutablePointer<vpx_codec_ctx_t>.allocate(capacity: 1)
    made.initialize(to: vpx_codec_ctx_t())
    let result = virtue_vpx_encoder_init(made, codec, &settings, 0)
    if result != VPX_CODEC_OK { made.deallocate() }
    try Self.check(result)
    // From here on `deinit` cleans up.
    context = made
    let controls: [(vp8e_enc_control_id, Int32)] = [
      (VP8E_SET_CPUUSED, Self.speed),
      (VP8E_SET_STATIC_THRESHOLD, 1),
      (VP8E_SET_MAX_INTRA_BITRATE_PCT, Self.keyframePercent),
      (VP8E_SET_NOISE_SENSITIVITY, 0),
      (VP8E_SET_TOKEN_PARTITIONS, 0),
    ]
    for (control, value) in controls {
      try Self.check(virtue_vpx_control(context, Int32(control.rawValue), value))
    }
  }

  deinit {
    vpx_codec_destroy(context)
    context.deallocate()
  }

  /// What the pictures should take on average, over half a second or so.
  package var bitrate: Bitrate {
    didSet {
      guard bitrate != oldValue else { return }
      settings.rc_target_bitrate = Self.kilobits(bitrate)
      // A failure leaves the earlier rate in force, and the settings have been accepted before.
      _ = vpx_codec_enc_config_set(context, &settings)
    }
  }

  /// `nil` when rate control left the picture out.
  package func encode(
    _ frame: VideoFrame, forceKeyframe: Bool
  ) throws(CodecFailure) -> EncodedPicture? {
    let picture = frame.picture
    guard picture.width == width, picture.height == height else {
      throw .wrongSize(width: picture.width, height: picture.height)
    }
    var image = vpx_image_t()
    // Wrapped round the luma plane first, for the fields besides the planes.
    _ = vpx_img_wrap(
      &image, VPX_IMG_FMT_I420, UInt32(width), UInt32(height), 1, picture.luma.bytes)
    image.planes.0 = picture.luma.bytes
    image.planes.1 = picture.blue.bytes
    image.planes.2 = picture.red.bytes
    image.stride.0 = Int32(picture.luma.stride)
    image.stride.1 = Int32(picture.blue.stride)
    image.stride.2 = Int32(picture.red.stride)
    let flags = forceKeyframe ? vpx_enc_frame_flags_t(VPX_EFLAG_FORCE_KF) : 0
    let ticks = nextTicks(frame.captured)
    try Self.check(
      vpx_codec_encode(
        context, &image, ticks, UInt(MediaTime.videoClockRate / framesPerSecond), flags,
        UInt(VPX_DL_REALTIME)))
    return collect(captured: frame.captured)
  }

  private func collect(captured: Moment) -> EncodedPicture? {
    var iterator: vpx_codec_iter_t?
    while let packet = vpx_codec_get_cx_data(context, &iterator) {
      guard packet.pointee.kind == VPX_CODEC_CX_FRAME_PKT,
        let start = virtue_vpx_packet_bytes(packet)
      else { continue }
      let bytes = UnsafeRawBufferPointer(start: start, count: virtue_vpx_packet_size(packet))
      return EncodedPicture(
        codec: .vp8, bytes: Array(bytes), isKeyframe: virtue_vpx_packet_is_keyframe(packet) != 0,
        width: width, height: height, captured: captured)
    }
    return nil
  }

  /// The codec wants times that only grow, and takes its frame rate from them.
  private func nextTicks(_ captured: Moment) -> Int64 {
    let first = firstCaptured ?? captured
    firstCaptured = first
    let elapsed = (captured - first).nanoseconds
    let ticks = elapsed / 1_000_000 * 90 + elapsed % 1_000_000 * 90 / 1_000_000
    lastTicks = max(lastTicks + 1, ticks)
    return lastTicks
  }

  private static func kilobits(_ bitrate: Bitrate) -> UInt32 {
    UInt32(clamping: max(bitrate, lowestBitrate).bitsPerSecond / 1000)
  }

  private static func check(_ result: vpx_codec_err_t) throws(CodecFailure) {
    guard result == VPX_CODEC_OK else {
      throw .unavailable(String(cString: vpx_codec_err_to_string(result)))
    }
  }
}
