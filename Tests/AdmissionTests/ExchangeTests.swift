import Foundation
import Foundations
import Testing
import Wire

@testable import Admission

@Suite("Joining")
struct ExchangeTests {
  private let meeting = Meeting()
  private let joiner = Person("joiner")

  /// A hall with one inviter, and its code.
  private func hall(uses: Int = 1, code change: (InviteCode) -> InviteCode = { $0 }) -> Hall {
    var desk = meeting.hostDesk()
    let code = desk.makeInvite(uses: uses)
    return Hall(desks: [desk], joiner: joiner, code: change(code))
  }

  @Test("The right code lets in: both sides hold the same grant, words and meeting")
  func rightCode() throws {
    var hall = hall()
    let admittance = try hall.run().get()
    let newcomer = try #require(hall.admitted.first)
    #expect(hall.admitted.count == 1)
    #expect(admittance.chain == newcomer.member.chain)
    #expect(admittance.securityWords == newcomer.securityWords)
    #expect(admittance.securityWords.count == 3)
    #expect(admittance.meeting == meeting.id)
    #expect(admittance.genesisKey == meeting.genesis.publicKey)
    #expect(admittance.title == "Standup")
    #expect(admittance.inviter.id == meeting.host.id)
    #expect(admittance.members.map(\.id) == [meeting.host.id])
    #expect(admittance.chain.role == .member)
    #expect(admittance.chain.mayAdmit)
    #expect(newcomer.member.id == joiner.id)
    // Only the wait for other claimants takes time.
    #expect(hall.now - .zero == .milliseconds(150))
    #expect(hall.desks[0].budget.failures == 0)
    #expect(hall.desks[0].budget.pending == 0)
  }

  @Test("Who was let in can let in the next one, to a depth of eight")
  func chainOfInvites() throws {
    var desk = meeting.hostDesk()
    for depth in 2...9 {
      let person = Person("guest \(depth)")
      let code = desk.makeInvite()
      var hall = Hall(desks: [desk], joiner: person, code: code)
      guard depth <= 8 else {
        #expect(hall.run().failureCode == "untrusted-inviter")
        break
      }
      let admittance = try hall.run().get()
      #expect(admittance.chain.grants.count == depth)
      desk = InviterDesk(
        key: person.key, meeting: meeting.description(by: person, admittance.chain),
        book: InviteBook(member: person.id), clock: CivilClock(moment: .zero, time: newYear),
        secrets: .seeded(UInt64(depth)))
    }
  }

  @Test("A wrong word is refused, seen by the inviter, and not tried again")
  func wrongWord() {
    var hall = hall { $0.withWrongWord }
    #expect(hall.run().failureCode == "wrong-code")
    #expect(hall.wrongGuesses == 1)
    #expect(hall.proofs == 1)
    #expect(hall.admitted.isEmpty)
    #expect(hall.desks[0].budget.failures == 1)
    // The code isn't spent.
    var outputs: [JoinerMachine.Output] = []
    hall.joiner.handle(
      .opened(9, fingerprint: meeting.host.fingerprint), at: hall.now, into: &outputs)
    let sent = outputs.contains { if case .send = $0 { true } else { false } }
    #expect(!sent)
  }

  @Test("Nothing about the meeting or the joiner is in clear before the proof")
  func secrecy() throws {
    var hall = hall()
    _ = try hall.run().get()
    let secrets = [
      meeting.genesis.publicKey, meeting.host.key.publicKey, meeting.id.bytes,
      joiner.key.publicKey, Array("Standup".utf8), Array("joiner".utf8),
    ]
    for frame in hall.frames {
      for secret in secrets {
        #expect(Data(frame.bytes).range(of: Data(secret)) == nil)
      }
    }
  }

