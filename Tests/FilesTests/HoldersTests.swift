import Foundations
import Testing
import Wire

@testable import Files

@Suite("Members that give chunks")
struct HoldersTests {
  private static func peer(_ number: UInt8) -> PeerID { FileFetchTests.peer(number) }

  private static func makeFetch(_ content: FileFetchTests.Content, seed: UInt64 = 1) -> FileFetch {
    FileFetch(content.shape, hashes: content.chunks.map { digest($0) }, seed: seed, at: .zero)
  }

  /// A fetch from members that each take their time for a chunk, one after another.
  /// - Parameter paces: of each member from asking to giving; `nil` gives nothing.
  /// - Returns: when all was here.
  private func duration(
    of content: FileFetchTests.Content, paces: [Duration?], maps: [ChunkMap]? = nil
  ) -> Duration? {
    var fetch = Self.makeFetch(content)
    var now = Moment.zero
    var free = paces.map { _ in Moment.zero }
    var coming: [(at: Moment, peer: Int, chunk: Int)] = []
    var isComplete = false
    func carryOut(_ outputs: [FileFetch.Output]) {
      for output in outputs {
        switch output {
        case .request(let peer, let chunk):
          guard let number = paces.indices.first(where: { Self.peer(UInt8($0 + 1)) == peer }),
            let pace = paces[number]
          else { break }
          free[number] = max(free[number], now) + pace
          coming.append((free[number], number, chunk))
        case .store(let chunk, _):
          var outputs: [FileFetch.Output] = []
          fetch.handle(.stored(chunk: chunk), at: now, into: &outputs)
          carryOut(outputs)
        case .complete: isComplete = true
        case .askList, .keepList, .announce, .misbehaviour: break
        }
      }
    }
    let full = ChunkMap(chunkCount: content.shape.chunkCount, isFull: true)
    for number in paces.indices {
      var outputs: [FileFetch.Output] = []
      let map = maps?[number] ?? full
      fetch.handle(.holder(Self.peer(UInt8(number + 1)), map), at: now, into: &outputs)
      carryOut(outputs)
    }
    for _ in 0..<10_000 where !isComplete {
      let next = coming.min { $0.at < $1.at }
      var outputs: [FileFetch.Output] = []
      if let next, fetch.deadline.map({ next.at <= $0 }) ?? true {
        now = next.at
        coming.removeAll { $0 == next }
        let input = FileFetch.Input.chunk(
          Self.peer(UInt8(next.peer + 1)), index: next.chunk, content.chunks[next.chunk])
        fetch.handle(input, at: now, into: &outputs)
      } else if let deadline = fetch.deadline {
        now = max(now, deadline)
        fetch.wake(at: now, into: &outputs)
      } else {
        return nil
      }
      carryOut(outputs)
    }
    return isComplete ? now - .zero : nil
  }

  @Test("A member that trickles costs a second or two, however long the file")
  func trickling() throws {
    let content = FileFetchTests.Content(200)
    let alone = try #require(duration(of: content, paces: [.milliseconds(20)]))
    let beside = try #require(duration(of: content, paces: [.milliseconds(20), .seconds(7)]))
    #expect(beside < alone + .seconds(4), "\(alone) alone, \(beside) beside it")
  }

