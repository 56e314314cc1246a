import Foundation
import Foundations
import Signalling
import SwiftProtobuf
import Testing
import Wire

@Suite("What the other side says of its session")
struct DescriptionTests {
  /// An offer that is taken, as it stands.
  private func makeOffer() -> WireDescription {
    .with {
      $0.session = 1
      $0.ufrag = "abcd"
      $0.password = String(repeating: "p+/9aZ", count: 4)
      $0.fingerprint = Data(repeating: 1, count: 32)
      $0.candidates = [candidate(1)]
      $0.tracks = [
        .with {
          $0.kind = .video
          $0.payloadType = 96
          $0.codec = "VP8"
          $0.clockRate = 90000
        }
      ]
    }
  }

  private func outputs(for offer: WireDescription) -> [Signalling.Output] {
    var machine = Signalling(me: Pair.ids[1], peer: Pair.ids[0], firstSession: 1, seed: 1)
    var outputs: [Signalling.Output] = []
    machine.handle(.received(.with { $0.offer = offer }), at: .zero, into: &outputs)
    return outputs
  }

  @Test("A proper offer is taken")
  func takes() {
    guard case .prepare(session: 1, isOfferer: false)? = outputs(for: makeOffer()).first else {
      Issue.record("not prepared")
      return
    }
  }

  @Test("A field out of its bounds is refused by name")
  func refuses() {
    let alterations: [(String, (inout WireDescription) -> Void)] = [
      ("ufrag", { $0.ufrag = "abc" }), ("ufrag", { $0.ufrag = "ab\r\n" }),
      ("ufrag", { $0.ufrag = String(repeating: "a", count: 257) }),
      ("ufrag", { $0.ufrag = "ab cd" }), ("password", { $0.password = "short" }),
      ("password", { $0.password = String(repeating: "é", count: 30) }),
      ("fingerprint", { $0.fingerprint = Data(repeating: 1, count: 31) }),
      ("setup", { $0.setup = .UNRECOGNIZED(7) }),
      ("candidates", { $0.candidates = (0..<33).map { candidate($0) } }),
      ("candidates", { $0.candidates = [candidate(1) + String(repeating: " ", count: 256)] }),
      ("candidates", { $0.candidates = [candidate(1) + "\r\na=setup:active"] }),
      ("candidates", { $0.candidates = ["a=fingerprint:sha-256 00"] }),
      ("tracks", { $0.tracks = Array(repeating: $0.tracks[0], count: 9) }),
      ("payload_type", { $0.tracks[0].payloadType = 72 }),
      ("payload_type", { $0.tracks[0].payloadType = .max }),
      ("codec", { $0.tracks[0].codec = "" }), ("codec", { $0.tracks[0].codec = "VP8\n" }),
      ("clock_rate", { $0.tracks[0].clockRate = 0 }),
      ("clock_rate", { $0.tracks[0].clockRate = .max }),
      ("cname", { $0.tracks[0].cname = String(repeating: "c", count: 256) }),
      (
        "ssrc",
        {
          $0.tracks[0].ssrc = 4
          $0.tracks.append($0.tracks[0])
        }
      ),
    ]
    for (field, alter) in alterations {
      var offer = makeOffer()
      alter(&offer)
      guard case .refused(.outOfBounds(field))? = outputs(for: offer).first else {
        Issue.record("\(field) was taken")
        continue
      }
    }
  }

  @Test("A track of a kind to come is left out")
  func skipsUnknownKinds() {
    let pair = Pair()
    var offer = makeOffer()
    offer.tracks.append(.with { $0.kind = .UNRECOGNIZED(9) })
    pair.input(1, .received(.with { $0.offer = offer }))
    pair.run(for: .milliseconds(10))
    #expect(pair.agents[1].remote?.tracks.map(\.kind) == [.video])
  }

  @Test("Garbage never traps, and what it adds is bounded", arguments: 0..<200)
  func survives(seed: UInt64) {
    var chance = SeededGenerator(seed: seed)
    let pair = Pair(seed: seed)
    pair.start()
    pair.run(for: .milliseconds(Int64.random(in: 0...40, using: &chance)))
    for _ in 0..<100 {
      let side = Int.random(in: 0...1, using: &chance)
      let session = [0, 999, 1000, 1001, UInt64.max].randomElement(using: &chance)!
      var bytes = (pair.sent.randomElement(using: &chance) ?? WireSignal()).wire
      switch Int.random(in: 0..<4, using: &chance) {
      case 0:
        pair.input(
          side,
          .received(
            .with {
              $0.candidate.session = session
              $0.candidate.candidate = candidate(3)
            }))
      case 1:
        pair.input(side, .localCandidate(session: session, candidate(4)))
      case _:
        for _ in 0..<3 where !bytes.isEmpty {
          let place = Int.random(in: 0..<bytes.count, using: &chance)
          bytes[place] = UInt8.random(in: 0...255, using: &chance)
        }
        if let signal = try? WireSignal(wire: bytes) { pair.input(side, .received(signal)) }
      }
    }
    pair.run(for: .seconds(60))
    #expect(pair.agents.allSatisfy { $0.added.count <= WireBounds.candidates })
  }
}
