import Foundations
import Synchronization
import Wire

@testable import Admission

/// 2026-01-01, 00:00 UTC.
let newYear = WallTime(milliseconds: 1_767_225_600_000)

extension SecretSource {
  /// Reproducible, for tests only.
  static func seeded(_ seed: UInt64) -> SecretSource {
    let generator = Mutex(SeededGenerator(seed: seed))
    return SecretSource { count in
      generator.withLock { generator in
        (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      }
    }
  }
}

/// Somebody with a key and a certificate.
struct Person: Sendable {
  let key: SigningKey
  let record: MemberRecord

  init(_ name: String) {
    key = try! SigningKey(secret: digest(Array("key of \(name)".utf8)))
    record = try! MemberRecord(
      key: key, name: name, certificateFingerprint: digest(Array("certificate of \(name)".utf8)),
      sealingKey: digest(Array("sealing key of \(name)".utf8)),
      addresses: [NetworkAddress(host: "192.0.2.7", port: 4455)], capabilities: [],
      issued: newYear)
  }

  var id: PeerID { record.id }
  var fingerprint: [UInt8] { record.certificateFingerprint }
}

/// A meeting with a host, whose key can make anybody anything.
struct Meeting: Sendable {
  let genesis: SigningKey
  let host: Person
  let hostChain: GrantChain

  init(_ name: String = "Standup") {
    genesis = try! SigningKey(secret: digest(Array("genesis of \(name)".utf8)))
    host = Person("host of \(name)")
    hostChain = .issue(
      genesis: genesis, member: host.key.publicKey, role: .host, mayAdmit: true, at: newYear)
  }

  var id: MeetingID { hostChain.meeting }
  var noRevocations: RevocationSet { RevocationSet(genesisKey: genesis.publicKey) }

  func appoint(
    _ person: Person, _ role: MemberRole, mayAdmit: Bool = true, at time: WallTime = newYear
  ) -> GrantChain {
    .issue(
      genesis: genesis, member: person.key.publicKey, role: role, mayAdmit: mayAdmit, at: time)
  }

  /// What `person`, let in by `chain`, tells newcomers.
  func description(
    by person: Person, _ chain: GrantChain, title: String = "Standup"
  ) -> MeetingDescription {
    let member = try! AdmittedMember(
      record: person.record, chain: chain, meeting: id, revocations: noRevocations)
    return MeetingDescription(title: title, inviter: member)
  }

  func hostDesk(seed: UInt64 = 1) -> InviterDesk {
    InviterDesk(
      key: host.key, meeting: description(by: host, hostChain),
      book: InviteBook(member: host.id), clock: CivilClock(moment: .zero, time: newYear),
      secrets: .seeded(seed))
  }
}

extension InviterDesk {
  mutating func makeInvite(
    uses: Int = 1, life: Duration = .seconds(600), seed: UInt64 = 7
  ) -> InviteCode {
    try! book.make(
      uses: uses, life: life, heard: [], at: newYear, secrets: .seeded(seed)
    ).code
  }
}

extension InviteCode {
  /// The same nameplate with another last word.
  var withWrongWord: InviteCode {
    let other = words[2] == "lagoon" ? "copper" : "lagoon"
    return InviteCode(nameplate: nameplate, words: [words[0], words[1], other])!
  }
}
