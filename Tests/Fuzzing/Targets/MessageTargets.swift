import Admission
import Chat
import Discovery
import Files
import Foundation
import Foundations
import Signalling
import SwiftProtobuf
import Wire

/// What comes over TLS streams and in mDNS.
let messageTargets: [FuzzTarget] = [
  FuzzTarget(name: "link-frame") { bytes in
    guard let frame = try? WireLinkFrame(wire: bytes) else { return }
    let meeting = MeetingID(publicKey: [UInt8](repeating: 1, count: 32))
    switch frame.kind {
    case .hello(let hello):
      _ = try? MemberRecord(verifying: hello.membership.record)
      _ = try? GrantChain(verifying: hello.membership.chain)
      var removed = RevocationSet(genesisKey: [UInt8](repeating: 1, count: 32))
      removed.note(hello.moderators)
      removed.insert(contentsOf: hello.revocations)
      _ = removed.logEnds
    case .removals(let removals):
      var removed = RevocationSet(genesisKey: [UInt8](repeating: 1, count: 32))
      removed.insert(contentsOf: removals.revocations)
      _ = removed.digest
    case .broadcast(let broadcast): _ = try? Envelope(verifying: broadcast, meeting: meeting)
    case .directed(let directed): _ = try? DirectedEnvelope(verifying: directed, meeting: meeting)
    case _: break
    }
  },
  FuzzTarget(name: "payload") { bytes in
    _ = try? WirePayload(wire: bytes)
  },
  FuzzTarget(name: "member-record") { bytes in
    guard let signed = try? WireSigned(wire: bytes) else { return }
    _ = try? MemberRecord(verifying: signed)
    _ = try? Grant(verifying: signed)
  },
  FuzzTarget(name: "grant-chain") { bytes in
    guard let chain = try? WireGrantChain(wire: bytes) else { return }
    _ = try? GrantChain(verifying: chain)
  },
  FuzzTarget(name: "chat-entry") { bytes in
    guard let signed = try? WireSignedEntry(wire: bytes) else { return }
    let meeting = MeetingID(publicKey: [UInt8](repeating: 1, count: 32))
    _ = try? Entry(verifying: signed, meeting: meeting)
    _ = try? Entry(kept: signed, meeting: meeting)
  },
  FuzzTarget(name: "file-message") { bytes in
    guard let message = try? FileMessage(bytes) else { return }
    _ = message.wire
    if case .have(_, let map) = message { _ = ChunkMap(map, chunkCount: 100) }
  },
  FuzzTarget(name: "file-fetch") { bytes in
    for knowsHashes in [true, false] { fetch(as: bytes, knowsHashes: knowsHashes) }
  },
  FuzzTarget(name: "file-name") { bytes in
    _ = FileName.sanitised(String(decoding: bytes, as: UTF8.self))
  },
  FuzzTarget(name: "signal") { bytes in
    guard let signal = try? WireSignal(wire: bytes) else { return }
    let (low, high) = (
      PeerID(publicKey: [UInt8](repeating: 1, count: 32)),
      PeerID(publicKey: [UInt8](repeating: 2, count: 32))
    )
    for (me, peer) in [(low, high), (high, low)] {
      var machine = Signalling(me: me, peer: peer, firstSession: 1, seed: 1)
      var outputs: [Signalling.Output] = []
      machine.handle(.start, at: .zero, into: &outputs)
      machine.handle(.received(signal), at: .zero, into: &outputs)
      machine.wake(at: .zero + .seconds(30), into: &outputs)
    }
  },
  FuzzTarget(name: "joiner") { bytes in
    guard let code = try? InviteCode(parsing: "7-lagoon-copper-finch") else { return }
    var machine = JoinerMachine(
      .init(code: code, record: Stranger.record, secrets: Stranger.secrets), at: .zero)
    var outputs: [JoinerMachine.Output] = []
    machine.handle(.found(1), at: .zero, into: &outputs)
    machine.handle(
      .opened(1, fingerprint: [UInt8](repeating: 2, count: 32)), at: .zero, into: &outputs)
    for frame in frames(of: bytes) {
      machine.handle(.received(1, frame), at: .zero, into: &outputs)
      machine.handle(.searchEnded, at: .zero, into: &outputs)
    }
    machine.wake(at: .zero + .seconds(60), into: &outputs)
  },
  FuzzTarget(name: "inviter") { bytes in
    var desk = Stranger.desk()
    var outputs: [InviterDesk.Output] = []
    desk.handle(
      .opened(1, fingerprint: [UInt8](repeating: 2, count: 32), source: "192.0.2.7"), at: .zero,
      into: &outputs)
    for frame in frames(of: bytes) {
      desk.handle(.received(1, frame), at: .zero, into: &outputs)
    }
    desk.wake(at: .zero + .seconds(60), into: &outputs)
  },
  FuzzTarget(name: "text-record") { bytes in
    _ = TextRecord.decode(frames(of: bytes))
  },
]

