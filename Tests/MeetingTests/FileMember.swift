import Admission
import Files
import Foundation
import Foundations
import Links
import SwiftProtobuf
import Testing
import Wire

@testable import Meeting

/// A meeting in this process, on loopback, with its genesis key at hand to let members in.
struct FileMeeting {
  let session: MeetingSession
  let parts: SessionParts
  let ticket: MeetingTicket
  let genesis: SigningKey
  let journal: EventJournal
  let directory: String

  static func run(
    acceptedBytes: Int? = nil, _ body: (FileMeeting) async throws -> Void
  ) async throws {
    let path = NSTemporaryDirectory() + "virtue-" + SecretSource.system.bytes(8).hexadecimal
    var options = MeetingOptions(name: "Ada", dataDirectory: path)
    options.interfaces = ["lo"]
    options.downloads = path + "/downloads"
    options.acceptedBytes = acceptedBytes
    let session = try await MeetingSession.host(
      HostOptions(title: "Files", uses: 1, life: .seconds(600), isVisible: false),
      options: options)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let journal = EventJournal(session.events)
    do {
      let (parts, ticket) = await (session.parts, session.ticket)
      let file = "\(path)/genesis-\(ticket.meeting).key"
      let secret = try Data(contentsOf: URL(fileURLWithPath: file))
      let meeting = FileMeeting(
        session: session, parts: parts, ticket: ticket,
        genesis: try SigningKey(secret: Array(secret)), journal: journal,
        directory: path)
      try await body(meeting)
    } catch {
      await session.leave()
      throw error
    }
    await session.leave()
  }

  /// An offer by somebody who isn't linked.
  func offer(
    _ content: [[UInt8]], named name: String = "plan", by author: PeerID,
    number: UInt64 = .random(in: 1...UInt64.max)
  ) -> FileDesk.Offer {
    let bytes = withUnsafeBytes(of: number) { Array($0) }
    return FileDesk.Offer(
      entry: EntryID(bytes + bytes)!, author: author, name: name,
      shape: FileShape(
        byteCount: content.reduce(0) { $0 + $1.count }, hashes: content.map { digest($0) })!,
      digest: digest(content.flatMap { $0 }))
  }

  func write(_ bytes: [UInt8], to name: String) throws -> String {
    let path = "\(directory)/\(name)"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  /// Contents of chunks that are all different.
  static func chunks(_ count: Int) -> [[UInt8]] {
    (0..<count).map { [UInt8](repeating: UInt8($0 + 1), count: FileBounds.chunk) }
  }

  /// Offers a file of so many chunks.
  func sendPlan(
    ofChunks count: Int
  ) async throws -> (content: [[UInt8]], path: String, root: [UInt8]) {
    let content = Self.chunks(count)
    let path = try write(content.flatMap { $0 }, to: "plan.bin")
    return (content, path, await send(path))
  }

  /// Offers a file as its user does.
  /// - Returns: its root.
  func send(_ path: String) async -> [UInt8] {
    await session.take(line: "/send \(path)")
    let report = await journal.report(.complete)
    return await session.files.root(of: report.file)
  }
}

/// What a session tells, for a test to wait for.
actor EventJournal {
  private var events: [MeetingEvent] = []
  private var waiters: [CheckedContinuation<Void, Never>] = []

  init(_ stream: AsyncStream<MeetingEvent>) {
    Task { for await event in stream { await self.add(event) } }
  }

  private func add(_ event: MeetingEvent) {
    events.append(event)
    waiters.forEach { $0.resume() }
    waiters = []
  }

  /// The first, of the past or to come, of which something can be made. Suites have time limits.
  func first<Value: Sendable>(_ make: @Sendable (MeetingEvent) -> Value?) async -> Value {
    while true {
      if let value = events.lazy.compactMap(make).first { return value }
      await withCheckedContinuation { waiters.append($0) }
    }
  }

  /// Returns once the file was told of as complete so often.
  func completions(of file: EntryID, reach count: Int) async {
    await self.count(reaches: count) { event in
      if case .file(let report) = event {
        report.file == file && report.state == .complete
      } else {
        false
      }
    }
  }

  /// Returns once so many such events came.
  func count(reaches times: Int, where fits: @Sendable (MeetingEvent) -> Bool) async {
    while events.count(where: fits) < times {
      await withCheckedContinuation { waiters.append($0) }
    }
  }

  func warning(_ code: String) async -> String {
    await first { event in
      if case .warning(code, let message) = event { return message }
      return nil
    }
  }

  /// Those that were given so far.
  func warnings(_ code: String) -> [String] {
    events.compactMap { event in
      if case .warning(code, let message) = event { message } else { nil }
    }
  }

  /// Of the lines that were told, up to the one with this text.
  func texts(until last: String) async -> [String] {
    _ = await first { event in
      if case .chat(let line) = event, line.text == last { return true }
      return nil
    }
    return events.compactMap { event in
      if case .chat(let line) = event { line.text } else { nil }
    }
  }

  func reading(where fits: @Sendable (FileReading) -> Bool) async -> FileReading {
    await first { event in
      if case .reading(let reading) = event, fits(reading) { return reading }
      return nil
    }
  }

  /// A link that lets others in.
  func link() async -> String {
    await first { event in
      if case .invite(_, let link, _, _) = event { return link }
      return nil
    }
  }

  func joined(as name: String) async -> PeerID {
    await first { event in
      if case .memberJoined(let member, name) = event { return member }
      return nil
    }
  }

  /// Returns once media flow.
  func connected(to member: PeerID) async {
    _ = await first { event in
      if case .connected(member, _, _, _) = event { return true }
      return nil
    }
  }

  func report(_ state: FileReport.State) async -> FileReport {
    await first { event in
      if case .file(let report) = event, report.state == state { return report }
      return nil
    }
  }
}

/// A member, or somebody who says so, at the end of a stream for files.
final class FileMember: Sendable {
  let key: SigningKey
  let links: Links
  let membership: WireMembership

