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
      try await plugIn(lab, on: 1)
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
        try await plugIn(lab, on: 1)
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

  @Test("Who uses one interface reaches nobody over another and is told why; of two each is tried")
  func dialsOverOne() async throws {
    try await Lab.run(hosts: 2) { lab in
      try await plugIn(lab, on: 2)
      let host = try Participant("Ada", ["host", "Lab"], in: lab, on: 1, media: [])
      let invite = try await host.sees("invite")
      let port = try #require(
        invite.link?.firstMatch(of: /10\.77\.0\.1:([0-9]+)/)?.output.1)
      let way = ["--peer", "\(lab.address(of: 1)):\(port)", "--interface", "eth1"]
      let join = ["join", try #require(invite.code)] + way
      let barred = try Participant("Cleo", join, in: lab, on: 2, media: [])
      #expect(try await barred.failure() == Refusal(code: "nobody-here", status: 68))
      let message = try await barred.sees("error").message ?? ""
      #expect(message.contains("Only eth1 was used"), "\(message)")
      let guest = try Participant(
        "Ben", join + ["--interface", "eth0"], in: lab, on: 2, media: [])
      try await guest.sees("member-joined")
      #expect(try await guest.leave() == 0)
      let again = try Participant(
        "Ben", ["join"] + way, in: lab, on: 2, media: [], dataDirectory: guest.dataDirectory)
      let warning = try await again.sees("warning") { $0.code == "peer-not-reached" }
      #expect(warning.message?.contains("over eth1. Only eth1 was used") == true)
      for member in [again, host] { #expect(try await member.leave() == 0) }
    }
  }

  @Test(
    "Who uses one interface goes on over no other when it is unplugged, only once it is back",
    arguments: ["code", "link"])
  func unplugged(invitation: String) async throws {
    try await Lab.run(hosts: 2) { lab in
      for host in 1...2 { try await lab.shell(Self.withoutIPv6, on: host) }
      // On the same switch as eth0, so that the host is reached over both.
      let plug =
        "ip link add link eth0 name eth1 type macvlan mode bridge && ip link set eth1 up"
        + " && ip addr add 10.77.0.102/24 dev eth1"
        + " && ip route replace 224.0.0.0/4 dev eth1"
      try await lab.shell(plug, on: 2)
      let host = try Participant("Ada", ["host", "Lab"], in: lab, on: 1, media: [])
      let invite = try await host.sees("invite")
      let words = try #require(invitation == "code" ? invite.code : invite.link)
      let guest = try Participant(
        "Ben", ["join", words, "--interface", "eth1"], in: lab, on: 2, media: [])
      for member in [host, guest] { try await member.sees("member-joined") }
      let unplugged = ContinuousClock.now
      try await lab.shell("ip link del eth1", on: 2)
      for member in [host, guest] { try await member.sees("member-left") }
      try await guest.sees("warning") { $0.code == "interface-gone" }
      // Both dial each other every second or two meanwhile.
      try await guest.sees("statistics", after: .now + .seconds(4))
      for member in [host, guest] {
        let returned = await member.events.filter {
          $0.kind == "member-joined" && $0.arrived > unplugged
        }
        #expect(returned.isEmpty, "\(member.name) went on over eth0")
      }
      let plugged = ContinuousClock.now
      try await lab.shell(plug, on: 2)
      for member in [host, guest] { try await member.sees("member-joined", after: plugged) }
      for member in [host, guest] { #expect(try await member.leave() == 0) }
    }
  }

  @Test(
    "Two on one computer who both keep to one interface meet, and their links keep to it",
    arguments: ["eth0", "lo"])
  func oneComputer(interface: String) async throws {
    try await Lab.run(hosts: 1) { lab in
      let host = try Participant(
        "Ada", ["host", "Lab", "--interface", interface], in: lab, on: 1, media: [])
      let guest = try Participant(
        "Ben", ["join", try await host.code, "--interface", interface], in: lab, on: 1, media: [])
      for member in [host, guest] { try await member.sees("member-joined") }
      // ss(8) shows the interface that a socket is bound to behind its address.
      try await lab.shell(
        "ss -tnH state established > \(lab.directory)/links"
          + " && grep -q '%\(interface):' \(lab.directory)/links"
          + " && ! grep -v '%\(interface):' \(lab.directory)/links", on: 1)
      for member in [guest, host] { #expect(try await member.leave() == 0) }
    }
  }

  /// A second interface of the host, with an address, that leads nowhere.
  private func plugIn(_ lab: Lab, on host: Int) async throws {
    try await lab.shell(
      "ip link add eth1 type veth peer name end1 && ip addr add 10.88.0.1/24 dev eth1"
        + " && ip link set eth1 up && ip link set end1 up", on: host)
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
