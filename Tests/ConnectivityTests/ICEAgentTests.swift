import Foundations
import Glibc
import Synchronization
import Testing

@testable import Connectivity

/// What an agent said, in a form that may cross threads.
enum ICEEvent: Sendable {
  case candidate(String)
  case gathered
  case state(ICEState)
  case datagram([UInt8])
}

/// An agent on a hall's thread, driven from a test.
final class TestAgent: @unchecked Sendable {
  // Safety: `agent` is touched on the hall's thread only, through `visit`.
  private let agent: ICEAgent
  private let hall: Hall
  let events: AsyncStream<ICEEvent>

  init(in hall: isolated Hall, _ configuration: ICEConfiguration) {
    self.hall = hall
    agent = hall.makeAgent(configuration)
    let (stream, continuation) = AsyncStream.makeStream(of: ICEEvent.self)
    events = stream
    agent.onCandidate = { continuation.yield(.candidate($0)) }
    agent.onGathered = { continuation.yield(.gathered) }
    agent.onState = { continuation.yield(.state($0)) }
    agent.onDatagram = { continuation.yield(.datagram($0)) }
  }

  func on<Result: Sendable>(
    _ body: @Sendable (ICEAgent) throws -> Result
  ) async rethrows -> Result {
    try await hall.visit { _ in try body(agent) }
  }

  /// Waits for the state, or for `failed`.
  func reach(_ wanted: ICEState) async -> Bool {
    for await event in events {
      if case .state(let state) = event {
        if state == wanted { return true }
        if state == .failed { return false }
      }
    }
    return false
  }

  func nextDatagram() async -> [UInt8]? {
    for await event in events {
      if case .datagram(let bytes) = event { return bytes }
    }
    return nil
  }
}

let loopbackOnly = ["lo"]

func makePair(in hall: Hall) async -> (TestAgent, TestAgent) {
  await hall.visit { hall in
    (
      TestAgent(in: hall, ICEConfiguration(controlling: true, interfaces: loopbackOnly)),
      TestAgent(
        in: hall,
        ICEConfiguration(
          controlling: false, credentials: .make(from: .system), interfaces: loopbackOnly))
    )
  }
}

/// Tells `one` what `other` knows of itself.
func introduce(_ other: TestAgent, to one: TestAgent) async throws {
  let credentials = try #require(await other.on { $0.localCredentials })
  let candidates = await other.on { $0.localCandidates }
  #expect(!candidates.isEmpty)
  let taken = await one.on { agent in
    agent.setRemote(credentials)
    return agent.addRemote(candidates: candidates)
  }
  #expect(taken == candidates.count)
}

func connect(_ one: TestAgent, _ other: TestAgent) async throws {
  try await one.on { try $0.gather() }
  try await other.on { try $0.gather() }
  try await introduce(one, to: other)
  try await introduce(other, to: one)
  #expect(await one.reach(.ready))
  #expect(await other.reach(.ready))
}

@Suite("An ICE agent")
struct ICEAgentTests {
  @Test("Two agents find each other over loopback and exchange datagrams")
  func exchange() async throws {
    try await withHall { hall in
      let (one, other) = await makePair(in: hall)
      try await connect(one, other)
      for (sender, receiver) in [(one, other), (other, one)] {
        for count in [1, 12, 1200, ICEAgent.datagramLimit] {
          let bytes = [UInt8](repeating: 0x80, count: count)
          #expect(await sender.on { $0.send(bytes) })
          #expect(await receiver.nextDatagram() == bytes)
        }
        #expect(await sender.on { !$0.send([]) })
        #expect(await sender.on { !$0.send([UInt8](repeating: 0x80, count: 2000)) })
      }
      let pair = try #require(await one.on { $0.selectedPair.map { [$0.local, $0.remote] } })
      let mirrored = try #require(await other.on { $0.selectedPair.map { [$0.remote, $0.local] } })
      #expect(pair == mirrored)
      #expect(pair.allSatisfy { $0.hasPrefix("host udp 127.0.0.1:") || $0.contains("[::1]:") })
    }
  }

