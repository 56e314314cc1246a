import Glibc

/// Changes the rate of a stream of samples by a windowed sinc, one filter for each phase.
struct Resampler {
  private let inputRate: Int
  private let outputRate: Int
  private let phases: Int
  /// `phases` × `taps`.
  private let filters: [Float]
  private let taps: Int
  private var input: [Float]
  /// The next output's place in `input`, in `1 / outputRate` of an input sample.
  private var position = 0

  /// Zero crossings of the sinc on each side: with the window below, about 80 dB of rejection.
  private static let crossings = 16
  /// Filters kept at most. Rates with more phases (44,101 Hz has 48,000) use the nearest one.
  private static let phaseLimit = 1024

  /// - Parameters: rates in hertz, both positive.
  init(from inputRate: Int, to outputRate: Int) {
    self.inputRate = inputRate
    self.outputRate = outputRate
    let (phases, taps) = Self.dimensions(inputRate, outputRate)
    // Below both rates' half, with a little room for the filter's slope.
    let cutoff = inputRate == outputRate ? 1 : min(1, Double(outputRate) / Double(inputRate)) * 0.95
    self.phases = phases
    self.taps = taps
    filters = (0..<phases).flatMap { phase in
      Self.filter(shift: Double(phase) / Double(phases), taps: taps, cutoff: cutoff)
    }
    // The first output lies on the first input.
    input = [Float](repeating: 0, count: taps / 2 - 1)
  }

  private static func dimensions(_ inputRate: Int, _ outputRate: Int) -> (phases: Int, taps: Int) {
    var (divisor, rest) = (inputRate, outputRate)
    while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
    let stretch = max(1, Double(inputRate) / Double(outputRate))
    let taps = 2 * Int((Double(crossings) * stretch).rounded(.up))
    return (min(outputRate / divisor, phaseLimit), taps)
  }

  /// The taps of the filter for an output that lies `shift` input samples after the middle tap.
  private static func filter(shift: Double, taps: Int, cutoff: Double) -> [Float] {
    let half = Double(taps) / 2
    let values = (0..<taps).map { tap -> Double in
      let distance = Double(tap) - (half - 1) - shift
      let angle = Double.pi * distance * cutoff
      let sinc = angle == 0 ? 1 : sin(angle) / angle
      // Blackman (R. B. Blackman, J. W. Tukey, 1958).
      let place = distance / half
      let window =
        abs(place) >= 1 ? 0 : 0.42 + 0.5 * cos(.pi * place) + 0.08 * cos(2 * .pi * place)
      return sinc * window
    }
    let sum = values.reduce(0, +)
    return values.map { Float($0 / sum) }
  }

  mutating func append(_ samples: [Float]) {
    input += samples
  }

  /// Samples that can be taken.
  var available: Int {
    // The last output reaches `taps` samples from its place on.
    let room = (input.count - taps) * outputRate - position
    return room < 0 ? 0 : room / inputRate + 1
  }

  /// The next `count` samples, of which so many are available.
  mutating func take(_ count: Int) -> [Float] {
    precondition(count <= available)
    let output = (0..<count).map { _ -> Float in
      let start = position / outputRate
      let phase = position % outputRate * phases / outputRate
      position += inputRate
      var sum: Float = 0
      for tap in 0..<taps { sum += input[start + tap] * filters[phase * taps + tap] }
      return sum
    }
    let used = position / outputRate
    input.removeFirst(min(used, input.count))
    position -= used * outputRate
    return output
  }
}
