import Foundations
import Simulation
import Testing

@testable import Gossip

@Suite("The window of an author's numbers")
struct NumberWindowTests {
  @Test("Each number is new once, in any order within the window", arguments: seeds(20))
  func takesOnce(seed: UInt64) {
    var chance = SeededGenerator(seed: seed)
    var window = NumberWindow()
    var seen: Set<UInt64> = []
    var base = UInt64.random(in: 1...1 << 40, using: &chance)
    for _ in 0..<5000 {
      base += UInt64.random(in: 0...3, using: &chance)
      let number = base - UInt64.random(in: 0..<200, using: &chance) % base
      #expect((window.standing(of: number) == .new) == !seen.contains(number))
      window.insert(number)
      seen.insert(number)
      #expect(window.standing(of: number) == .seen)
    }
  }

  @Test("A leap forgets, but lets nothing old in again")
  func leaps() {
    var window = NumberWindow()
    for number in [1, 2, 3, 5000, 4999] as [UInt64] { window.insert(number) }
    #expect(window.standing(of: 3) == .tooOld)
    #expect(window.standing(of: 5000) == .seen && window.standing(of: 4999) == .seen)
    #expect(window.standing(of: 4998) == .new)
    window.insert(3)
    #expect(window.standing(of: 5000 - NumberWindow.width) == .tooOld)
    #expect(window.standing(of: 5001 - NumberWindow.width) == .new)
    window.insert(.max)
    #expect(window.standing(of: .max) == .seen && window.standing(of: 0) == .tooOld)
  }

  @Test("A million numbers take no more memory than one")
  func staysSmall() {
    var window = NumberWindow()
    for number in 1...1_000_000 as ClosedRange<UInt64> { window.insert(number) }
    #expect(window.byteCount == 128)
    #expect(window.standing(of: 999_000) == .seen)
  }
}
