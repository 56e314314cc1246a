import Foundations
import Testing
import Wire

@testable import Files

@Suite("What is left to others to pass on")
struct FileSpreadTests {
  private static let root = [UInt8](repeating: 1, count: 32)

  private static func peer(_ number: UInt8) -> PeerID { FileFetchTests.peer(number) }

  /// Asks, and takes at once what is given.
  private static func asks(
    _ number: UInt8, for chunk: Int, of serving: inout FileServing, at now: Moment,
    others: Int = 2
  ) -> Bool {
    let request = FileServing.Request(peer: peer(number), root: root, chunk: chunk)
    guard serving.add(request, others: others, at: now) else { return false }
    _ = serving.next { _ in true }
    return true
  }

  @Test("A chunk just given to one member is left to it, and a request elsewhere is refused")
  func spreads() {
    var serving = FileServing()
    #expect(Self.asks(1, for: 0, of: &serving, at: .zero))
    #expect(!Self.asks(2, for: 0, of: &serving, at: .zero + .seconds(1)))
    #expect(Self.asks(2, for: 1, of: &serving, at: .zero + .seconds(1)))
    #expect(Self.asks(2, for: 0, of: &serving, at: .zero + FileBounds.spread))
  }

  @Test("A member that asks for a chunk again and again keeps nobody else from it")
  func askingAgain() {
    var serving = FileServing()
    var now = Moment.zero
    var given: [Moment] = []
    var other: Moment?
    while now < .zero + .seconds(120) {
      if Self.asks(1, for: 0, of: &serving, at: now) { given.append(now) }
      if other == nil, Self.asks(2, for: 0, of: &serving, at: now) { other = now }
      now = now + .milliseconds(100)
    }
    #expect(other == Moment.zero + FileBounds.spread)
    // Doubled from two seconds to thirty.
    #expect(given.map { ($0 - .zero) / .seconds(1) } == [0, 2, 6, 14, 30, 60, 90])
  }

  @Test(
    "However many members ask for each chunk in turn, nobody waits longer than the bound",
    arguments: [1, 3, 20], [false, true])
  func manyHostile(count: Int, announces: Bool) {
    var serving = FileServing()
    let chunks = 64
    var waiting = Set(0..<chunks)
    var now = Moment.zero
    var turn = 0
    while !waiting.isEmpty, now < .zero + .seconds(60) {
      // Each time another one asks for all, just before the rest of the honest member's refusals.
      for chunk in 0..<chunks {
        let hostile = UInt8(10 + turn % count)
        if Self.asks(hostile, for: chunk, of: &serving, at: now), announces {
          serving.announced(chunk, of: Self.root, by: Self.peer(hostile))
        }
      }
      turn += 1
      for chunk in waiting where Self.asks(2, for: chunk, of: &serving, at: now) {
        waiting.remove(chunk)
      }
      now = now + .milliseconds(500)
    }
    #expect(now - .zero <= FileBounds.longestSpread + .seconds(1))
  }

  @Test("A member that announces nothing of what it was given is counted on no more until it does")
  func silent() {
    var serving = FileServing()
    #expect(Self.asks(1, for: 0, of: &serving, at: .zero))
    let later = Moment.zero + FileBounds.spread
    #expect(Self.asks(1, for: 1, of: &serving, at: later))
    #expect(Self.asks(2, for: 1, of: &serving, at: later))
    serving.announced(0, of: Self.root, by: Self.peer(1))
    serving.announced(ChunkMap([0xC0], chunkCount: 4)!, of: Self.root, by: Self.peer(1))
    #expect(Self.asks(1, for: 2, of: &serving, at: later))
    #expect(!Self.asks(3, for: 2, of: &serving, at: later))
  }

  @Test("Ending a stream and opening it again gives nobody a chunk sooner")
  func comesAgain() {
    var serving = FileServing()
    #expect(Self.asks(1, for: 0, of: &serving, at: .zero))
    serving.remove(Self.peer(1))
    #expect(!Self.asks(1, for: 0, of: &serving, at: .zero + .seconds(1)))
  }

  @Test("Who has thrown a file away is given it anew at once, and nobody is sent there meanwhile")
  func thrownAway() {
    var serving = FileServing()
    for chunk in 0..<3 {
      #expect(Self.asks(1, for: chunk, of: &serving, at: .zero))
      serving.announced(chunk, of: Self.root, by: Self.peer(1))
    }
    // Of what waits to be given nothing is left.
    let waiting = FileServing.Request(peer: Self.peer(1), root: Self.root, chunk: 3)
    let other = FileServing.Request(
      peer: Self.peer(1), root: [UInt8](repeating: 2, count: 32), chunk: 0)
    for request in [waiting, other] {
      let isTaken = serving.add(request, others: 2, at: .zero)
      #expect(isTaken)
    }
    let now = Moment.zero + .milliseconds(300)
    serving.startsAnew(Self.root, for: Self.peer(1), at: now)
    let next = serving.next { _ in true }
    #expect(next == other && serving.waiting.isEmpty)
    #expect(Self.asks(2, for: 0, of: &serving, at: now))
    for chunk in 0..<4 { #expect(Self.asks(1, for: chunk, of: &serving, at: now), "\(chunk)") }
    // Once: then the rest is what it was.
    #expect(!Self.asks(1, for: 1, of: &serving, at: now + .seconds(3)))
  }

  @Test("Throwing it away for ever gives nobody a chunk sooner more than eight times a minute")
  func thrownAwayForever() {
    var serving = FileServing()
    var now = Moment.zero
    var given = 0
    while now < .zero + .seconds(59) {
      if Self.asks(1, for: 0, of: &serving, at: now) { given += 1 }
      serving.startsAnew(Self.root, for: Self.peer(1), at: now)
      now = now + .milliseconds(100)
    }
    // The first, eight sooner than it rests, and the last after half a minute.
    #expect((10...11).contains(given), "\(given)")
    #expect(Self.asks(2, for: 0, of: &serving, at: now))
  }

  @Test("What is remembered is bounded, whoever asks for what")
  func bounded() {
    var serving = FileServing()
    let clock = ContinuousClock()
    let took = clock.measure {
      for number in 0..<20_000 {
        let now = Moment.zero + .milliseconds(number)
        _ = Self.asks(UInt8(number % 200), for: number % 16_384, of: &serving, at: now)
      }
    }
    #expect(took < .seconds(20), "\(took)")
    #expect(Self.asks(250, for: 3, of: &serving, at: .zero + .seconds(30)))
  }
}