  @Test("A nameplate that nobody has ends in nobody-here after the search")
  func unknownNameplate() {
    var hall = hall { InviteCode(nameplate: $0.nameplate + 1, words: $0.words)! }
    #expect(hall.run().failureCode == "nobody-here")
    // Somebody advertised it and refuses it now: it may be about to change hands.
    #expect(hall.now - .zero == max(.seconds(8), JoinerMachine.patience))
    #expect(hall.proofs == 0)
  }

  @Test("With the search over and nobody found, the joiner says so at once")
  func nobodyFound() {
    var hall = Hall(desks: [], joiner: joiner, code: meeting.anyCode)
    var outputs: [JoinerMachine.Output] = []
    hall.joiner.handle(.searchEnded, at: .zero, into: &outputs)
    guard case .failed(let failure)? = outputs.last else {
      Issue.record("no failure")
      return
    }
    #expect(failure.code == "nobody-here")
    #expect(failure.exit == .noHost)
  }

  @Test("Used-up and expired codes are told apart, and cost no guess", arguments: [true, false])
  func ended(usedUp: Bool) throws {
    var desk = meeting.hostDesk()
    let code = desk.makeInvite(uses: 1, life: .seconds(60))
    var start = Moment.zero
    if usedUp {
      var first = Hall(desks: [desk], joiner: Person("first"), code: code)
      _ = try first.run().get()
      desk = first.desks[0]
    } else {
      start = start + .seconds(61)
    }
    for wait in [Duration.seconds(0), .seconds(3000)] {
      var hall = Hall(desks: [desk], joiner: joiner, code: code, at: start + wait)
      #expect(hall.run().failureCode == (usedUp ? "code-used-up" : "code-expired"))
      #expect(hall.proofs == 0)
    }
    var later = Hall(desks: [desk], joiner: joiner, code: code, at: start + .seconds(3700))
    #expect(later.run().failureCode == "nobody-here")
  }

  @Test("Two meetings with one nameplate: the joiner is told so, and proves nothing to either")
  func ambiguous() throws {
    var desk = meeting.hostDesk()
    let code = desk.makeInvite()
    let other = Meeting("Retrospective")
    var rival = other.hostDesk(seed: 2)
    while rival.book.lookup(code.nameplate, at: newYear) == .unknown {
      _ = try rival.book.make(
        uses: 1, life: .seconds(600), heard: Set(1...999).subtracting([code.nameplate]),
        at: newYear, secrets: .seeded(9))
    }
    var hall = Hall(desks: [desk, rival], joiner: joiner, code: code)
    let result = hall.run()
    #expect(result.failureCode == "ambiguous-code")
    #expect(hall.proofs == 0)
    #expect(hall.frames.allSatisfy { $0.number < 2 })
  }

  @Test("Two inviters of one meeting are no conflict; one of them is asked")
  func sameMeeting() throws {
    var desk = meeting.hostDesk()
    let code = desk.makeInvite()
    let hall = Hall(desks: [desk, desk], joiner: joiner, code: code)
    var running = hall
    _ = try running.run().get()
    #expect(running.proofs == 1)
    #expect(running.admitted.count == 1)
  }

  @Test("A claimant that answers nothing doesn't count, and holds the joiner up for 2 s at most")
  func silentClaimant() throws {
    var desk = meeting.hostDesk()
    let code = desk.makeInvite()
    var hall = Hall(desks: [desk, desk], joiner: joiner, code: code)
    hall.bend = { $0.stream == 1 && $0.direction == .toJoiner ? nil : $0.bytes }
    _ = try hall.run().get()
    #expect(hall.now - .zero == .seconds(2))
  }

  @Test("An inviter that is slow to answer is waited for as long as nobody else answers")
  func slowInviter() throws {
    var desk = meeting.hostDesk()
    let code = desk.makeInvite()
    var hall = Hall(desks: [desk], joiner: joiner, code: code)
    hall.delayOfFirstAnswer = .seconds(5)
    _ = try hall.run().get()
    #expect(hall.now - .zero == .seconds(5))
  }

