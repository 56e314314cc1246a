import Foundation
import Foundations
import Testing
import Wire

@testable import Admission

/// Random bytes, and damaged copies of good ones, for everything that reads what strangers send.
@Suite("Garbage")
struct GarbageTests {
  private let meeting = Meeting()
  private let joiner = Person("joiner")

  private func damaged(_ bytes: [UInt8], by chance: inout SeededGenerator) -> [UInt8] {
    var copy = bytes
    switch Int.random(in: 0..<5, using: &chance) {
    case 0:
      copy = (0..<Int.random(in: 0..<300, using: &chance)).map { _ in
        UInt8.random(in: 0...255, using: &chance)
      }
    case 1: copy = Array(copy.prefix(Int.random(in: 0...copy.count, using: &chance)))
    case 2: copy += (0..<20).map { _ in UInt8.random(in: 0...255, using: &chance) }
    case _:
      for _ in 0..<Int.random(in: 1...4, using: &chance) where !copy.isEmpty {
        copy[Int.random(in: 0..<copy.count, using: &chance)] = UInt8.random(
          in: 0...255, using: &chance)
      }
    }
    return copy
  }

  @Test("Both sides survive any frame at any point, and let nobody in by it", arguments: 1...8)
  func exchanges(seed: Int) {
    var chance = SeededGenerator(seed: UInt64(seed))
    for _ in 0..<40 {
      var desk = meeting.hostDesk()
      let code = desk.makeInvite()
      var hall = Hall(desks: [desk], joiner: joiner, code: code)
      let victim = Int.random(in: 0..<6, using: &chance)
      let spoiler = Spoiler(chance: chance)
      hall.bend = { frame in
        guard frame.number == victim else { return frame.bytes }
        return damaged(frame.bytes, by: &spoiler.chance)
      }
      let result = hall.run()
      chance = spoiler.chance
      if case .success = result { #expect(hall.frames.count == 6) }
    }
  }

  @Test("Grants, chains, removals and memberships made of noise are refused", arguments: 1...8)
  func statements(seed: Int) throws {
    var chance = SeededGenerator(seed: UInt64(seed) &* 977)
    let chain = try meeting.hostChain.extended(
      by: meeting.host.key, to: joiner.key.publicKey, mayAdmit: true, at: newYear)
    let member = try AdmittedMember(
      record: joiner.record, chain: chain, meeting: meeting.id, revocations: meeting.noRevocations)
    let removal = try Revocation(
      of: joiner.key.publicKey, by: meeting.host.key, chain: meeting.hostChain, lastEntry: nil,
      standing: [meeting.host.id], at: newYear)
    for _ in 0..<150 {
      let bytes = damaged(member.wire.wire, by: &chance)
      if let wire = try? WireMembership(wire: bytes), wire != member.wire,
        let read = try? AdmittedMember(
          verifying: wire, meeting: meeting.id, revocations: meeting.noRevocations)
      {
        // Only what no signature covers may differ: there is nothing of that.
        #expect(read.wire == member.wire)
      }
      var signed = removal.signed
      signed.payload = Data(damaged(Array(signed.payload), by: &chance))
      var set = meeting.noRevocations
      if signed != removal.signed {
        #expect(throws: AdmissionError.self) { try set.insert(signed) }
      }
      // Noise under a good signature.
      let payload = damaged(Array(removal.signed.payload), by: &chance)
      _ = try? set.insert(meeting.host.key.sign(payload, for: .revocation))
      _ = try? Grant(verifying: meeting.genesis.sign(payload, for: .grant))
    }
  }

  @Test("Texts made of noise are no codes, no links, no words", arguments: 1...8)
  func texts(seed: Int) {
    var chance = SeededGenerator(seed: UInt64(seed) &* 31)
    let good = Array("virtue://join?code=7-lagoon-copper-finch&at=192.0.2.7:4455".utf8)
    for _ in 0..<300 {
      let text = String(decoding: damaged(good, by: &chance), as: UTF8.self)
      if let link = try? InviteLink(parsing: text) {
        #expect((try? InviteLink(parsing: link.description)) == link)
      }
      let rest = String(text.drop { $0 != "=" }.dropFirst())
      if let code = try? InviteCode(parsing: rest) {
        #expect((try? InviteCode(parsing: code.description)) == code)
      }
      _ = WordList.word(completing: rest)
      _ = WordList.words(beginningWith: rest)
      _ = WordList.nearest(to: rest)
    }
  }
}

/// Chance that an escaping closure may use up.
private final class Spoiler {
  var chance: SeededGenerator

  init(chance: SeededGenerator) {
    self.chance = chance
  }
}
