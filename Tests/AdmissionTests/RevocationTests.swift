import Foundation
import Foundations
import SwiftProtobuf
import Testing
import Wire

@testable import Admission

@Suite("Removing members")
struct RevocationTests {
  private let meeting = Meeting()
  private let cohost = Person("cohost")
  private let guest = Person("guest")
  private let friend = Person("friend of the guest")

  private var cohostChain: GrantChain { meeting.appoint(cohost, .cohost) }

  private func admit(_ person: Person, by issuer: Person, _ chain: GrantChain) throws -> GrantChain
  {
    try chain.extended(by: issuer.key, to: person.key.publicKey, mayAdmit: true, at: newYear)
  }

  private func removal(
    of person: Person, by issuer: Person, _ chain: GrantChain, standing: [Person] = [],
    at time: WallTime = newYear
  ) throws -> Revocation {
    try Revocation(
      of: person.key.publicKey, by: issuer.key, chain: chain, lastEntry: [1, 2, 3],
      standing: standing.map(\.id), at: time)
  }

  /// Whether `chain` holds under `revocations`, inserted in every order.
  private func holds(_ chain: GrantChain, under revocations: [Revocation]) throws -> Bool {
    var verdicts: Set<Bool> = []
    var sets: Set<RevocationSet> = []
    for order in orders(revocations) {
      var set = meeting.noRevocations
      for revocation in order { try set.insert(revocation.signed) }
      sets.insert(set)
      verdicts.insert(
        (try? chain.verify(meeting: meeting.id, member: chain.member, revocations: set)) != nil)
    }
    #expect(verdicts.count == 1)
    #expect(sets.count == 1)
    return verdicts == [true]
  }

  private func orders(_ items: [Revocation]) -> [[Revocation]] {
    guard let last = items.last else { return [[]] }
    return orders(items.dropLast()).flatMap { order in
      (0...order.count).map { place in
        var longer = order
        longer.insert(last, at: place)
        return longer
      }
    }
  }

  @Test("Those who hold the same removals have the same digest, in whatever order they came")
  func digests() throws {
    let people = (0..<8).map { Person("guest \($0)") }
    let removals = try people.map { try removal(of: $0, by: meeting.host, meeting.hostChain) }
    var (one, other) = (meeting.noRevocations, meeting.noRevocations)
    var garbage = removals[0].signed
    garbage.signature = Data()
    let isNews = one.insert(contentsOf: [garbage] + removals.map(\.signed))
    let isAgain = one.insert(contentsOf: removals.map(\.signed))
    #expect(isNews && !isAgain)
    var digests: Set<[UInt8]> = [other.digest]
    for removal in removals.reversed() {
      try other.insert(removal)
      digests.insert(other.digest)
    }
    #expect(one == other && one.digest == other.digest && one.digest.count == 32)
    #expect(digests.count == 9)
  }