  @Test("Credentials and candidates may trickle in, in any order")
  func trickle() async throws {
    try await withHall { hall in
      let (one, other) = await makePair(in: hall)
      try await one.on { try $0.gather() }
      try await other.on { try $0.gather() }
      let lines = await other.on { $0.localCandidates }
      #expect(await one.on { $0.addRemote(candidates: lines) } == lines.count)
      let credentials = try #require(await other.on { $0.localCredentials })
      await one.on { $0.setRemote(credentials) }
      let back = try #require(await one.on { $0.localCredentials })
      await other.on { $0.setRemote(back) }
      for line in await one.on({ $0.localCandidates }) {
        #expect(await other.on { $0.addRemote(candidates: ["a=" + line]) } == 1)
        #expect(await other.on { $0.addRemote(candidates: [line]) } == 0)
      }
      await other.on { $0.endRemoteCandidates() }
      #expect(await one.reach(.ready))
      #expect(await other.reach(.ready))
    }
  }

  @Test("A side that has no candidates of the other is reached by the other's checks")
  func reflexive() async throws {
    try await withHall { hall in
      let (one, other) = await makePair(in: hall)
      try await one.on { try $0.gather() }
      try await other.on { try $0.gather() }
      try await introduce(other, to: one)
      let back = try #require(await one.on { $0.localCredentials })
      await other.on { $0.setRemote(back) }
      #expect(await one.reach(.ready))
      #expect(await other.reach(.ready))
      let pair = try #require(await other.on { $0.selectedPair?.remote })
      #expect(pair.hasPrefix("prflx udp"))
    }
  }

