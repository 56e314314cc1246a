// sdp-adapter: the media path of a meeting, with SDP for signalling instead of the mesh. Takes
// commands as lines of JSON on standard input and answers each with one on standard output:
//
//   sdp-adapter --clip SENT.y4m --size 640x360x30 --sound SENT.wav --speaker HEARD.wav --expected CLIP.y4m
//
//   {"command":"offer"}             {"sdp":…}
//   {"command":"answer","sdp":…}    {"sdp":…}
//   {"command":"accept","sdp":…}    {}
//   {"command":"connect"}           {} once media flows
//   {"command":"reset"}             {}; counts from here
//   {"command":"keyframe"}          {}; asks the other side for one
//   {"command":"report"}            figures
//
// The end of the input ends it. Only the loopback interface is used.
import Capture
import Foundation
import Foundations
import Links
import Meeting
import Playback
import RTP
import Signalling
import Wire

struct Command: Decodable {
  var command: String
  var sdp: String?
}

struct Reply: Encodable {
  var sdp: String?
  var error: String?
  var report: Report?
}

struct Report: Encodable {
  var watched: Watcher.Findings
  var framesSent: Int
  var keyframesSent: Int
  var retransmissionsSent: Int
  var keyframesAskedOfUs: Int
  var framesReceived: Int
  var framesDecoded: Int
  var packetsRepaired: Int
  var retransmissionsAsked: Int
  var keyframesAsked: Int
  var packetsLost: Int
  var soundPacketsReceived: Int
  var malformed: Int
  var roundTripMilliseconds: Double?
  var pair: String
}

struct Arguments {
  var values: [String: String] = [:]

  init(_ words: [String]) {
    var words = words[...]
    while let name = words.popFirst(), let value = words.popFirst() { values[name] = value }
  }

  func callAsFunction(_ name: String) throws -> String {
    guard let value = values[name] else { throw SDP.Malformed(description: "\(name) is missing") }
    return value
  }
}

