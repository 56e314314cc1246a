import Foundation
import Foundations
import SwiftProtobuf
import Testing
import Wire

@testable import Admission

@Suite("Attacks on joining")
struct AttackTests {
  private let meeting = Meeting()
  private let joiner = Person("joiner")

  private func hall() -> Hall {
    var desk = meeting.hostDesk()
    let code = desk.makeInvite(uses: 9)
    return Hall(desks: [desk], joiner: joiner, code: code)
  }

  @Test("Somebody between the two, with certificates of its own, makes the proof fail")
  func betweenTheTwo() {
    for (seenByJoiner, seenByInviter) in [(true, true), (true, false), (false, true)] {
      var hall = hall()
      if seenByJoiner { hall.deskFingerprints = [digest([1])] }
      if seenByInviter { hall.joinerFingerprint = digest([2]) }
      #expect(hall.run().failureCode == "wrong-code")
      #expect(hall.admitted.isEmpty)
      #expect(hall.wrongGuesses == 1)
    }
  }

  @Test("A bit changed in any frame lets nobody in, and never both sides believe otherwise")
  func tampering() throws {
    var whole = hall()
    _ = try whole.run().get()
    #expect(whole.frames.count == 6)
    for (number, frame) in whole.frames.enumerated() {
      // Every byte of the short frames, and a spread over the long ones.
      let step = max(1, frame.bytes.count / 60)
      for place in stride(from: 0, to: frame.bytes.count, by: step) {
        var hall = hall()
        hall.bend = { frame in
          var bytes = frame.bytes
          if frame.number == number { bytes[place] ^= 1 << UInt8(place % 8) }
          return bytes
        }
        let code = hall.run().failureCode
        #expect(code != nil, "frame \(number), byte \(place)")
        // The last frame is the inviter's own: it has let in whom it meant to.
        if number < 5 { #expect(hall.admitted.isEmpty, "frame \(number), byte \(place)") }
      }
    }
  }

  @Test("Points that are none, the identity, and a reflected share are refused by both sides")
  func badPoints() {
    let identity = [UInt8](repeating: 0, count: 32)
    let none = [UInt8](repeating: 0xFF, count: 32)
    for point in [identity, none, [], [UInt8](repeating: 1, count: 31)] {
      for number in [2, 3] {
        var hall = hall()
        hall.bend = { frame in
          guard frame.number == number else { return frame.bytes }
          var message = try! WireAdmissionMessage(wire: frame.bytes)
          message.share.point = Data(point)
          return message.wire
        }
        #expect(hall.run().failureCode == "untrusted-inviter")
        #expect(hall.admitted.isEmpty)
        #expect(hall.proofs == 0)
        #expect(hall.desks[0].budget.pending == 0)
      }
    }
  }

  @Test("An inviter that only reflects the joiner's share and tag learns and proves nothing")
  func reflection() throws {
    // Stands in for an inviter, and knows no words.
    var hall = hall()
    let seen = Seen()
    hall.bend = { frame in
      var message = try! WireAdmissionMessage(wire: frame.bytes)
      switch (frame.direction, message.kind) {
      case (.toInviter, .share(let share)): seen.point = share.point
      case (.toJoiner, .share): message.share.point = seen.point
      case (.toInviter, .confirmation(let confirmation)):
        seen.tag = confirmation.tag
        seen.sealed = confirmation.sealed
      case (.toJoiner, _) where seen.tag != nil:
        message.welcome.tag = seen.tag!
        message.welcome.sealed = seen.sealed!
      case _: break
      }
      return message.wire
    }
    #expect(hall.run().failureCode == "untrusted-inviter")
    #expect(hall.admitted.isEmpty)
  }

  @Test("What one joiner said can't be said again by another stream")
  func replay() throws {
    var recorded = hall()
    _ = try recorded.run().get()
    let said = recorded.frames.filter { $0.direction == .toInviter }.map(\.bytes)
    for fingerprint in [joiner.fingerprint, digest([7])] {
      // The same desk, later, and one that has never heard of it.
      var desk = recorded.desks[0]
      var outputs: [InviterDesk.Output] = []
      desk.handle(
        .opened(50, fingerprint: fingerprint, source: "192.0.2.66"), at: recorded.now,
        into: &outputs)
      for frame in said {
        desk.handle(.received(50, frame), at: recorded.now, into: &outputs)
      }
      #expect(!outputs.contains { if case .admitted = $0 { true } else { false } })
      #expect(desk.budget.failures == 1)
    }
  }

  @Test("Swapped roles fail: two joiners wired to each other prove nothing")
  func swappedRoles() throws {
    let code = meeting.anyCode
    let setting = AdmissionChannel(
      nameplate: 7, joinerFingerprint: joiner.fingerprint,
      inviterFingerprint: meeting.host.fingerprint
    ).setting(code: code, session: [UInt8](repeating: 1, count: 16))
    let first = try CPace.Share(setting: setting, secrets: .seeded(1))
    let second = try CPace.Share(setting: setting, secrets: .seeded(2))
    func asJoiner(_ own: CPace.Share, _ peer: CPace.Share) throws -> CPace.Keys {
      try CPace.Keys(
        setting: setting, share: own, peer: peer.point,
        initiator: .init(point: own.point, data: AdmissionChannel.joinerData),
        responder: .init(point: peer.point, data: AdmissionChannel.inviterData))
    }
    let one = try asJoiner(first, second)
    let two = try asJoiner(second, first)
    #expect(one.session != two.session)
    #expect(!one.isResponderTag(two.initiatorTag))
    #expect(!one.isResponderTag(two.responderTag))
  }

  @Test("Frames out of order, twice, or of the other side's kind end the stream")
  func disorder() throws {
    var whole = hall()
    _ = try whole.run().get()
    let frames = whole.frames.map(\.bytes)
    for first in frames.indices {
      for second in frames.indices where first != 0 || ![2, 3].contains(second) {
        var desk = meeting.hostDesk()
        _ = desk.makeInvite(uses: 9)
        var outputs: [InviterDesk.Output] = []
        desk.handle(
          .opened(1, fingerprint: joiner.fingerprint, source: "a"), at: .zero, into: &outputs)
        desk.handle(.received(1, frames[first]), at: .zero, into: &outputs)
        desk.handle(.received(1, frames[second]), at: .zero, into: &outputs)
        #expect(outputs.contains { if case .close(1) = $0 { true } else { false } })
        #expect(!outputs.contains { if case .admitted = $0 { true } else { false } })
        #expect(desk.budget.pending == 0)
      }
    }
  }

  @Test("A welcome is refused unless its inviter, over this stream, let this joiner in")
  func falseWelcome() throws {
    let other = Meeting("other")
    let host = meeting.host
    let honest = meeting.description(by: host, meeting.hostChain)
    let own = try meeting.hostChain.extended(
      by: host.key, to: joiner.key.publicKey, mayAdmit: true, at: newYear)
    func verify(_ change: (inout WireWelcomeContents) -> Void) throws(AdmissionError) {
      var contents = honest.welcome(for: own)
      change(&contents)
      _ = try Admittance(
        verifying: contents, record: joiner.record, inviterFingerprint: host.fingerprint)
    }
    try verify { _ in }
    let guest = Person("guest")
    let guestChain = try meeting.hostChain.extended(
      by: host.key, to: guest.key.publicKey, mayAdmit: true, at: newYear)
    let removal = try Revocation(
      of: host.key.publicKey, by: guest.key, chain: meeting.appoint(guest, .host),
      lastEntry: nil, standing: [], at: newYear)
    let strangers = other.description(by: other.host, other.hostChain).inviter
    let someoneElse = meeting.description(by: guest, guestChain).inviter
    let unrelated = meeting.appoint(joiner, .member)
    let bends: [(inout WireWelcomeContents) -> Void] = [
      { $0.chain = guestChain.wire }, { $0.clearChain() }, { $0.members = [] },
      // An inviter of another meeting, of another stream, one that let somebody else in, and one
      // that is removed.
      { $0.members = [strangers.wire] }, { $0.members = [someoneElse.wire] },
      { $0.chain = unrelated.wire }, { $0.revocations = [removal.signed] },
    ]
    for bend in bends {
      #expect(throws: AdmissionError.self) { try verify(bend) }
    }
  }

  @Test("A joiner that knows the words but shows somebody else's record is refused")
  func borrowedRecord() throws {
    let thief = Person("thief")
    for (shown, isAdmitted) in [(thief, true), (Person("victim"), false)] {
      var desk = meeting.hostDesk()
      let code = desk.makeInvite()
      let outcome = try prove(code, to: &desk, as: thief, showing: shown.record)
      #expect(outcome.contains { if case .admitted = $0 { true } else { false } } == isAdmitted)
      #expect(desk.budget.pending == 0)
    }
  }

  /// A joiner by hand, for what an honest one never says. Returns what the desk did at last.
  private func prove(
    _ code: InviteCode, to desk: inout InviterDesk, as person: Person, showing record: MemberRecord
  ) throws -> [InviterDesk.Output] {
    var transcript = Transcript()
    func say(_ kind: WireAdmissionMessage.OneOf_Kind) -> [InviterDesk.Output] {
      let frame = WireAdmissionMessage(kind).wire
      transcript.append(frame)
      var outputs: [InviterDesk.Output] = []
      desk.handle(.received(1, frame), at: .zero, into: &outputs)
      for case .send(_, let answer) in outputs { transcript.append(answer) }
      return outputs
    }
    var outputs: [InviterDesk.Output] = []
    desk.handle(
      .opened(1, fingerprint: person.fingerprint, source: "a"), at: .zero, into: &outputs)
    let session = [UInt8](repeating: 5, count: 16)
    let hello = WireAdmissionHello.with {
      $0.version = protocolVersion
      $0.nameplate = UInt32(code.nameplate)
      $0.sid = Data(session)
      $0.nonce = Data(session)
    }
    _ = say(.hello(hello))
    let setting = AdmissionChannel(
      nameplate: code.nameplate, joinerFingerprint: person.fingerprint,
      inviterFingerprint: meeting.host.fingerprint
    ).setting(code: code, session: session)
    let share = try CPace.Share(setting: setting, secrets: .seeded(1))
    var point: Data?
    for case .send(_, let answer) in say(.share(.with { $0.point = Data(share.point) })) {
      point = try WireAdmissionMessage(wire: answer).share.point
    }
    let theirs = Array(try #require(point))
    let keys = try CPace.Keys(
      setting: setting, share: share, peer: theirs,
      initiator: .init(point: share.point, data: AdmissionChannel.joinerData),
      responder: .init(point: theirs, data: AdmissionChannel.inviterData))
    let identity = WireJoinerIdentity.with { $0.record = record.signed }
    let confirmation = WireJoinerConfirmation.with {
      $0.tag = Data(keys.initiatorTag)
      $0.sealed = Data(
        Sealing(.joinerIdentity, session: keys.session, transcript: transcript)
          .seal(identity.wire))
    }
    return say(.confirmation(confirmation))
  }

  @Test("Two at once with a code of one use: one gets in, the other hears that it is used up")
  func race() {
    var desk = meeting.hostDesk()
    let code = desk.makeInvite(uses: 1)
    var first = Stranger(joiner, code: code, stream: 1)
    var second = Stranger(Person("second"), code: code, stream: 2)
    first.connect(to: &desk, at: .zero)
    second.connect(to: &desk, at: .zero)
    for _ in 0..<2 {
      first.step(with: &desk, at: .zero)
      second.step(with: &desk, at: .zero)
    }
    // Both have their proofs ready.
    first.step(with: &desk, at: .zero)
    second.step(with: &desk, at: .zero)
    #expect(first.admittance != nil)
    #expect(second.failure?.code == "code-used-up")
    #expect(desk.budget.pending == 0)
    #expect(desk.budget.failures == 0)
  }
}

/// What a tampering wire remembers.
private final class Seen {
  var point = Data()
  var tag: Data?
  var sealed: Data?
}