  @Test("Gathering tells each candidate and its end, within the ports that were asked for")
  func gathering() async throws {
    try await withHall { hall in
      let ports: ClosedRange<UInt16> = 42_000...42_199
      let credentials = try #require(
        ICECredentials(ufrag: "abcd", password: "abcdefghijklmnopqrstuv"))
      let agent = await hall.visit { hall in
        TestAgent(
          in: hall,
          ICEConfiguration(
            controlling: true, credentials: credentials, ports: ports, interfaces: loopbackOnly))
      }
      try await agent.on { try $0.gather() }
      var lines: [String] = []
      for await event in agent.events {
        if case .candidate(let line) = event { lines.append(line) }
        if case .gathered = event { break }
      }
      #expect(await agent.on { $0.localCredentials } == credentials)
      #expect(await agent.on { $0.localCandidates } == lines)
      #expect(!lines.isEmpty)
      for line in lines {
        let candidate = try #require(ICECandidate(line))
        #expect(ports.contains(candidate.port))
        #expect(candidate.address.isLoopback && candidate.kind == .host)
      }
    }
  }

  @Test("Many agents share a range of ports")
  func manyInRange() async throws {
    try await withHall { hall in
      let ports: ClosedRange<UInt16> = 43_000...43_199
      let lines = try await hall.visit { hall in
        try (0..<30).flatMap { _ in
          let agent = hall.makeAgent(
            ICEConfiguration(controlling: true, ports: ports, interfaces: loopbackOnly))
          try agent.gather()
          return agent.localCandidates
        }
      }
      let candidates = try lines.map { try #require(ICECandidate($0)) }
      #expect(Set(candidates.map { "\($0.address) \($0.port)" }).count == lines.count)
      #expect(candidates.allSatisfy { ports.contains($0.port) })
    }
  }

  @Test("A range without a free port, and an interface that isn't there, are told in a sentence")
  func nothingToUse() async throws {
    try await withHall { hall in
      let code = await hall.visit { hall -> [String] in
        let port = UInt16(44_001)
        func attempt(_ configuration: ICEConfiguration, _ hall: isolated Hall) -> String {
          do {
            try hall.makeAgent(configuration).gather()
            return "fine"
          } catch {
            return error.code
          }
        }
        let narrow = ICEConfiguration(
          controlling: true, ports: port...port, interfaces: loopbackOnly)
        return [
          attempt(narrow, hall), attempt(narrow, hall),
          attempt(ICEConfiguration(controlling: true, interfaces: ["no-such0"]), hall),
        ]
      }
      #expect(code == ["fine", "no-port", "no-network"])
    }
  }

  @Test("After a restart the old path goes on until the new one stands")
  func restart() async throws {
    try await withHall { hall in
      let (one, other) = await makePair(in: hall)
      try await connect(one, other)
      let before = await one.on { $0.localCredentials }
      await one.on { $0.restart() }
      #expect(await one.on { $0.localCredentials } != before)
      #expect(await one.on { $0.send([0x80, 1]) })
      #expect(await other.nextDatagram() == [0x80, 1])
      await other.on { $0.restart(credentials: .make(from: .system)) }
      try await introduce(one, to: other)
      try await introduce(other, to: one)
      #expect(await one.reach(.ready))
      #expect(await other.reach(.ready))
      #expect(await other.on { $0.send([0x80, 2]) })
      #expect(await one.nextDatagram() == [0x80, 2])
    }
  }

  @Test("Wrong credentials lead nowhere, and say so")
  func wrongCredentials() async throws {
    try await withHall { hall in
      let (one, other) = await makePair(in: hall)
      try await one.on { try $0.gather() }
      try await other.on { try $0.gather() }
      let lines = await other.on { $0.localCandidates }
      await one.on { agent in
        agent.setRemote(.make(from: .system))
        agent.addRemote(candidates: lines)
      }
      #expect(await one.reach(.ready) == false)
      #expect(await one.on { !$0.send([0x80]) })
    }
  }

  @Test("Fifty agents leave no socket behind")
  func leaks() async throws {
    try await withHall { hall in
      for _ in 0..<50 {
        let sockets = try await hall.visit { hall in
          let agent = hall.makeAgent(
            ICEConfiguration(controlling: true, interfaces: loopbackOnly))
          agent.onState = { _ in }
          try agent.gather()
          let sockets = Set(agent.descriptors.map(inode))
          hall.closeAll()
          return sockets
        }
        #expect(!sockets.isEmpty)
        let open = openSockets()
        #expect(open.isDisjoint(with: sockets))
      }
    }
  }

  @Test("An agent that is released without being closed, on another thread, closes")
  func releasedElsewhere() async throws {
    let thread = MediaThread(name: "test")
    var sockets: Set<UInt64> = []
    do {
      let hall = Hall(thread: thread)
      sockets = try await hall.visit { hall in
        let agent = hall.makeAgent(ICEConfiguration(controlling: true, interfaces: loopbackOnly))
        try agent.gather()
        return Set(agent.descriptors.map(inode))
      }
    }
    thread.stop()
    #expect(!sockets.isEmpty && openSockets().isDisjoint(with: sockets))
  }

  @Test("An agent may be closed from inside its own callback, and is silent from then on")
  func closedInside() async throws {
    try await withHall { hall in
      let (one, other) = await makePair(in: hall)
      try await connect(one, other)
      let calls = Mutex(0)
      await other.on { agent in
        agent.onDatagram = { [unowned agent] _ in
          calls.withLock { $0 += 1 }
          agent.close()
        }
      }
      for _ in 0..<10 { _ = await one.on { $0.send([0x80]) } }
      while calls.withLock({ $0 }) == 0 { await hall.visit { _ in } }
      await hall.visit { _ in }
      #expect(calls.withLock { $0 } == 1)
      #expect(await other.on { $0.descriptors.isEmpty && !$0.send([0x80]) })
      #expect(await other.on { $0.localCandidates.isEmpty && $0.selectedPair == nil })
      await other.on { agent in
        agent.setRemote(.make(from: .system))
        agent.restart()
        agent.close()
      }
    }
  }

  @Test("Sockets hold a burst")
  func buffers() async throws {
    try await withHall { hall in
      let (one, other) = await makePair(in: hall)
      try await connect(one, other)
      let packet = [UInt8](repeating: 0x80, count: 1200)
      // A keyframe of 100 kB, unpaced.
      let sent = await one.on { agent in (0..<80).count { _ in agent.send(packet) } }
      #expect(sent == 80)
      for _ in 0..<80 { #expect(await other.nextDatagram()?.count == 1200) }
    }
  }
}

/// The kernel's number of the file behind a descriptor, which is never used again.
private func inode(_ descriptor: Int32) -> UInt64 {
  var status = stat()
  return fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : 0
}

private func openSockets() -> Set<UInt64> {
  Set((0..<4096).map { inode(Int32($0)) }.filter { $0 != 0 })
}
