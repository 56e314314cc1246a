import Foundation
import LabSupport
import Testing

/// Members that use one interface only.
extension LabTests {
  @Test("Who uses one interface is reached at the address that it gets later")
  func laterAddress() async throws {
    try await Lab.run(hosts: 2) { lab in
      // One family at a time, so that nothing else saves the day.
      for host in 1...2 { try await lab.shell(Self.withoutIPv6, on: host) }
      let host = try Participant("Ada", Self.host, in: lab, on: 1, media: [])
      _ = try await host.code
      try await lab.shell(
        "ip addr flush dev eth0 scope global && ip addr add 10.77.0.201/24 dev eth0"
          + " && ip route replace 224.0.0.0/4 dev eth0", on: 1)
      let changed = ContinuousClock.now
      host.say("/invite")
      let code = try await host.sees("invite", after: changed).code ?? ""
      try await reaches(host, by: code, in: lab)
    }
  }

  @Test("Who uses one interface is reached at an address that wasn't usable yet at the start")
  func tentativeAddress() async throws {
    try await Lab.run(hosts: 2) { lab in
      // Five questions, one a second, whether somebody has the address: RFC 4862 §5.4.
      try await lab.shell(
        "ip link set eth0 down && sysctl -qw net.ipv6.conf.all.accept_dad=1"
          + " net.ipv6.conf.eth0.accept_dad=1 net.ipv6.conf.eth0.dad_transmits=5"
          + " && ip link set eth0 up && ip route replace 224.0.0.0/4 dev eth0", on: 1)
      let host = try Participant("Ada", Self.host, in: lab, on: 1, media: [])
      let code = try await host.code
      try await lab.shell("ip -6 addr show dev eth0 tentative | grep -q fe80", on: 1)
      try await lab.shell(
        "until ip -6 addr show dev eth0 -tentative | grep -q fe80; do sleep 0.05; done", on: 1)
      for host in 1...2 {
        try await lab.shell("ip addr flush dev eth0 scope global", on: host)
      }
      try await reaches(host, by: code, in: lab)
    }
  }

  @Test("What comes over another interface isn't taken, even for the address of the one in use")
  func otherInterface() async throws {
    try await Lab.run(hosts: 2) { lab in
      try await lab.shell(
        "ip link add eth1 type veth peer name end1 && ip addr add 10.88.0.1/24 dev eth1"
          + " && ip link set eth1 up && ip link set end1 up", on: 1)
      try await lab.shell("ip route add 10.88.0.0/24 via \(lab.address(of: 1))", on: 2)
      let host = try Participant(
        "Ada", ["host", "Lab", "--interface", "eth1", "--port", "4455"], in: lab, on: 1, media: [])
      _ = try await host.code
      try await lab.shell("exec 3<>/dev/tcp/10.88.0.1/4455", on: 1)
      for address in ["10.88.0.1", lab.address(of: 1)] {
        await #expect(throws: LabError.self, "\(address)") {
          try await lab.shell("exec 3<>/dev/tcp/\(address)/4455", on: 2)
        }
      }
      #expect(try await host.leave() == 0)
    }
  }

  @Test("An interface that comes later, or is unplugged and comes back, is listened on too")
  func laterInterface() async throws {
    try await Lab.run(hosts: 1) { lab in
      let host = try Participant(
        "Ada", Self.host + ["--interface", "eth1", "--port", "4455"], in: lab, on: 1, media: [])
      _ = try await host.code
      for _ in 1...2 {
        try await lab.shell(
          "ip link add eth1 type veth peer name end1 && ip addr add 10.88.0.1/24 dev eth1"
            + " && ip link set eth1 up && ip link set end1 up", on: 1)
        try await lab.shell(
          "until { exec 3<>/dev/tcp/10.88.0.1/4455; } 2>/dev/null; do sleep 0.05; done", on: 1)
        let plugged = ContinuousClock.now
        host.say("/invite")
        let invite = try await host.sees("invite", after: plugged)
        #expect(invite.link?.contains("10.88.0.1:4455") == true, "\(invite.link ?? "")")
        try await lab.shell("ip link del eth1", on: 1)
      }
      #expect(try await host.leave() == 0)
    }
  }

  @Test("A file is fetched from who has got another address since the others met it")
  func fileFromLaterAddress() async throws {
    try await Lab.run(hosts: 2) { lab in
      for host in 1...2 { try await lab.shell(Self.withoutIPv6, on: host) }
      let (members, _) = try await meet(lab, ["Ada", "Ben"], media: [])
      let (ada, ben) = (members[0], members[1])
      let changed = ContinuousClock.now
      try await lab.shell(
        "ip addr flush dev eth0 scope global && ip addr add 10.77.0.201/24 dev eth0"
          + " && ip route replace 224.0.0.0/4 dev eth0", on: 1)
      let path = "\(lab.directory)/plan.bin"
      let content = Data((0..<500_000).map { UInt8(truncatingIfNeeded: $0 / 251) })
      try content.write(to: URL(fileURLWithPath: path))
      ada.say("/send \(path) for Monday")
      let offer = try await ben.sees("chat", after: changed) { $0.chatKind == "file" }
      ben.say("/accept \(try #require(offer.id?.prefix(8)))")
      let received = try await ben.sees("file", within: .seconds(20)) { $0.state == "complete" }
      #expect(try Data(contentsOf: URL(fileURLWithPath: #require(received.path))) == content)
      for member in members { #expect(try await member.leave() == 0) }
    }
  }

  /// Ben gets in from host 2, and both leave.
  private func reaches(_ host: Participant, by code: String, in lab: Lab) async throws {
    let guest = try Participant("Ben", ["join", code], in: lab, on: 2, media: [])
    try await guest.sees("joined")
    for member in [guest, host] { #expect(try await member.leave() == 0) }
  }

  private static let host = ["host", "Lab", "--interface", "eth0"]
  private static let withoutIPv6 = "sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1"
}
