import Foundations
import Signalling
import Testing

/// A book, driven by hand, and the calls that it has begun.
private struct Bench {
  var book: CallBook
  var now = Moment.zero
  private(set) var calls: Set<PeerID> = []
  private(set) var leftOut: [PeerID] = []
  private(set) var most = 0
  private(set) var begun = 0

  /// - Parameter number: of this member: it offers to those with a larger one.
  init(number: Int = 0) {
    book = CallBook(me: id(number))
  }

  mutating func input(_ input: CallBook.Input) {
    var outputs: [CallBook.Output] = []
    book.handle(input, at: now, into: &outputs)
    take(outputs)
  }

  mutating func want(_ numbers: some Sequence<Int>, of sponsor: Int? = nil) {
    for number in numbers { input(.wanted(id(number), sponsor: id(sponsor ?? number))) }
  }

  mutating func hear(_ numbers: some Sequence<Int>) {
    for number in numbers { input(.heard(id(number))) }
  }

  mutating func forget(_ numbers: some Sequence<Int>) {
    for number in numbers { input(.unwanted(id(number))) }
  }

  mutating func run(for duration: Duration) {
    let end = now + duration
    while let deadline = book.deadline, deadline <= end {
      now = max(now, deadline)
      var outputs: [CallBook.Output] = []
      book.wake(at: now, into: &outputs)
      take(outputs)
    }
    now = end
  }

  private mutating func take(_ outputs: [CallBook.Output]) {
    for output in outputs {
      switch output {
      case .begin(let peer):
        #expect(calls.insert(peer).inserted, "begun twice")
        begun += 1
      case .end(let peer): #expect(calls.remove(peer) != nil, "ended without a beginning")
      case .leftOut(let peer): leftOut.append(peer)
      }
    }
    most = max(most, calls.count)
  }

  func calls(among numbers: some Sequence<Int>) -> Int {
    numbers.count { calls.contains(id($0)) }
  }
}

/// As large as its number.
private func id(_ number: Int) -> PeerID {
  PeerID([UInt8](repeating: 0, count: 14) + [UInt8(number >> 8), UInt8(number & 0xFF)])!
}

@Suite("The book of calls")
struct CallBookTests {
  @Test("Eight who come at once are called at once, before anything was heard of them")
  func small() {
    var bench = Bench()
    bench.want(1...8)
    #expect(bench.calls.count == 8 && bench.book.deadline == nil)
    bench.hear(1...8)
    bench.run(for: .seconds(3600))
    #expect(bench.begun == 8 && bench.calls.count == 8)
  }

  @Test("Thirty are all called, as fast as those before them answer", arguments: [0, 15, 31])
  func thirty(me: Int) {
    var bench = Bench(number: me)
    let others = (0..<32).filter { $0 != me }
    bench.want(others, of: 40)
    while let next = others.first(where: { bench.calls(among: [$0]) == 0 }) {
      let before = bench.calls.count
      bench.hear(others.filter { bench.calls(among: [$0]) == 1 })
      #expect(bench.calls.count > before, "\(next) waits for ever")
    }
    #expect(bench.calls.count == 31 && bench.begun == 31 && bench.leftOut.isEmpty)
  }

  @Test("Seven hundred that one member made up are tried four at a time, and each has its turn")
  func madeUp() {
    var bench = Bench()
    bench.want(1...700, of: 1000)
    #expect(bench.calls.count == CallBook.mostTriedOfSponsor)
    bench.run(for: .seconds(700))
    #expect(bench.most == CallBook.mostTriedOfSponsor)
    #expect((700...704).contains(bench.begun), "a turn each: \(bench.begun)")
    #expect(bench.leftOut.isEmpty)
  }

  @Test("Whoever comes after them is tried at once, or called when it speaks first")
  func besides() {
    var bench = Bench(number: 800)
    bench.want(1...700, of: 1000)
    bench.want([801])
    #expect(bench.calls(among: [801]) == 1)
    // The same sponsor's: one of its many is honest, and says so.
    bench.want([802], of: 1000)
    #expect(bench.calls(among: [802]) == 1, "where we offer is another matter")
    bench.want([701], of: 1000)
    #expect(bench.calls(among: [701]) == 0)
    bench.hear([701])
    #expect(bench.calls(among: [701]) == 1)
  }

  @Test("Sponsors take turns, however many each has made up")
  func manySponsors() {
    var bench = Bench()
    for sponsor in 0..<10 { bench.want(1 + 50 * sponsor..<51 + 50 * sponsor, of: 1000 + sponsor) }
    bench.want([600])
    #expect(bench.calls.count == CallBook.mostTried && bench.calls(among: [600]) == 0)
    // Eleven sponsors, eight at once.
    bench.run(for: CallBook.turn * 2)
    #expect(bench.calls(among: [600]) == 1)
  }

  @Test("There are never more than so many, and whoever is left out has a call when one ends")
  func full() {
    var bench = Bench()
    bench.want(1...80)
    bench.hear(1...80)
    #expect(bench.calls.count == CallBook.most && bench.leftOut == (65...80).map(id))
    bench.run(for: .seconds(60))
    #expect(bench.calls(among: 1...64) == CallBook.most, "nobody is pushed out by equals")
    bench.forget([3])
    #expect(bench.calls(among: [65]) == 1 && bench.calls.count == CallBook.most)
    bench.forget([66, 1, 2])
    #expect(bench.calls(among: [67, 68]) == 2)
    #expect(bench.most <= CallBook.most + CallBook.mostTried)
  }

  @Test("Where made-up members that answer fill it, others push them out, down to equal shares")
  func pushedOut() {
    var bench = Bench()
    bench.want(1...700, of: 1000)
    bench.hear(1...700)
    #expect(bench.calls(among: 1...700) == CallBook.most)
    bench.want(701...720, of: 1001)
    bench.hear(701...720)
    #expect(bench.calls(among: 701...720) == 20)
    #expect(bench.calls(among: 1...700) == CallBook.most - 20)
    bench.want(721...799, of: 1001)
    bench.hear(721...799)
    #expect(bench.calls(among: 701...799) == CallBook.most / 2)
    #expect(bench.calls(among: 1...700) == CallBook.most / 2)
    // All of them go, with whoever made them up.
    bench.forget(1...700)
    #expect(bench.calls(among: 701...799) == CallBook.most)
  }

  @Test("In a full book those are tried still who would find room, and no others")
  func triedWhenFull() {
    var bench = Bench()
    bench.want(1...64, of: 1000)
    bench.hear(1...64)
    bench.want([65], of: 1000)
    #expect(bench.calls(among: [65]) == 0)
    bench.want([66], of: 1001)
    #expect(bench.calls(among: [66]) == 1)
    bench.hear([66])
    #expect(bench.calls.count == CallBook.most && bench.calls(among: [66]) == 1)
    bench.forget([1])
    #expect(bench.calls(among: [64]) == 1, "the one that was pushed out")
    bench.forget([2])
    #expect(bench.calls(among: [65]) == 1, "room for one more to be tried")
  }
}
