import Foundation
import Foundations
import Glibc
import Testing

@testable import Connectivity

private let relayProgram = "/usr/bin/turnserver"

@Suite("An ICE agent behind a relay")
struct RelayTests {
  @Test(
    "Agents that may only go through coturn meet there, and give their ports back",
    .enabled(if: FileManager.default.isExecutableFile(atPath: relayProgram), "needs coturn"),
    .timeLimit(.minutes(1)))
  func relayed() async throws {
    let port = try await freePort()
    let log = FileManager.default.temporaryDirectory
      .appendingPathComponent("virtue-relay-\(UUID().uuidString).log")
    let server = Process()
    server.executableURL = URL(fileURLWithPath: relayProgram)
    server.arguments = [
      "-n", "-v", "--no-cli", "--no-tls", "--no-dtls", "-L", "127.0.0.1", "-E", "127.0.0.1", "-p",
      "\(port)", "--allow-loopback-peers", "--lt-cred-mech", "-u", "user:secret", "-r", "test",
      "--pidfile", log.path + ".pid", "--simple-log", "-l", log.path,
    ]
    server.standardOutput = FileHandle.nullDevice
    server.standardError = FileHandle.nullDevice
    try server.run()
    defer {
      kill(server.processIdentifier, SIGKILL)
      for path in [log.path, log.path + ".pid"] {
        try? FileManager.default.removeItem(atPath: path)
      }
    }
    let turn = TURNServer(
      address: NetworkAddress(host: "127.0.0.1", port: port), username: "user", password: "secret")
    try await withHall { hall in
      let (one, other) = await hall.visit { hall in
        (Self.agent(true, turn, hall), Self.agent(false, turn, hall))
      }
      for agent in [one, other] {
        // Asks until the server has started.
        try await agent.on { try $0.gather() }
        for await event in agent.events { if case .gathered = event { break } }
      }
      try await introduce(one, to: other)
      try await introduce(other, to: one)
      #expect(await one.reach(.connected))
      #expect(await other.reach(.connected))
      let pair = try #require(await one.on { $0.selectedPair.map { [$0.local, $0.remote] } })
      #expect(pair.allSatisfy { $0.hasPrefix("relay udp 127.0.0.1:") })
      #expect(await one.on { $0.send([0x80, 1]) })
      #expect(await other.nextDatagram() == [0x80, 1])
    }
    // The server writes its log when it likes; the time limit ends a wait in vain.
    while try String(contentsOf: log, encoding: .utf8)
      .components(separatedBy: "REFRESH processed, success").count < 3
    {
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  private static func agent(_ controlling: Bool, _ turn: TURNServer, _ hall: isolated Hall)
    -> TestAgent
  {
    TestAgent(
      in: hall,
      ICEConfiguration(
        controlling: controlling, interfaces: loopbackOnly, turn: turn, relayOnly: true))
  }

  /// A port that the kernel gave to an agent, since closed.
  private func freePort() async throws -> UInt16 {
    let lines = try await withHall { hall in
      try await hall.visit { hall in
        let agent = hall.makeAgent(ICEConfiguration(controlling: true, interfaces: loopbackOnly))
        try agent.gather()
        return agent.localCandidates
      }
    }
    return try #require(lines.compactMap { ICECandidate($0) }.first).port
  }
}
