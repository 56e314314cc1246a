package import Foundations
import Glibc

/// Something that has sound, 20 ms after 20 ms.
package protocol SoundSource: AnyObject {
  /// The next `SoundBlock.samplesPerBlock` samples.
  func next() throws(Failure) -> [Int16]

  /// What is wrong with what it plays all the same, known from the start.
  var defect: Failure? { get }
}

/// Runs a microphone in real time on a thread of its own and hands on a block every 20 ms, each when
/// its last sample would have been taken.
package final class SoundCapture: Sendable {
  private let runner: Runner
  private let thread = SourceThread()
  private let deliver: @Sendable (SoundBlock) -> Void
  private let noticed: @Sendable (Failure) -> Void
  private let failed: @Sendable (Failure) -> Void

  /// - Parameters:
  ///   - seed: picks the tone's pitch.
  ///   - deliver: is called on the capture's thread.
  ///   - noticed: is called there first when something is wrong with a file that plays all the same.
  ///   - failed: is called on the capture's thread when the source has broken down; no sound comes
  ///     after that.
  package init(
    spec: MicrophoneSpec, seed: UInt64, deliver: @escaping @Sendable (SoundBlock) -> Void,
    noticed: @escaping @Sendable (Failure) -> Void = { _ in },
    failed: @escaping @Sendable (Failure) -> Void
  ) throws(Failure) {
    let source: any SoundSource =
      switch spec {
      case .none:
        throw Failure("no-microphone", exit: .usage, "There is no microphone to start.")
      case .tone: ToneSource(seed: seed)
      case .file(let path): try WAVSource(path: path)
      }
    runner = Runner(source)
    self.deliver = deliver
    self.noticed = noticed
    self.failed = failed
  }

  /// Begins, or goes on where ``stop()`` left off.
  package func start() {
    thread.start { [runner, deliver, noticed, failed] signal in
      if let defect = runner.takeDefect() { noticed(defect) }
      runner.run(until: signal, deliver: deliver, failed: failed)
    }
  }

  /// Returns when no more blocks will come. Called from `deliver` it returns at once, and that block
  /// is the last.
  package func stop() {
    thread.stop()
  }

  /// What the thread works with.
  private final class Runner: @unchecked Sendable {
    // Safety: touched only by the thread that `SourceThread` runs, one at a time.
    private let source: any SoundSource
    private var defect: Failure?

    init(_ source: any SoundSource) {
      self.source = source
      defect = source.defect
    }

    func takeDefect() -> Failure? {
      defer { defect = nil }
      return defect
    }

    /// Blocks that are late by less than this are handed on at once; a longer hole (a machine that
    /// slept) is left out.
    private static let patience = Duration.milliseconds(400)

    func run(
      until signal: StopSignal, deliver: (SoundBlock) -> Void, failed: (Failure) -> Void
    ) {
      let clock = HostClock()
      // When the block's first sample is taken. Counted on, never read off the clock: no drift.
      var captured = clock.now()
      while signal.sleep(until: captured + SoundBlock.duration, on: clock) {
        do throws(Failure) {
          deliver(SoundBlock(samples: try source.next(), captured: captured))
        } catch {
          return failed(error)
        }
        captured = captured + SoundBlock.duration
        let now = clock.now()
        if now - captured > Self.patience { captured = now }
      }
    }
  }
}

/// A steady tone.
package final class ToneSource: SoundSource {
  /// Hertz.
  package let frequency: Double
  private var phase = 0.0

  /// About −17 dBov: clearly there, and several add up without clipping.
  private static let amplitude = 0.2 * 32767

  package init(seed: UInt64) {
    frequency = Self.frequency(seed: seed)
  }

  package var defect: Failure? { nil }

  /// The pitch for a seed: one of the twelve semitones from 440 Hz up (ISO 16).
  package static func frequency(seed: UInt64) -> Double {
    440 * pow(2, Double(seed % 12) / 12)
  }

  package func next() -> [Int16] {
    let step = 2 * Double.pi * frequency / Double(SoundBlock.sampleRate)
    let samples = (0..<SoundBlock.samplesPerBlock).map { index in
      Int16(Self.amplitude * sin(phase + step * Double(index)))
    }
    phase = (phase + step * Double(SoundBlock.samplesPerBlock))
      .truncatingRemainder(dividingBy: 2 * .pi)
    return samples
  }
}
