import Codecs
import Dispatch
import Foundations
import Playback
import RTP

/// The way back for sound: every 20 ms one block of each member is decoded, all are mixed, and the
/// speaker gets the sum.
final class SoundPlayer: Sendable {
  private let queue = WorkQueue(label: "sound player", urgent: true)
  private let box: Box
  private let failed: @Sendable (Failure) -> Void

  // Safety: used on the queue only.
  private final class Box: @unchecked Sendable {
    var writer: WAVWriter?
    var decoders: [PeerID: OpusSoundDecoder] = [:]
    var waiting: [PeerID: [Int16]] = [:]
  }

  /// Opus packets hold up to 120 ms; more than that never waits.
  private static let waitingLimit = 6 * SoundBlock.samplesPerBlock

  init(
    spec: SpeakerSpec, failed: @escaping @Sendable (Failure) -> Void
  ) throws(Failure) {
    let box = Box()
    self.box = box
    self.failed = failed
    switch spec {
    case .none: break
    case .file(let path): box.writer = try WAVWriter(path: path)
    }
  }

  /// Plays what the members' jitter buffers gave for the same 20 ms.
  func play(_ blocks: [(PeerID, [SoundPlayout])]) {
    queue.queue.async { self.mix(blocks) }
  }

  func forget(_ peer: PeerID) {
    queue.queue.async {
      self.box.decoders[peer] = nil
      self.box.waiting[peer] = nil
    }
  }

  func stop() {
    queue.queue.sync {
      do throws(Failure) {
        try box.writer?.finish()
      } catch {
        failed(error)
      }
      box.writer = nil
    }
  }

  private func mix(_ blocks: [(PeerID, [SoundPlayout])]) {
    guard let writer = box.writer else { return }
    let samples = SoundMixer.mix(
      blocks.map { peer, stretches in
        box.waiting[peer, default: []] += stretches.flatMap { decode($0, of: peer) }
        return takeBlock(of: peer)
      })
    do throws(Failure) {
      try writer.write(samples)
    } catch {
      // Said once: the meeting goes on without a speaker.
      box.writer = nil
      failed(error)
    }
  }

  /// The next 20 ms of a member. Stretches make that on average: what is over waits for the next
  /// turn, what lacks is silence.
  private func takeBlock(of peer: PeerID) -> [Int16] {
    let waiting = box.waiting[peer, default: []]
    let block = waiting.prefix(SoundBlock.samplesPerBlock)
    box.waiting[peer] = Array(waiting.dropFirst(block.count).suffix(Self.waitingLimit))
    return Array(block)
  }

  private func decode(_ stretch: SoundPlayout, of peer: PeerID) -> [Int16] {
    do {
      let decoder = try box.decoders[peer] ?? OpusSoundDecoder()
      box.decoders[peer] = decoder
      switch stretch {
      case .packet(let bytes): return try decoder.decode(bytes)
      case .recover(let next, let samples):
        return decoder.recover(from: next, samples: samples)
      case .conceal(let samples): return decoder.conceal(samples: samples)
      case .silence(let samples): return [Int16](repeating: 0, count: samples)
      }
    } catch {
      return [Int16](repeating: 0, count: SoundBlock.samplesPerBlock)
    }
  }
}
