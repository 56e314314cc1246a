import Capture
import Codecs
import Dispatch
import Foundations
import Synchronization

/// The way out for sound: microphone → Opus → `deliver`, every 20 ms.
final class SoundSender: Sendable {
  private let queue = WorkQueue(label: "sound encoder", urgent: true)
  private let capture: SoundCapture

  // Safety: used on `queue` only.
  private final class EncoderBox: @unchecked Sendable {
    let encoder: OpusSoundEncoder
    init(encoder: OpusSoundEncoder) { self.encoder = encoder }
  }

  init(
    spec: MicrophoneSpec, bitrate: Bitrate, seed: UInt64,
    deliver: @escaping @Sendable (EncodedSound) -> Void,
    failed: @escaping @Sendable (Failure) -> Void
  ) throws(Failure) {
    let box: EncoderBox
    do {
      box = EncoderBox(encoder: try OpusSoundEncoder(bitrate: bitrate))
    } catch {
      throw Failure(
        "encoder-failed", exit: .software, "The Opus encoder can't be started: \(error).")
    }
    let queue = queue
    capture = try SoundCapture(
      spec: spec, seed: seed,
      deliver: { block in
        queue.queue.async {
          do {
            deliver(try box.encoder.encode(block))
          } catch {
            failed(
              Failure("encoder-failed", exit: .software, "Sound can't be encoded: \(error)."))
          }
        }
      }, noticed: failed, failed: failed)
  }

  func start() { capture.start() }

  func stop() { capture.stop() }
}
