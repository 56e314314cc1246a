import Admission
import Chat
import Foundation
import Foundations
import Gossip
import SwiftProtobuf
import Wire

/// What members say to each other: an admitted one may still be anybody's program.
let meshTargets: [FuzzTarget] = [
  FuzzTarget(name: "link-opening") { bytes in
    let print = [UInt8](repeating: 2, count: 32)
    let proof = LinkProof(
      genesisKey: [UInt8](repeating: 1, count: 32), initiator: print, responder: print)
    if let opening = try? WireLinkOpening(wire: bytes) { _ = proof.answer(to: opening) }
    if let opened = try? WireLinkOpened(wire: bytes) {
      let secrets = SecretSource { [UInt8](repeating: 7, count: $0) }
      _ = proof.accepts(opened, after: proof.opening(secrets: secrets))
    }
  },
  FuzzTarget(name: "neighbour") { bytes in
    var meeting = SmallMeeting()
    for frame in frames(of: bytes) {
      guard let frame = try? WireLinkFrame(wire: frame) else { continue }
      meeting.take(frame)
    }
  },
  FuzzTarget(name: "chat-body") { bytes in
    _ = try? Entry.Body(bytes)
  },
  FuzzTarget(name: "chat-exchange") { bytes in
    guard let key = try? SigningKey(secret: [UInt8](repeating: 9, count: 32)) else { return }
    let meeting = MeetingID(publicKey: [UInt8](repeating: 1, count: 32))
    var log = ChatLog(meeting: meeting, key: key, stored: [])
    let peer = PeerID(publicKey: [UInt8](repeating: 2, count: 32))
    var outputs: [ChatLog.Output] = []
    log.handle(.linkUp(peer), at: .zero, into: &outputs)
    for (place, frame) in frames(of: bytes).enumerated() {
      let now = Moment.zero + .milliseconds(place * 300)
      if let heads = try? WireChatHeads(wire: frame) {
        log.handle(.heads(heads, from: peer), at: now, into: &outputs)
      }
      if let batch = try? WireChatBatch(wire: frame) {
        log.handle(.batch(batch, from: peer), at: now, into: &outputs)
      }
      log.wake(at: now, into: &outputs)
    }
  },
  FuzzTarget(name: "invite-share") { bytes in
    let member = { PeerID(publicKey: [UInt8](repeating: $0, count: 32)) }
    let time = WallTime(milliseconds: 1_767_225_600_000)
    var book = InviteBook(member: member(1))
    for frame in frames(of: bytes) {
      guard let share = try? WireInviteShare(wire: frame) else { continue }
      _ = book.receive(share, from: PeerID(share.owner) ?? member(2), at: time)
    }
    book.setAdmitters([member(1)], at: time)
    _ = book.takeOver(at: time + InviteBook.grace)
    _ = book.shares(at: time)
  },
]

/// A member of a meeting of twelve, with one link.
private struct SmallMeeting {
  private typealias Person = (key: SigningKey, record: MemberRecord)

  private static let people = (UInt8(1)...12).map { number -> Person in
    let now = WallTime(milliseconds: 1_767_225_600_000)
    guard let key = try? SigningKey(secret: [UInt8](repeating: number, count: 32)),
      let record = try? MemberRecord(
        key: key, name: "member", certificateFingerprint: [UInt8](repeating: number, count: 32),
        sealingKey: [UInt8](repeating: 3, count: 32),
        addresses: [NetworkAddress(host: "192.0.2.\(number)", port: 4000)], capabilities: [],
        issued: now)
    else { fatalError("no member to fuzz with") }
    return (key, record)
  }

  private var gossip: Gossip
  private var now = Moment.zero
  private var outputs: [Gossip.Output] = []

  init() {
    let me = Self.people[0]
    gossip = Gossip(
      me: me.record.id, meeting: MeetingID(publicKey: [UInt8](repeating: 1, count: 32)),
      key: me.key, membership: .with { $0.record = me.record.signed }, firstNumber: 1, seed: 1)
    for person in Self.people.dropFirst() {
      gossip.handle(.admitted(person.record, sponsor: person.record.id), at: now, into: &outputs)
    }
    gossip.handle(
      .linkUp(1, Self.people[1].record.id, isInitiator: false), at: now, into: &outputs)
  }

  mutating func take(_ frame: WireLinkFrame) {
    now = now + .milliseconds(200)
    gossip.wake(at: now, into: &outputs)
    gossip.handle(.received(1, frame), at: now, into: &outputs)
    outputs.removeAll()
  }
}