/// Members that say what the input has them say, each frame led by who says it and how much later.
private func fetch(as bytes: [UInt8], knowsHashes: Bool) {
  let last = [UInt8](repeating: 0, count: 10)
  let hashes = [[UInt8]](repeating: digest([1]), count: 2) + [digest(last)]
  guard let shape = FileShape(byteCount: 2 * FileBounds.chunk + last.count, hashes: hashes) else {
    fatalError("no file to fuzz with")
  }
  var machine = FileFetch(shape, hashes: knowsHashes ? hashes : nil, seed: 1, at: .zero)
  var now = Moment.zero
  for frame in frames(of: bytes) where frame.count >= 2 {
    let peer = PeerID(publicKey: [UInt8](repeating: frame[0] % 32, count: 32))
    now = now + .milliseconds(Int(frame[1]) * 40)
    var outputs: [FileFetch.Output] = []
    if let deadline = machine.deadline, deadline <= now { machine.wake(at: now, into: &outputs) }
    switch try? FileMessage(Array(frame.dropFirst(2))) {
    case .have(_, let map):
      guard let map = ChunkMap(map, chunkCount: shape.chunkCount) else { break }
      machine.handle(.holder(peer, map), at: now, into: &outputs)
    case .gained(_, let chunk):
      machine.handle(.gained(peer, chunk: chunk), at: now, into: &outputs)
    case .list(_, let list): machine.handle(.list(peer, list), at: now, into: &outputs)
    case .chunk(_, let chunk, let content):
      machine.handle(.chunk(peer, index: chunk, content), at: now, into: &outputs)
    case .refusal(_, let chunk):
      machine.handle(.refused(peer, chunk: chunk), at: now, into: &outputs)
    case .askList, .request: machine.handle(.resumed, at: now, into: &outputs)
    case nil: machine.handle(.gone(peer), at: now, into: &outputs)
    }
    for case .store(let chunk, let bytes) in outputs {
      var more: [FileFetch.Output] = []
      let isKept = frame[1] % 2 == 0
      machine.handle(
        isKept ? .stored(chunk: chunk) : .notStored(chunk: chunk, bytes), at: now, into: &more)
    }
    // Waking does what was due, or its driver would wake it for ever.
    machine.wake(at: now, into: &outputs)
    precondition(machine.deadline.map { $0 > now } ?? true, "an alarm that never rests")
  }
}

/// Several frames in one input, each led by two bytes of length.
func frames(of bytes: [UInt8]) -> [[UInt8]] {
  var frames: [[UInt8]] = []
  var rest = bytes[...]
  while rest.count >= 2, frames.count < 64 {
    let length = Int(rest.removeFirst()) << 8 | Int(rest.removeFirst())
    frames.append(Array(rest.prefix(length)))
    rest = rest.dropFirst(length)
  }
  return frames
}

/// Keys that are the same each time, so that an input means the same each time.
private enum Stranger {
  static let secrets = SecretSource { [UInt8](repeating: 7, count: $0) }
  private static let now = WallTime(milliseconds: 1_767_225_600_000)

  static let key: SigningKey = {
    guard let key = try? SigningKey(secret: [UInt8](repeating: 9, count: 32)) else {
      fatalError("no key to fuzz with")
    }
    return key
  }()

  static let record: MemberRecord = {
    let record = try? MemberRecord(
      key: key, name: "stranger", certificateFingerprint: [UInt8](repeating: 2, count: 32),
      sealingKey: [UInt8](repeating: 3, count: 32), addresses: [], capabilities: [], issued: now)
    guard let record else { fatalError("no record to fuzz with") }
    return record
  }()

  static func desk() -> InviterDesk {
    guard let genesis = try? SigningKey(secret: [UInt8](repeating: 8, count: 32)) else {
      fatalError("no genesis key to fuzz with")
    }
    let chain = GrantChain.issue(
      genesis: genesis, member: key.publicKey, role: .host, mayAdmit: true, at: now)
    guard
      let inviter = try? AdmittedMember(
        record: record, chain: chain, meeting: chain.meeting,
        revocations: RevocationSet(genesisKey: chain.genesisKey))
    else { fatalError("no inviter to fuzz with") }
    var book = InviteBook(member: record.id)
    _ = try? book.make(uses: 3, life: .seconds(60), heard: [], at: now, secrets: secrets)
    return InviterDesk(
      key: key, meeting: MeetingDescription(title: "Fuzz", inviter: inviter), book: book,
      clock: CivilClock(moment: .zero, time: now), secrets: secrets)
  }
}
