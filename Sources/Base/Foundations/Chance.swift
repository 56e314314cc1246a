/// Reproducible chance for choices and jitter, never for secrets: SplitMix64 (Steele, Lea, Flood,
/// "Fast splittable pseudorandom number generators", 2014).
package struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) {
    state = seed
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Where keys, invite words and ICE passwords come from. A type of its own, so that reproducible
/// chance can't end up in a secret.
package struct SecretSource: Sendable {
  private let draw: @Sendable (Int) -> [UInt8]

  /// A source that draws through `draw`, which returns as many bytes as it is asked for. Tests make
  /// theirs this way; the program has ``system``.
  package init(drawing draw: @escaping @Sendable (Int) -> [UInt8]) {
    self.draw = draw
  }

  /// The kernel's generator (`getrandom`), which is what Swift's own draws from on Linux.
  package static let system = SecretSource { count in
    var kernel = SystemRandomNumberGenerator()
    return (0..<count).map { _ in kernel.next() }
  }

  package func bytes(_ count: Int) -> [UInt8] {
    let bytes = draw(count)
    precondition(bytes.count == count)
    return bytes
  }

  /// An unbiased number in `0..<limit`.
  package func number(below limit: UInt32) -> UInt32 {
    precondition(limit > 0)
    let usable = UInt32.max - UInt32.max % limit
    while true {
      let number = bytes(4).reduce(0) { $0 << 8 | UInt32($1) }
      if number < usable { return number % limit }
    }
  }
}

extension SecretSource {
  /// A seed for a ``SeededGenerator`` that differs in every run.
  package func seed() -> UInt64 {
    bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
