import Foundations
import Testing

@testable import Meeting

@Suite("The search for who is missed")
struct MissingSearchTests {
  /// The seconds, of `seconds`, in which a search that begins with them asks.
  private func asks(
    _ search: inout MissingSearch, during seconds: Range<Int>, members: Int = 1
  ) -> [Int] {
    seconds.filter {
      search.isDue(isMissing: true, members: members, at: .zero + .seconds($0))
    }
  }

  @Test("While nobody is missed, nothing is asked")
  func nobody() {
    var search = MissingSearch(seed: 1)
    for second in 0..<600 {
      let isDue = search.isDue(isMissing: false, members: 1, at: .zero + .seconds(second))
      #expect(!isDue)
    }
  }

  @Test(
    "Who is alone asks every few seconds, later less often, and never gives up", arguments: 1...3)
  func alone(seed: UInt64) throws {
    var search = MissingSearch(seed: seed)
    let moments = asks(&search, during: 0..<7200)
    #expect(try #require(moments.first) <= 4)
    for (moment, next) in zip(moments, moments.dropFirst()) {
      let isEager = moment < 300
      #expect((isEager ? 2...4 : 8...15).contains(next - moment), "\(moment) to \(next)")
    }
    #expect(try #require(moments.last) > 7200 - 16)
  }

  @Test("A loss, or another network, makes it eager again")
  func anew() {
    var search = MissingSearch(seed: 1)
    _ = asks(&search, during: 0..<3600)
    search.startOver()
    #expect(asks(&search, during: 3600..<3660).count >= 14)
  }

  @Test("Thirty who miss somebody ask as often as one, and not at once")
  func together() throws {
    var counts: [Int: Int] = [:]
    for seed in 0..<30 {
      var search = MissingSearch(seed: UInt64(seed))
      for moment in asks(&search, during: 0..<300, members: 30) { counts[moment, default: 0] += 1 }
    }
    #expect((75...150).contains(counts.values.reduce(0, +)), "\(counts)")
    #expect(try #require(counts.values.max()) <= 5, "\(counts)")
  }
}