actor Adapter {
  private let media: MeetingMedia
  private let watcher: Watcher
  private let peer = PeerID(publicKey: SigningKey(from: .system).publicKey)
  private let session: UInt64 = 1
  private var local: LocalDescription?
  private var localWaiters: [CheckedContinuation<LocalDescription, any Error>] = []
  private var pair: String?
  private var pairWaiters: [CheckedContinuation<Void, any Error>] = []
  private var failure: String?
  private var before: RTPStatistics?

  init(_ arguments: Arguments) throws {
    let clock = HostClock()
    var options = MeetingOptions(name: "adapter", dataDirectory: "/nonexistent")
    options.camera = .file(try arguments("--clip"))
    let size = try arguments("--size").split(separator: "x").compactMap { Int($0) }
    guard size.count == 3 else { throw SDP.Malformed(description: "--size is no size") }
    options.video = VideoSettings(width: size[0], height: size[1], framesPerSecond: size[2])
    options.microphone = .file(try arguments("--sound"))
    options.speaker = .file(try arguments("--speaker"))
    options.interfaces = ["lo"]
    watcher = Watcher(clip: try Clip(path: try arguments("--expected")))
    media = try MeetingMedia(
      options: options, certificate: RunCertificate.make(now: clock.wallTime()), clock: clock,
      secrets: .system, emit: { FileHandle.standardError.write(Data("\($0)\n".utf8)) })
  }

  func begin() {
    media.expect(peer, name: "aiortc")
    media.start()
    Task {
      for await (_, report) in media.reports { take(report) }
    }
    // The newest picture is all that a window would ask for; this asks often enough to see each.
    Task.detached { [media, watcher, peer] in
      while !Task.isCancelled {
        if let picture = media.latestPicture(of: peer) { watcher.look(at: picture) }
        try await Task.sleep(for: .milliseconds(8))
      }
    }
  }

  func end() async { await media.stop() }

  private func take(_ report: CallReport) {
    switch report {
    case .gathered(_, let description):
      local = description
      for waiter in localWaiters { waiter.resume(returning: description) }
      localWaiters = []
    case .connected(let local, let remote):
      pair = "\(local) - \(remote)"
      for waiter in pairWaiters { waiter.resume() }
      pairWaiters = []
    case .failed(_, let reason):
      failure = reason
      for waiter in localWaiters { waiter.resume(throwing: SDP.Malformed(description: reason)) }
      for waiter in pairWaiters { waiter.resume(throwing: SDP.Malformed(description: reason)) }
      (localWaiters, pairWaiters) = ([], [])
    case .candidate, .reachable, .secured, .picture, .sound, .keyframeWanted, .firstPicture: break
    }
  }

  func carryOut(_ command: Command) async -> Reply {
    do {
      switch command.command {
      case "offer":
        media.prepare(peer, session: session, isControlling: true)
        let local = try await gathered()
        return Reply(sdp: SDP.write(local, sections: SDP.offeredSections, setup: "actpass"))
      case "answer":
        let offer = try SDP.parse(command.sdp ?? "")
        media.prepare(peer, session: session, isControlling: false)
        let local = try await gathered()
        media.apply(offer.description, to: peer, session: session, role: .client)
        return Reply(sdp: SDP.write(local, sections: offer.sections, setup: "active"))
      case "accept":
        let answer = try SDP.parse(command.sdp ?? "")
        media.apply(
          answer.description, to: peer, session: session,
          role: answer.setup == "passive" ? .client : .server)
        return Reply()
      case "connect":
        try await connected()
        return Reply()
      case "reset":
        watcher.reset()
        before = await media.takeStatistics().rtp[peer]
        return Reply()
      case "keyframe":
        media.requestKeyframe(from: peer)
        return Reply()
      case "report": return Reply(report: await report())
      case let other: return Reply(error: "unknown command \(other)")
      }
    } catch {
      return Reply(error: "\(error)")
    }
  }

  private func gathered() async throws -> LocalDescription {
    if let failure { throw SDP.Malformed(description: failure) }
    if let local { return local }
    return try await withCheckedThrowingContinuation { localWaiters.append($0) }
  }

  private func connected() async throws {
    if let failure { throw SDP.Malformed(description: failure) }
    if pair != nil { return }
    try await withCheckedThrowingContinuation { pairWaiters.append($0) }
  }

  private func report() async -> Report {
    let figures = await media.takeStatistics()
    let now = figures.rtp[peer]
    func since(_ path: KeyPath<RTPStatistics, Int>) -> Int {
      (now?[keyPath: path] ?? 0) - (before?[keyPath: path] ?? 0)
    }
    return Report(
      watched: watcher.findings, framesSent: since(\.sentVideo.frames),
      keyframesSent: since(\.sentVideo.keyframes),
      retransmissionsSent: since(\.sentVideo.retransmissions),
      keyframesAskedOfUs: since(\.sentVideo.keyframeRequests),
      framesReceived: since(\.receivedVideo.frames),
      framesDecoded: figures.pictures.received[peer]?.frames ?? 0,
      packetsRepaired: since(\.receivedVideo.repaired),
      retransmissionsAsked: since(\.receivedVideo.retransmissionRequests),
      keyframesAsked: since(\.receivedVideo.keyframeRequests),
      packetsLost: since(\.receivedVideo.lost),
      soundPacketsReceived: since(\.receivedSound.packets), malformed: since(\.malformed),
      roundTripMilliseconds: now?.roundTrip.map { Double($0 / .microseconds(1)) / 1000 },
      pair: pair ?? "")
  }
}

do {
  let adapter = try Adapter(Arguments(Array(CommandLine.arguments.dropFirst())))
  await adapter.begin()
  while let line = readLine() {
    let reply: Reply
    do {
      reply = await adapter.carryOut(try JSONDecoder().decode(Command.self, from: Data(line.utf8)))
    } catch {
      reply = Reply(error: "\(error)")
    }
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    FileHandle.standardOutput.write(try encoder.encode(reply) + Data("\n".utf8))
  }
  await adapter.end()
} catch {
  FileHandle.standardError.write(Data("sdp-adapter: \(error)\n".utf8))
  exit(1)
}