  @Test("An inviter of another version: version-mismatch", arguments: [true, false])
  func otherVersion(byReply: Bool) throws {
    var hall = hall()
    hall.bend = { frame in
      guard frame.number < 2 else { return frame.bytes }
      var message = try! WireAdmissionMessage(wire: frame.bytes)
      switch message.kind {
      case .hello? where !byReply: message.hello.version = 2
      case .helloReply? where byReply: message.helloReply.version = 2
      case _: break
      }
      return message.wire
    }
    let result = hall.run()
    #expect(result.failureCode == "version-mismatch")
    #expect(hall.proofs == 0)
  }

  @Test(
    "An inviter that stops answering ends the attempt, without a second one", arguments: [3, 5])
  func silence(after number: Int) {
    var hall = hall(uses: 5)
    hall.bend = { $0.number == number ? nil : $0.bytes }
    #expect(hall.run().failureCode == "join-interrupted")
    #expect(hall.proofs == (number == 5 ? 1 : 0))
  }

  @Test("A removed member isn't let in again, though it knows the code; it hears why")
  func removedMember() throws {
    var desk = meeting.hostDesk()
    let code = desk.makeInvite(uses: 9)
    let removal = try Revocation(
      of: joiner.key.publicKey, by: meeting.host.key, chain: meeting.hostChain, lastEntry: nil,
      standing: [], at: newYear)
    try desk.meeting.revocations.insert(removal)
    var hall = Hall(desks: [desk], joiner: joiner, code: code)
    #expect(hall.run().failureCode == "removed")
    #expect(hall.admitted.isEmpty)
  }

  @Test("A co-host who has lost its grant gets that one back from somebody it let in")
  func ancestor() throws {
    let cohost = Person("cohost")
    let guest = Person("guest")
    let chain = meeting.appoint(cohost, .cohost)
    let guestChain = try chain.extended(
      by: cohost.key, to: guest.key.publicKey, mayAdmit: true, at: newYear)
    var desk = InviterDesk(
      key: guest.key, meeting: meeting.description(by: guest, guestChain),
      book: InviteBook(member: guest.id), clock: CivilClock(moment: .zero, time: newYear),
      secrets: .seeded(4))
    let code = desk.makeInvite()
    var hall = Hall(desks: [desk], joiner: cohost, code: code)
    let admittance = try hall.run().get()
    #expect(admittance.chain == chain)
    #expect(admittance.chain.role == .cohost)
  }

  @Test(
    "A welcome with all that it may hold fits into one frame, and its members and removals arrive")
  func fullWelcome() throws {
    var desk = meeting.hostDesk()
    desk.meeting.title = String(repeating: "👩‍👩‍👧‍👦", count: 200)
    desk.meeting.others = try (1...40).map { number in
      let guest = Person("guest \(number)")
      let chain = try meeting.hostChain.extended(
        by: meeting.host.key, to: guest.key.publicKey, mayAdmit: false, at: newYear)
      return try AdmittedMember(
        record: guest.record, chain: chain, meeting: meeting.id,
        revocations: meeting.noRevocations)
    }
    for number in 1...80 {
      try desk.meeting.revocations.insert(
        Revocation(
          of: Person("rogue \(number)").key.publicKey, by: meeting.host.key,
          chain: meeting.hostChain, lastEntry: nil, standing: [], at: newYear))
    }
    let code = desk.makeInvite()
    var hall = Hall(desks: [desk], joiner: joiner, code: code)
    let admittance = try hall.run().get()
    #expect(hall.frames.allSatisfy { $0.bytes.count <= WireBounds.admissionFrame })
    #expect(admittance.members.count == 16)
    #expect(admittance.revocations.wire().count > 20)
  }
}

extension Meeting {
  var anyCode: InviteCode { InviteCode(nameplate: 7, words: ["lagoon", "copper", "finch"])! }
}
