import Foundation
import Foundations
import Signalling
import SwiftProtobuf
import Testing
import Wire

@Suite("Signalling between two members")
struct SignallingTests {
  @Test("The smaller identifier offers and is DTLS server; the other answers and is client")
  func agrees() {
    let pair = Pair()
    pair.start()
    pair.run(for: .seconds(1))
    #expect(pair.agents[0].isOfferer == true && pair.agents[1].isOfferer == false)
    #expect(pair.agents[0].role == .server && pair.agents[1].role == .client)
    #expect(pair.agents[0].remote == pair.agents[1].local)
    #expect(pair.agents[1].remote == pair.agents[0].local)
    #expect(pair.isConnected)
  }

  @Test("It doesn't matter which side starts first", arguments: [0, 1])
  func startsEitherWay(first: Int) {
    let pair = Pair()
    pair.input(first, .start)
    pair.run(for: .seconds(2))
    pair.input(1 - first, .start)
    pair.run(for: .seconds(2))
    #expect(pair.isConnected)
  }

  @Test("Trickled candidates arrive once their session's description is applied")
  func trickles() {
    let pair = Pair()
    pair.start()
    pair.input(0, .localCandidate(session: 1000, candidate(1)))
    pair.run(for: .seconds(1))
    pair.input(0, .localCandidate(session: 1000, candidate(2)))
    pair.input(1, .localCandidate(session: 1000, candidate(3)))
    pair.input(1, .localCandidate(session: 999, candidate(4)))
    pair.run(for: .seconds(1))
    #expect(pair.agents[1].remote?.candidates.contains(candidate(1)) == true)
    #expect(pair.agents[1].added == [candidate(2)])
    #expect(pair.agents[0].added == [candidate(3)])
  }

  @Test("A candidate that overtakes its offer isn't lost")
  func overtakes() {
    let pair = Pair()
    pair.input(
      1,
      .received(
        .with {
          $0.candidate.session = 1000
          $0.candidate.candidate = candidate(8)
        }))
    pair.start()
    pair.run(for: .seconds(1))
    #expect(pair.agents[1].added == [candidate(8)])
  }

  @Test("An offer that nobody answers is made anew", arguments: 0..<10)
  func repeats(seed: UInt64) {
    let pair = Pair(seed: seed)
    pair.isCut = true
    pair.start()
    pair.run(for: .seconds(12))
    #expect(pair.agents[0].discarded == [1000, 1001])
    pair.isCut = false
    pair.run(for: .seconds(6))
    #expect(pair.isConnected)
  }

  @Test(
    "A failed connection is tried again, by whichever side found it",
    arguments: [[0], [1], [0, 1]])
  func restarts(sides: [Int]) {
    let pair = Pair()
    pair.start()
    pair.run(for: .seconds(1))
    for side in sides { pair.input(side, .connectionFailed(session: pair.agents[side].session)) }
    pair.run(for: .seconds(1))
    #expect(pair.isConnected)
    #expect(pair.agents.map(\.session) == [1001, 1001])
    #expect(pair.agents.map(\.discarded) == [[1000], [1000]])
  }

  @Test("Failures in a row are spaced out, from half a second up to ten")
  func backsOff() {
    let pair = Pair()
    pair.connects = false
    pair.start()
    pair.run(for: .seconds(60))
    let gaps = zip(pair.prepared, pair.prepared.dropFirst()).map { ($1 - $0).inSeconds }
    #expect(gaps.allSatisfy { (0.5...10.5).contains($0) }, "\(gaps)")
    #expect(gaps.first! < 1 && gaps.last! > 7)
    #expect(pair.prepared.count < 15)
  }

  @Test("Somebody who asks for restarts all the time gets few")
  func resistsRestarts() {
    let pair = Pair()
    pair.start()
    for _ in 0..<600 {
      pair.run(for: .milliseconds(100))
      pair.input(0, .received(.with { $0.restart = WireRestartRequest() }))
    }
    #expect(pair.prepared.count < 15)
  }

  @Test("Old sessions' words are void")
  func ignoresStale() {
    let pair = Pair()
    pair.start()
    pair.run(for: .seconds(1))
    for side in 0...1 {
      pair.input(side, .connectionFailed(session: 999))
      pair.input(side, .localReady(session: 999, Pair.description(side)))
      pair.input(side, .received(pair.sent[0]))
      pair.input(side, .received(pair.sent[1]))
    }
    pair.run(for: .seconds(20))
    #expect(pair.agents.map(\.discarded) == [[], []])
    #expect(pair.isConnected)
  }

  @Test("The other side's next run may count from less")
  func acceptsAnotherRun() {
    let pair = Pair()
    pair.start()
    pair.run(for: .seconds(1))
    var offer = pair.sent[0]
    offer.offer.session = 3
    offer.offer.fingerprint = Data(repeating: 9, count: 32)
    pair.input(1, .received(offer))
    #expect(pair.agents[1].session == 3)
    #expect(pair.agents[1].discarded == [1000])
  }

  @Test("Once stopped nothing happens, until it is started again")
  func stops() {
    let pair = Pair()
    pair.start()
    pair.run(for: .seconds(1))
    pair.input(0, .stop)
    pair.input(1, .stop)
    pair.input(1, .received(pair.sent[0]))
    pair.run(for: .seconds(60))
    #expect(pair.agents.map(\.discarded) == [[1000], [1000]])
    #expect(pair.machines.allSatisfy { $0.deadline == nil })
    pair.start()
    pair.run(for: .seconds(1))
    #expect(pair.isConnected)
  }
}

func candidate(_ number: Int) -> String {
  "candidate:\(number) 1 UDP 2122260223 192.0.2.\(number) 5004 typ host"
}