  var id: PeerID { PeerID(publicKey: key.publicKey) }

  /// - Parameter genesis: whose grant it has; the meeting's makes it a member.
  init(grantedBy genesis: SigningKey, key: SigningKey = SigningKey(from: .system)) throws {
    self.key = key
    let now = HostClock().wallTime()
    let certificate = try RunCertificate.make(now: now)
    links = try Links(certificate: certificate)
    let record = try MemberRecord(
      key: key, name: "Ben", certificateFingerprint: certificate.fingerprint,
      sealingKey: SealingKey(from: .system).publicKey, addresses: [], capabilities: [], issued: now)
    let chain = GrantChain.issue(
      genesis: genesis, member: key.publicKey, role: .member, mayAdmit: false, at: now)
    membership = .with {
      $0.record = record.signed
      $0.chain = chain.wire
    }
  }

  /// A stream on which it has said who it is, whatever the other side makes of it.
  func open(
    to session: MeetingSession, revoking removed: [WireSigned] = [],
    purpose: StreamPurpose = .files
  ) async throws -> FramedStream {
    let (parts, ticket) = await (session.parts, session.ticket)
    let stream = try await links.connect(
      to: NetworkAddress(host: "127.0.0.1", port: parts.listener.port), purpose: purpose)
    let proof = LinkProof(
      genesisKey: ticket.chain.genesisKey, initiator: links.certificate.fingerprint,
      responder: stream.peerFingerprint)
    stream.send(proof.opening(secrets: .system).wire)
    guard await stream.next() != nil else { return stream }
    let hello = WireLinkFrame.with {
      $0.hello = .with {
        $0.version = protocolVersion
        $0.membership = membership
        $0.revocations = removed
      }
    }
    stream.send(hello.wire)
    return stream
  }

  /// The same, once the other side has answered in kind.
  func connect(
    to session: MeetingSession, revoking removed: [WireSigned] = [],
    purpose: StreamPurpose = .files
  ) async throws -> FramedStream {
    let stream = try await open(to: session, revoking: removed, purpose: purpose)
    _ = try #require(await stream.next(), "a hello")
    return stream
  }

  /// Comes, gives of these chunks what it is asked for while `body` runs, and is gone after it.
  func give(
    _ content: [[UInt8]], of root: [UInt8], in meeting: FileMeeting,
    while body: () async throws -> Void
  ) async throws {
    let stream = try await connect(to: meeting.session)
    async let giving: Void = stream.give(content, of: root)
    do {
      try await body()
    } catch {
      stream.close()
      throw error
    }
    stream.close()
    try await giving
    await links.close()
  }
}

extension FramedStream {
  func send(_ message: FileMessage) { send(message.wire) }

  /// The next message that fits; `nil` when the stream ends before.
  func next(where fits: (FileMessage) -> Bool) async throws -> FileMessage? {
    while let bytes = await next() {
      let message = try FileMessage(bytes)
      if fits(message) { return message }
    }
    return nil
  }

  /// Answers as a member that has these chunks, until `isDone`. Who says that it fetches the file is told
  /// so again: what was said before may have come too early.
  func give(
    _ content: [[UInt8]], of root: [UInt8], only given: [Int]? = nil,
    until isDone: (FileMessage) -> Bool = { _ in false }
  ) async throws {
    var map = ChunkMap(chunkCount: content.count)
    for chunk in given ?? Array(content.indices) { map.insert(chunk) }
    let have = FileMessage.have(root: root, map: map.bytes)
    send(have)
    while let bytes = await next() {
      let message = try FileMessage(bytes)
      if isDone(message) { return }
      switch message {
      case .askList: send(.list(root: root, hashes: content.flatMap { digest($0) }))
      case .request(_, let chunk):
        #expect(map.contains(chunk), "asked for what it never had")
        send(.chunk(root: root, chunk: chunk, content[chunk]))
      case .have(root, _): send(have)
      case .have, .list, .chunk, .refusal, .gained: break
      }
    }
  }
}
