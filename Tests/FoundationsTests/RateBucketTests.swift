import Foundations
import Testing

@Suite("A token bucket")
struct RateBucketTests {
  @Test("A burst passes, then only the rate")
  func limits() {
    var bucket = RateBucket(rate: 10, capacity: 5, at: .zero)
    let burst = (0..<10).count { _ in bucket.take(1, at: .zero) }
    #expect(burst == 5)
    let later = (1...10).count { bucket.take(1, at: .zero + .milliseconds(100 * $0)) }
    #expect(later == 10)
  }

  @Test("A clock that goes back gives nothing")
  func toleratesClocks() {
    var bucket = RateBucket(rate: 1000, capacity: 1, at: .zero)
    let taken = (0...100).count { bucket.take(1, at: .zero - .seconds($0)) }
    #expect(taken == 1)
  }

  @Test("It says how long until there is a token, takes one back, and knows when it is as new")
  func fills() {
    var bucket = RateBucket(rate: 2, capacity: 3, at: .zero)
    let taken = (0..<3).count { _ in bucket.take(1, at: .zero) }
    let (wait, isFull) = (bucket.wait(for: 1, at: .zero), bucket.isFull(at: .zero))
    #expect(taken == 3 && wait == .milliseconds(500) && !isFull)
    bucket.giveBack(1)
    let again = bucket.wait(for: 1, at: .zero)
    let (tooSoon, inTime) = (
      bucket.isFull(at: .zero + .milliseconds(999)), bucket.isFull(at: .zero + .seconds(1))
    )
    #expect(again == .zero && !tooSoon && inTime)
  }
}
