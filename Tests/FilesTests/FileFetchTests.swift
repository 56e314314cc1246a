import Foundations
import Testing
import Wire

@testable import Files

@Suite("Fetching a file")
struct FileFetchTests {
  static func peer(_ number: UInt8) -> PeerID {
    PeerID(publicKey: [UInt8](repeating: number, count: 32))
  }

  struct Content {
    let chunks: [[UInt8]]
    let shape: FileShape
    var list: [UInt8] { chunks.flatMap { digest($0) } }

    init(_ count: Int) {
      chunks = (0..<count).map { index in
        [UInt8](
          repeating: UInt8(index % 251), count: index == count - 1 ? 1000 : FileBounds.chunk)
      }
      shape = FileShape(
        byteCount: chunks.reduce(0) { $0 + $1.count }, hashes: chunks.map { digest($0) })!
    }
  }

  /// One sender and `count` members that fetch from it and from one another.
  /// - Returns: chunks that the sender gave, and who has the whole.
  private func spread(
    _ content: Content, to count: Int, seed: UInt64, liar: PeerID? = nil, leavesAfter: Int? = nil
  ) -> (given: Int, complete: Int) {
    let sender = Self.peer(0)
    let ids = (1...count).map { Self.peer(UInt8($0)) }
    var now = Moment.zero
    var fetches = Dictionary(
      uniqueKeysWithValues: ids.map {
        ($0, FileFetch(content.shape, seed: seed &+ UInt64($0.bytes[0]), at: now))
      })
    var serving = FileServing()
    var complete: Set<PeerID> = []
    var given = 0
    var isHere = true
    var queue: [(PeerID, FileFetch.Input)] = []
    let full = ChunkMap(chunkCount: content.shape.chunkCount, isFull: true)
    for id in ids {
      queue.append((id, .holder(sender, full)))
      if let liar { queue.append((id, .holder(liar, full))) }
      for other in ids where other != id {
        queue.append((id, .holder(other, ChunkMap(chunkCount: full.chunkCount))))
      }
    }
    for _ in 0..<200_000 where complete.count < count {
      var outputs: [FileFetch.Output] = []
      let id: PeerID
      if queue.isEmpty {
        now = now + .milliseconds(100)
        for id in ids {
          var outputs: [FileFetch.Output] = []
          fetches[id]!.wake(at: now, into: &outputs)
          carryOut(outputs, id)
        }
        continue
      }
      let input: FileFetch.Input
      (id, input) = queue.removeFirst()
      fetches[id]!.handle(input, at: now, into: &outputs)
      carryOut(outputs, id)
    }
    return (given, complete.count)

    func carryOut(_ outputs: [FileFetch.Output], _ id: PeerID) {
      for output in outputs {
        switch output {
        case .askList(let peer):
          if peer == liar {
            queue.append((id, .list(peer, [1, 2, 3])))
          } else {
            queue.append((id, .list(peer, content.list)))
          }
        case .request(let peer, let chunk):
          if peer == liar {
            queue.append((id, .chunk(peer, index: chunk, [0, 1])))
          } else if peer == sender {
            guard isHere else { break }
            let request = FileServing.Request(peer: id, root: content.shape.root, chunk: chunk)
            guard serving.add(request, others: count - 1 - complete.count, at: now) else {
              queue.append((id, .refused(peer, chunk: chunk)))
              break
            }
            _ = serving.next { _ in true }
            given += 1
            queue.append((id, .chunk(peer, index: chunk, content.chunks[chunk])))
            if given == leavesAfter {
              isHere = false
              for id in ids { queue.append((id, .gone(sender))) }
            }
          } else {
            queue.append((id, .chunk(peer, index: chunk, content.chunks[chunk])))
          }
        case .store(let chunk, _): queue.append((id, .stored(chunk: chunk)))
        case .announce(let chunk):
          serving.announced(chunk, of: content.shape.root, by: id)
          for other in ids where other != id { queue.append((other, .gained(id, chunk: chunk))) }
        case .complete: complete.insert(id)
        case .keepList, .misbehaviour: break
        }
      }
    }
  }

  @Test("Ten members get a file of which the sender gives little more than once", arguments: 1...5)
  func ratio(seed: UInt64) {
    let content = Content(100)
    let (given, complete) = spread(content, to: 10, seed: seed)
    #expect(complete == 10)
    #expect(given <= 200, "the sender gave \(given) of 100 chunks")
  }

  @Test("Who sends wrong bytes is asked no more, and the file is fetched", arguments: 1...5)
  func liar(seed: UInt64) {
    let (_, complete) = spread(Content(20), to: 4, seed: seed, liar: Self.peer(99))
    #expect(complete == 4)
  }

  @Test("The sender leaves once each chunk was given: the others finish among themselves")
  func senderLeaves() {
    let (given, complete) = spread(Content(20), to: 1, seed: 3, leavesAfter: 20)
    #expect(given == 20 && complete == 1)
  }

  @Test("An empty file is complete without anybody")
  func empty() {
    let shape = FileShape(byteCount: 0, hashes: [])!
    var fetch = FileFetch(shape, seed: 1, at: .zero)
    var outputs: [FileFetch.Output] = []
    fetch.handle(.resumed, at: .zero, into: &outputs)
    #expect(outputs == [.keepList([]), .complete])
  }

