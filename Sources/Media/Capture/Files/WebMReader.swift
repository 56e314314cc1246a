import CWebM
package import Foundations
import Glibc

/// Reads the packets of a WebM file's first video and first audio track, in the file's order.
package final class WebMReader {
  private let reader: OpaquePointer

  package enum Kind: Sendable {
    case video
    case audio

    fileprivate var code: Int32 {
      switch self {
      case .video: virtue_webm_video
      case .audio: virtue_webm_audio
      }
    }
  }

  package struct Track: Hashable, Sendable {
    /// As Matroska names it: "V_VP8", "A_OPUS".
    package let codec: String
    package let width: Int
    package let height: Int
    /// How long a frame lasts, where the file says so.
    package let frameDuration: Duration?
    package let codecDelay: Duration
    /// Compressed or encrypted on top of the codec.
    package let isEncoded: Bool
  }

  package struct Packet: Hashable, Sendable {
    package let kind: Kind
    package let bytes: [UInt8]
    /// From the start of the file's own time.
    package let time: Duration
    package let isKeyframe: Bool
  }

  /// Whether the file turned out to be broken where reading ended. A file that is merely cut short
  /// isn't.
  package private(set) var isDamaged = false

  /// Whether, by what was read so far, something is missing at its end.
  private var isCutShort: Bool { virtue_webm_is_cut_short(reader) != 0 }

  package init(path: String) throws(Failure) {
    var error: Int32 = 0
    guard let reader = virtue_webm_open(path, &error) else {
      throw error == EINVAL ? .notAFile(path) : .cannotOpen(path, error)
    }
    self.reader = reader
  }

  deinit {
    virtue_webm_close(reader)
  }

  /// The next packet; `nil` where nothing more can be read.
  ///
  /// Never inlined: where a caller doesn't look at the bytes, Swift 6.3's optimizer releases their
  /// array before it copies them into it, which corrupts the heap.
  @inline(never)
  package func next() -> Packet? {
    var packet = virtue_webm_packet()
    let result = virtue_webm_next(reader, &packet)
    isDamaged = result == virtue_webm_damaged
    guard result == virtue_webm_packet_read else { return nil }
    return Packet(
      kind: packet.kind == virtue_webm_video ? .video : .audio,
      bytes: Array(UnsafeBufferPointer(start: packet.bytes, count: packet.size)),
      time: .nanoseconds(packet.nanoseconds), isKeyframe: packet.is_keyframe != 0)
  }

  /// What is wrong with the file, once `next()` has come to its end.
  func defect(of path: String) -> Failure? {
    if isDamaged { return .damagedFile(path, "is damaged") }
    return isCutShort ? .damagedFile(path, "is cut short") : nil
  }

  /// The next `next()` gives the first packet again.
  package func rewind() {
    virtue_webm_rewind(reader)
    isDamaged = false
  }

  /// What is known of a track by now: everything, once there has been a packet.
  package func track(_ kind: Kind) -> Track? {
    var facts = virtue_webm_track()
    guard virtue_webm_track_of_kind(reader, kind.code, &facts) != 0 else { return nil }
    let codec = withUnsafeBytes(of: facts.codec) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return Track(
      codec: codec, width: Int(clamping: facts.width), height: Int(clamping: facts.height),
      frameDuration: facts.default_duration == 0
        ? nil : .nanoseconds(Int64(clamping: facts.default_duration)),
      codecDelay: .nanoseconds(Int64(clamping: facts.codec_delay)), isEncoded: facts.is_encoded != 0
    )
  }
}
