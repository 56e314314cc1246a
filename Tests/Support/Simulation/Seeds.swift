import Foundation

/// Seeds of a simulation; `VIRTUE_SEED` replays the one that failed.
package func seeds(_ count: UInt64) -> [UInt64] {
  if let seed = ProcessInfo.processInfo.environment["VIRTUE_SEED"].flatMap(UInt64.init) {
    return [seed]
  }
  return Array(0..<count)
}

/// A number that two runs share only if they went through the same events: FNV-1a, by words.
package struct Trace: Hashable, Sendable {
  private var value: UInt64 = 14_695_981_039_346_656_037

  package init() {}

  package mutating func note(_ word: UInt64) {
    value = (value ^ word) &* 1_099_511_628_211
  }
}