  @Test("Chunks that nobody asked for, and ones out of range, are not taken")
  func unasked() {
    let content = Content(3)
    var fetch = FileFetch(
      content.shape, hashes: content.chunks.map { digest($0) }, seed: 1, at: .zero)
    var outputs: [FileFetch.Output] = []
    fetch.handle(.chunk(Self.peer(1), index: 0, content.chunks[0]), at: .zero, into: &outputs)
    fetch.handle(.chunk(Self.peer(1), index: 9999, []), at: .zero, into: &outputs)
    fetch.handle(.gained(Self.peer(1), chunk: -1), at: .zero, into: &outputs)
    #expect(outputs.isEmpty)
  }

  /// Of three chunks the first two are here.
  private static func begun(_ content: Content) -> FileFetch {
    var map = ChunkMap(chunkCount: 3)
    map.insert(0)
    map.insert(1)
    return FileFetch(
      content.shape, hashes: content.chunks.map { digest($0) }, map: map, seed: 1, at: .zero)
  }

  @Test("What was kept isn't asked for again; a full disk stops the asking until it has room")
  func resumesAndPauses() {
    let content = Content(3)
    var fetch = Self.begun(content)
    var outputs: [FileFetch.Output] = []
    let peer = Self.peer(1)
    fetch.handle(.holder(peer, ChunkMap(chunkCount: 3, isFull: true)), at: .zero, into: &outputs)
    #expect(outputs == [.request(peer, chunk: 2)])
    outputs = []
    fetch.handle(.chunk(peer, index: 2, content.chunks[2]), at: .zero, into: &outputs)
    #expect(outputs == [.store(chunk: 2, content.chunks[2])])
    outputs = []
    for _ in 0..<3 {
      fetch.handle(.notStored(chunk: 2, content.chunks[2]), at: .zero, into: &outputs)
      #expect(outputs.isEmpty)
      fetch.wake(at: .zero + .seconds(60), into: &outputs)
      #expect(outputs.isEmpty)
      fetch.handle(.resumed, at: .zero, into: &outputs)
      #expect(outputs == [.store(chunk: 2, content.chunks[2])])
      outputs = []
    }
    fetch.handle(.stored(chunk: 2), at: .zero, into: &outputs)
    #expect(outputs == [.announce(chunk: 2), .complete])
  }

  @Test("Of what comes while the disk is full one chunk is held, the others are asked for later")
  func holdsOneChunk() {
    let content = Content(6)
    var fetch = FileFetch(
      content.shape, hashes: content.chunks.map { digest($0) }, seed: 1, at: .zero)
    var outputs: [FileFetch.Output] = []
    let peer = Self.peer(1)
    fetch.handle(.holder(peer, ChunkMap(chunkCount: 6, isFull: true)), at: .zero, into: &outputs)
    var asked: [Int] = []
    for case .request(_, let chunk) in outputs { asked.append(chunk) }
    #expect(asked.count == FileBounds.outstanding)
    for chunk in asked {
      outputs = []
      fetch.handle(.chunk(peer, index: chunk, content.chunks[chunk]), at: .zero, into: &outputs)
      outputs = []
      fetch.handle(.notStored(chunk: chunk, content.chunks[chunk]), at: .zero, into: &outputs)
      #expect(outputs.isEmpty)
    }
    #expect(fetch.storing == [asked[0]])
    outputs = []
    fetch.handle(.resumed, at: .zero, into: &outputs)
    #expect(outputs == [.store(chunk: asked[0], content.chunks[asked[0]])])
    outputs = []
    fetch.handle(.stored(chunk: asked[0]), at: .zero, into: &outputs)
    // One more was asked for before the disk was found to be full.
    let asks = outputs.count { if case .request = $0 { true } else { false } }
    #expect(outputs.contains(.announce(chunk: asked[0])) && asks == FileBounds.outstanding - 1)
  }

  @Test("Whoever has no more of it than is here already is no source")
  func sources() {
    let content = Content(3)
    var fetch = Self.begun(content)
    var outputs: [FileFetch.Output] = []
    fetch.handle(.holder(Self.peer(1), fetch.map), at: .zero, into: &outputs)
    #expect(fetch.holderIDs == [Self.peer(1)])
    #expect(fetch.sourceIDs.isEmpty)
    fetch.handle(.gained(Self.peer(1), chunk: 2), at: .zero, into: &outputs)
    #expect(fetch.sourceIDs == [Self.peer(1)])
  }

  @Test("A greedy member waits for itself alone, and its queue is bounded")
  func fairness() {
    var serving = FileServing()
    let root = [UInt8](repeating: 1, count: 32)
    let taken = (0..<100).filter {
      serving.add(.init(peer: Self.peer(1), root: root, chunk: $0), others: 0, at: .zero)
    }
    #expect(taken.count == FileBounds.waitingRequests)
    let isTaken = serving.add(
      .init(peer: Self.peer(2), root: root, chunk: 0), others: 0, at: .zero)
    #expect(isTaken)
    _ = serving.next { _ in true }
    let second = serving.next { _ in true }
    #expect(second?.peer == Self.peer(2))
  }

  @Test("A map with too few bytes, or with bits past the end, is none")
  func maps() {
    #expect(ChunkMap([0xFF], chunkCount: 9) == nil)
    #expect(ChunkMap([0xFF], chunkCount: 7) == nil)
    #expect(ChunkMap([0xFE], chunkCount: 7)?.isFull == true)
    #expect(Content(2).shape.hashes(of: [UInt8](repeating: 0, count: 64)) == nil)
  }
}