  @Test("A host removes anybody; a co-host plain members only; a plain member nobody")
  func whoMayRemove() throws {
    let guestChain = try admit(guest, by: meeting.host, meeting.hostChain)
    let byHost = try removal(of: guest, by: meeting.host, meeting.hostChain)
    let byCohost = try removal(of: guest, by: cohost, cohostChain)
    #expect(try !holds(guestChain, under: [byHost]))
    #expect(try !holds(guestChain, under: [byCohost]))
    let ofCohost = try removal(of: cohost, by: meeting.host, meeting.hostChain)
    #expect(try !holds(cohostChain, under: [ofCohost]))
    let second = Person("second co-host")
    let secondChain = meeting.appoint(second, .cohost)
    for (target, chain) in [(meeting.host, meeting.hostChain), (second, secondChain)] {
      #expect(try holds(chain, under: [removal(of: target, by: cohost, cohostChain)]))
    }
    #expect(throws: AdmissionError.mayNotModerate) {
      try removal(of: friend, by: guest, guestChain)
    }
  }

  @Test("A removal needs the genesis key only to be verified, and that of its own meeting")
  func verifying() throws {
    let revocation = try removal(of: guest, by: cohost, cohostChain)
    let read = try Revocation(
      verifying: WireSigned(wire: revocation.signed.wire),
      genesisKey: meeting.genesis.publicKey)
    #expect(read == revocation)
    #expect(read.lastEntry == [1, 2, 3])
    var other = Meeting("other").noRevocations
    #expect(throws: AdmissionError.otherMeeting) { try other.insert(revocation.signed) }
    // A plain member's, with its own or with a borrowed grant, or with none.
    let guestChain = meeting.appoint(guest, .member)
    let grants = [guestChain.grants[0].signed, cohostChain.grants[0].signed, nil]
    for grant in grants {
      var wire = try WireRevocation(wire: Array(revocation.signed.payload))
      wire.issuerKey = Data(guest.key.publicKey)
      if let grant { wire.issuerGrant = grant } else { wire.clearIssuerGrant() }
      var set = meeting.noRevocations
      #expect(throws: AdmissionError.mayNotModerate) {
        try set.insert(guest.key.sign(wire.wire, for: .revocation))
      }
    }
    var changed = revocation.signed
    changed.signature[3] ^= 1
    var set = meeting.noRevocations
    #expect(throws: AdmissionError.badSignature) { try set.insert(changed) }
  }

  @Test("What a removed member granted falls, old or new, unless it is named as standing")
  func falling() throws {
    let guestChain = try admit(guest, by: meeting.host, meeting.hostChain)
    let friendChain = try admit(friend, by: guest, guestChain)
    let further = Person("further")
    let furtherChain = try admit(further, by: friend, friendChain)
    let alone = try removal(of: guest, by: meeting.host, meeting.hostChain)
    #expect(try !holds(friendChain, under: [alone]))
    #expect(try !holds(furtherChain, under: [alone]))
    let sparing = try removal(
      of: guest, by: meeting.host, meeting.hostChain, standing: [friend])
    #expect(try !holds(guestChain, under: [sparing]))
    #expect(try holds(friendChain, under: [sparing]))
    #expect(try holds(furtherChain, under: [sparing]))
    // A key made up by the removed member, with a grant dated before its removal.
    let backdated = try guestChain.extended(
      by: guest.key, to: Person("puppet").key.publicKey, mayAdmit: true,
      at: WallTime(milliseconds: 0))
    #expect(try !holds(backdated, under: [sparing]))
    // Two removed it, and one of them lets the friend stand.
    let byCohost = try removal(of: guest, by: cohost, cohostChain)
    #expect(try holds(friendChain, under: [sparing, byCohost]))
    // The friend itself can be removed as well.
    let ofFriend = try removal(of: friend, by: cohost, cohostChain)
    #expect(try !holds(friendChain, under: [sparing, ofFriend]))
    #expect(try !holds(furtherChain, under: [sparing, ofFriend]))
    // Who fell can be let in anew by another.
    #expect(try holds(admit(friend, by: cohost, cohostChain), under: [alone]))
    // Who was removed can't.
    #expect(try !holds(admit(guest, by: cohost, cohostChain), under: [alone]))
  }

  @Test("Of two who remove each other the one nearer the genesis key stands")
  func mutual() throws {
    let second = Person("second host")
    let later = meeting.appoint(second, .host, at: newYear + .seconds(60))
    let one = try removal(of: second, by: meeting.host, meeting.hostChain)
    let other = try removal(of: meeting.host, by: second, later)
    #expect(try holds(meeting.hostChain, under: [one, other]))
    #expect(try !holds(later, under: [one, other]))
    // Alone, the further one's removal holds too.
    #expect(try !holds(meeting.hostChain, under: [other]))
    // A co-host never removes a host, even one who removes it.
    let ofCohost = try removal(of: cohost, by: second, later)
    let ofHost = try removal(of: second, by: cohost, cohostChain)
    #expect(try holds(later, under: [ofCohost, ofHost]))
    #expect(try !holds(cohostChain, under: [ofCohost, ofHost]))
  }

  @Test("What a removed co-host removed is void, whatever its date, unless it is signed anew")
  func voided() throws {
    let guestChain = try admit(guest, by: meeting.host, meeting.hostChain)
    let byCohost = try removal(
      of: guest, by: cohost, cohostChain, at: WallTime(milliseconds: 0))
    let ofCohost = try removal(of: cohost, by: meeting.host, meeting.hostChain)
    #expect(try !holds(guestChain, under: [byCohost]))
    #expect(try holds(guestChain, under: [byCohost, ofCohost]))
    let anew = try removal(of: guest, by: meeting.host, meeting.hostChain)
    #expect(try !holds(guestChain, under: [byCohost, ofCohost, anew]))
    var set = meeting.noRevocations
    try set.insert(byCohost)
    #expect(set.removals(by: cohost.key.publicKey).map(\.member) == [guest.id])
    #expect(set.logEnds == [guest.key.publicKey: [[1, 2, 3]]])
    try set.insert(ofCohost)
    #expect(set.logEnds.keys.map(\.self) == [cohost.key.publicKey])
    // The set itself says what to sign.
    var careful = meeting.noRevocations
    try careful.insert(byCohost)
    try careful.insert(removal(of: meeting.host, by: cohost, cohostChain))
    let signed = try careful.signRemoval(
      of: cohost.key.publicKey, by: meeting.host.key, chain: meeting.hostChain, lastEntry: nil,
      standing: [], at: newYear)
    #expect(signed.map(\.member) == [guest.id, cohost.id])
    for revocation in signed { try careful.insert(revocation) }
    #expect(
      careful.logEnds == [
        guest.key.publicKey: [[1, 2, 3]], cohost.key.publicKey: [nil],
      ])
  }

  @Test("A co-host ends no host's or co-host's log, as soon as the grant of either is known")
  func logEnds() throws {
    let second = Person("second co-host")
    let secondChain = meeting.appoint(second, .cohost)
    let guestChain = try admit(guest, by: cohost, cohostChain)
    var removals = try [second, meeting.host, guest].map {
      try removal(of: $0, by: cohost, cohostChain)
    }
    removals.append(try removal(of: guest, by: meeting.host, meeting.hostChain, standing: [friend]))
    var sets: Set<RevocationSet> = []
    for order in orders(removals) {
      var set = meeting.noRevocations
      for revocation in order { try set.insert(revocation) }
      // Who comes later hears of grants whose holders it never meets.
      let areNews = set.note([secondChain, meeting.hostChain].map { $0.grants[0].signed })
      let areNewsAgain = set.note([secondChain.grants[0].signed])
      #expect(areNews && !areNewsAgain)
      #expect(set.logEnds == [guest.key.publicKey: [[1, 2, 3]]])
      let kept = RevocationSet(
        genesisKey: meeting.genesis.publicKey, try WireRemovals(wire: set.removals.wire))
      #expect(kept == set)
      sets.insert(set)
    }
    #expect(sets.count == 1)
    // Nothing but the genesis key's word makes a co-host.
    var set = meeting.noRevocations
    let others = Meeting("other")
    for grant in [guestChain.grants[1], guestChain.grants[0], others.hostChain.grants[0]] {
      let isCohosts = grant == cohostChain.grants[0]
      let isNoted = set.note(grant)
      #expect(isNoted == isCohosts)
    }
    var forged = secondChain.grants[0].signed
    forged.signature[5] ^= 1
    let isForgedNoted = set.note([forged, WireSigned()])
    #expect(!isForgedNoted)
    // Promoted, the nearer grant is the one that is told; and there is an end to them.
    let promoted = meeting.appoint(cohost, .host)
    let isPromoted = set.note(promoted.grants[0])
    let isDemoted = set.note(cohostChain.grants[0])
    #expect(isPromoted && !isDemoted)
    #expect(set.wireModerators == [promoted.grants[0].signed])
    for number in 0..<2 * WireBounds.moderators {
      set.note(meeting.appoint(Person("co-host \(number)"), .cohost).grants[0])
    }
    #expect(set.wireModerators.count == WireBounds.moderators)
  }

  @Test("Three hosts in a circle of removals: the nearest stands, and all orders agree")
  func circle() throws {
    let people = [Person("a"), Person("b"), Person("c")]
    let chains = people.enumerated().map { place, person in
      meeting.appoint(person, .host, at: newYear + .seconds(place))
    }
    let circle = try (0..<3).map { place in
      try removal(of: people[(place + 1) % 3], by: people[place], chains[place])
    }
    // a removes b, so b's removal of c is void; c removes a, and a is out; but b stays out too, for
    // a stands nearer than c.
    #expect(try !holds(chains[0], under: circle))
    #expect(try !holds(chains[1], under: circle))
    #expect(try holds(chains[2], under: circle))
  }

  @Test("A later removal of the same member by the same issuer replaces the earlier one")
  func replacing() throws {
    let guestChain = try admit(guest, by: meeting.host, meeting.hostChain)
    let friendChain = try admit(friend, by: guest, guestChain)
    let first = try removal(of: guest, by: meeting.host, meeting.hostChain)
    let second = try removal(
      of: guest, by: meeting.host, meeting.hostChain, standing: [friend],
      at: newYear + .seconds(1))
    #expect(try holds(friendChain, under: [first, second]))
    var set = meeting.noRevocations
    #expect(try set.insert(second))
    #expect(try !set.insert(first))
    #expect(try !set.insert(second))
    #expect(set.wire().count == 1)
  }

  @Test("Of a co-host that signs more removals than are kept everybody keeps the same")
  func moreThanKept() throws {
    let all = try (0..<RevocationSet.mostPerIssuer + 44).map {
      try removal(of: Person("made up \($0)"), by: cohost, cohostChain).signed
    }
    var (one, other) = (meeting.noRevocations, meeting.noRevocations)
    one.insert(contentsOf: all)
    other.insert(contentsOf: all.reversed())
    #expect(one == other && one.digest == other.digest && one.logEnds == other.logEnds)
    #expect(one.wire(limit: .max).count == RevocationSet.mostPerIssuer)
  }

  @Test("A co-host run wild fills its own room only, and what travels is bounded")
  func bounds() throws {
    var set = meeting.noRevocations
    for number in 0..<RevocationSet.mostPerIssuer {
      try set.insert(removal(of: Person("made up \(number)"), by: cohost, cohostChain))
    }
    #expect(throws: AdmissionError.tooManyRevocations) {
      try set.insert(removal(of: guest, by: cohost, cohostChain))
    }
    try set.insert(removal(of: guest, by: meeting.host, meeting.hostChain))
    try set.insert(removal(of: cohost, by: meeting.host, meeting.hostChain))
    #expect(set.wire().count == WireBounds.revocations)
    let firstTwo = set.wire(limit: 2).map { signed in
      try? Revocation(verifying: signed, genesisKey: meeting.genesis.publicKey).member
    }
    #expect(Set(firstTwo) == [guest.id, cohost.id])
    let small = set.wire(bytes: 2000)
    #expect(small.map { $0.wire.count }.reduce(0, +) <= 2000)
    #expect(!small.isEmpty)
    // A revocation with all that it may name still reads.
    let many = (0..<300).map { Person("stays \($0)") }
    let full = try removal(of: guest, by: meeting.host, meeting.hostChain, standing: many)
    #expect(full.standing.count == Revocation.mostStanding)
  }
}