  @Test("A member that claims nearly everything and gives nothing keeps nobody from giving it")
  func claiming() throws {
    let content = FileFetchTests.Content(200)
    let full = ChunkMap(chunkCount: 200, isFull: true)
    var nearly = full
    nearly.remove(7)
    let took = try #require(
      duration(
        of: content, paces: [.milliseconds(20), nil, nil, nil],
        maps: [full, nearly, nearly, nearly]
      ))
    #expect(took < .seconds(12), "\(took)")
  }

  @Test(
    "However many hold all places, giving nothing and saying again what they have, who gives gets one",
    arguments: [false, true])
  func placesHeld(isRefusing: Bool) {
    let content = FileFetchTests.Content(40)
    var fetch = Self.makeFetch(content)
    let full = ChunkMap(chunkCount: 40, isFull: true)
    let giver = Self.peer(100)
    var (now, isComplete) = (Moment.zero, false)
    func drive(_ input: FileFetch.Input) {
      var outputs: [FileFetch.Output] = []
      fetch.handle(input, at: now, into: &outputs)
      carryOut(outputs)
    }
    func carryOut(_ outputs: [FileFetch.Output]) {
      for output in outputs {
        switch output {
        case .request(giver, let chunk):
          drive(.chunk(giver, index: chunk, content.chunks[chunk]))
        case .request(let peer, let chunk): if isRefusing { drive(.refused(peer, chunk: chunk)) }
        case .store(let chunk, _): drive(.stored(chunk: chunk))
        case .complete: isComplete = true
        case .askList, .keepList, .announce, .misbehaviour: break
        }
      }
    }
    while !isComplete, now < .zero + .seconds(60) {
      // As often as the driver offers a holder again that has no place.
      for number in 1...16 { drive(.holder(Self.peer(UInt8(number)), full)) }
      drive(.holder(giver, full))
      let next = now + .seconds(2)
      while !isComplete, let deadline = fetch.deadline, deadline < next {
        now = max(now + .milliseconds(1), deadline)
        var outputs: [FileFetch.Output] = []
        fetch.wake(at: now, into: &outputs)
        carryOut(outputs)
      }
      now = next
    }
    #expect(now < .zero + .seconds(20), "\(now)")
  }

  @Test("All are equally slow: nobody is asked twice for a chunk, and it comes to its end")
  func slowNetwork() throws {
    let content = FileFetchTests.Content(12)
    let took = try #require(duration(of: content, paces: [.seconds(3)]))
    #expect(took < .seconds(60), "\(took)")
  }

  @Test(
    "Each chunk is kept, on its way or wanted at any moment, whatever members say and do",
    arguments: UInt64(1)...8)
  func everyChunkIsSomewhere(seed: UInt64) {
    var chance = SeededGenerator(seed: seed)
    let content = FileFetchTests.Content(40)
    var fetch = Self.makeFetch(content, seed: seed)
    var now = Moment.zero
    var requests: [(PeerID, Int)] = []
    var stores: [Int] = []
    for _ in 0..<2000 {
      now = now + .milliseconds(Int64.random(in: 0...400, using: &chance))
      let peer = Self.peer(UInt8.random(in: 1...20, using: &chance))
      let chunk = Int.random(in: 0..<40, using: &chance)
      var outputs: [FileFetch.Output] = []
      switch Int.random(in: 0..<10, using: &chance) {
      case 0:
        var map = ChunkMap(chunkCount: 40, isFull: Bool.random(using: &chance))
        map.remove(chunk)
        fetch.handle(.holder(peer, map), at: now, into: &outputs)
      case 1: fetch.handle(.gone(peer), at: now, into: &outputs)
      case 2, 3: fetch.handle(.gained(peer, chunk: chunk), at: now, into: &outputs)
      case 4...6:
        guard !requests.isEmpty else { continue }
        let (peer, chunk) = requests.remove(
          at: Int.random(in: requests.indices, using: &chance))
        let answers = [
          FileFetch.Input.chunk(peer, index: chunk, content.chunks[chunk]),
          .refused(peer, chunk: chunk), .chunk(peer, index: chunk, [1]),
        ]
        // Wrong ones are rare, or soon everybody is banned.
        let which = [0, 0, 0, 1, 1, 0, 1, 0, 1, 0].randomElement(using: &chance) ?? 0
        let isWrong = Int.random(in: 0..<50, using: &chance) == 0
        fetch.handle(answers[isWrong ? 2 : which], at: now, into: &outputs)
      case 7:
        guard let chunk = stores.popLast() else { continue }
        let isKept = Int.random(in: 0..<4, using: &chance) > 0
        fetch.handle(
          isKept ? .stored(chunk: chunk) : .notStored(chunk: chunk, content.chunks[chunk]),
          at: now, into: &outputs)
      case 8: fetch.handle(.resumed, at: now, into: &outputs)
      case _: fetch.wake(at: now, into: &outputs)
      }
      for case .request(let peer, let chunk) in outputs { requests.append((peer, chunk)) }
      for case .store(let chunk, _) in outputs { stores.append(chunk) }
      for chunk in 0..<40 {
        let isAsked = fetch.holders.values.contains { $0.asked[chunk].map { !$0.isLate } ?? false }
        let places = [
          fetch.map.contains(chunk), fetch.storing.contains(chunk), fetch.wanted.contains(chunk),
        ].count { $0 }
        #expect(places <= 1 && (places == 1 || isAsked), "chunk \(chunk) is in \(places) places")
      }
      for holder in fetch.holders.values {
        let useful = (0..<40).count { holder.map.contains($0) && fetch.wanted.contains($0) }
        #expect(holder.useful == useful)
      }
      #expect(fetch.holders.count <= FileBounds.holders)
    }
  }

  @Test("Four gigabytes with fifteen members who fetch too: an input costs microseconds")
  func largest() {
    let count = FileBounds.chunks
    let shape = FileShape(
      byteCount: count * FileBounds.chunk, root: [UInt8](repeating: 1, count: 32))!
    // The hashes don't matter: no chunk is given here.
    var fetch = FileFetch(
      shape, hashes: Array(repeating: [], count: count), seed: 1, at: .zero)
    var outputs: [FileFetch.Output] = []
    for number in 1...15 {
      let map = ChunkMap(chunkCount: count)
      fetch.handle(.holder(Self.peer(UInt8(number)), map), at: .zero, into: &outputs)
    }
    let inputs = 20_000
    let clock = ContinuousClock()
    let took = clock.measure {
      for number in 0..<inputs {
        let peer = Self.peer(UInt8(number % 15 + 1))
        let chunk = number / 15 * 7 % count
        fetch.handle(.gained(peer, chunk: chunk), at: .zero, into: &outputs)
        _ = fetch.deadline
      }
    }
    // Going through all chunks at each would take minutes.
    #expect(took < .seconds(10), "\(took / inputs) an input")
  }
}
