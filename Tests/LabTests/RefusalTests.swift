import Foundation
import LabSupport
import Testing

/// What is refused, each with a code for programs and an exit status, and what is put up with.
extension LabTests {
  @Test("A code that is malformed, nobody's, wrong or used up is refused by its own name")
  func codes() async throws {
    try await Lab.run(hosts: 2) { lab in
      let host = try Participant(
        "Ada", ["host", "Lab", "--uses", "1"], in: lab, on: 1, media: [])
      let code = try await host.code
      #expect(
        try await refusal(of: "no-such", as: "Malformed", in: lab)
          == Refusal(code: "bad-code", status: 64))
      #expect(
        try await refusal(of: unused(besides: code), as: "Nobodys", in: lab)
          == Refusal(code: "nobody-here", status: 68))
      #expect(
        try await refusal(of: altered(code), as: "Wrong", in: lab)
          == Refusal(code: "wrong-code", status: 77))

      let first = try Participant("First", ["join", code], in: lab, on: 2, media: [])
      try await first.sees("joined")
      try await host.sees("member-joined") { $0.name == "First" }
      // Right after the last use the answer sometimes is another one that asks to try again; each is
      // printed. Whoever does try again has to hear the reason.
      var second = try await refusal(of: code, as: "Second", in: lab)
      for attempt in 1...3 where [68, 75].contains(second.status) {
        print("a used-up code at attempt \(attempt): \(second)")
        second = try await refusal(of: code, as: "Second\(attempt)", in: lab)
      }
      #expect(second == Refusal(code: "code-used-up", status: 69))
      #expect(
        await host.events.filter { $0.kind == "member-joined" }.count == 1, "nobody else got in")
    }
  }

  // In a lab of its own: two meetings opened at once may draw the same number, one time in 99.
  @Test("A code that has expired is refused by that name")
  func expired() async throws {
    try await Lab.run(hosts: 2) { lab in
      let host = try Participant(
        "Ada", ["host", "Lab", "--life", "1s"], in: lab, on: 1, media: [])
      let invited = try await host.sees("invite")
      try await Task.sleep(until: invited.arrived + .seconds(1.2), clock: .continuous)
      #expect(
        try await refusal(of: invited.code ?? "", as: "Late", in: lab)
          == Refusal(code: "code-expired", status: 65))
    }
  }

  private func refusal(
    of code: String, as name: String, in lab: Lab
  ) async throws -> Refusal {
    try await Participant(name, ["join", code], in: lab, on: 2, media: []).failure()
  }

  @Test("A second process on the same data directory is told so")
  func dataDirectory() async throws {
    try await Lab.run(hosts: 1) { lab in
      let first = try Participant("Ada", ["host", "Lab"], in: lab, on: 1, media: [])
      _ = try await first.code
      let second = try Participant(
        "Ben", ["host", "Lab"], in: lab, on: 1, media: [], dataDirectory: first.dataDirectory)
      #expect(try await second.failure() == Refusal(code: "data-directory-in-use", status: 73))
      #expect(try await first.leave() == 0)
    }
  }

  @Test("A disk that fills up while recording ends the recording with a sentence, not the meeting")
  func fullDisk() async throws {
    try await Lab.run(hosts: 2) { lab in
      let recordings = "\(lab.directory)/small"
      try FileManager.default.createDirectory(
        atPath: recordings, withIntermediateDirectories: false)
      try await lab.shell("mount -t tmpfs -o size=256k tmpfs \(recordings)", on: 1)
      let host = try Participant(
        "Ada", ["host", "Lab", "--record", recordings], in: lab, on: 1)
      let guest = try Participant("Ben", ["join", try await host.code], in: lab, on: 2)
      try await host.sees("recording")
      let warning = try await host.sees("warning")
      #expect(warning.message?.contains(recordings) == true, "\(warning.message ?? "")")
      // The meeting goes on, with pictures.
      guest.say("still here")
      try await host.sees("chat") { $0.text == "still here" }
      try await host.sees("statistics", after: .now) { ($0.members.first?.received.fps ?? 0) > 10 }
      #expect(await host.events.filter { $0.kind == "warning" }.count == 1, "said once")
      for member in [guest, host] { #expect(try await member.leave() == 0) }
    }
  }

  @Test("Who begins without a network meets the others once there is one")
  func interfaceAppears() async throws {
    try await Lab.run(hosts: 2) { lab in
      try await lab.shell("ip link set eth0 down", on: 1)
      let host = try Participant("Ada", ["host", "Lab"], in: lab, on: 1)
      let code = try await host.code
      try await lab.shell(
        "ip link set eth0 up && ip route replace 224.0.0.0/4 dev eth0", on: 1)
      let guest = try Participant("Ben", ["join", code], in: lab, on: 2)
      for member in [host, guest] { try await member.sees("first-frame") }
      for member in [guest, host] { #expect(try await member.leave() == 0) }
    }
  }

  @Test("A stranger's garbage on every port and in mDNS disturbs nobody")
  func garbage() async throws {
    try await Lab.run(hosts: 3) { lab in
      let host = try Participant(
        "Ada", ["host", "Lab", "--port", "4455"], in: lab, on: 1)
      let code = try await host.code
      let early = try Participant("Ben", ["join", code], in: lab, on: 2)
      try await early.sees("first-frame")
      try await host.sees("first-frame")
      try await lab.shell(garbage(to: lab.address(of: 1), from: 4455), on: 3)

      // The meeting goes on, and still lets people in.
      early.say("after the storm")
      try await host.sees("chat") { $0.text == "after the storm" }
      let late = try Participant("Cleo", ["join", code], in: lab, on: 3)
      let joined = try await host.sees("member-joined") { $0.name == "Cleo" }
      try await host.sees("first-frame") { $0.member == joined.member }
      let frame = try await late.sees("first-frame")
      print("after garbage saw after \(frame.milliseconds ?? -1) ms: \(frame.steps)")
      #expect(await host.events.allSatisfy { $0.kind != "member-left" && $0.kind != "error" })
      for member in [late, early, host] { #expect(try await member.leave() == 0) }
    }
  }

  /// Random bytes, broken TLS greetings and half-open connections to TCP; random bytes and things
  /// that look like STUN, DTLS and RTP to UDP; hostile DNS messages to everybody.
  private func garbage(to address: String, from port: Int) -> String {
    """
    for i in $(seq 10); do
      { exec 3<>/dev/tcp/\(address)/\(port)
        head -c 30000 /dev/urandom >&3; exec 3>&-; } 2>/dev/null || true
      { exec 4<>/dev/tcp/\(address)/\(port)
        printf '\\x16\\x03\\x01\\xff\\xff\\x01\\x00\\xff\\xfb\\x03\\x03' >&4; } 2>/dev/null || true
      exec {idle}<>/dev/tcp/\(address)/\(port) || true
    done
    for p in $(seq \(port) \(port + 20)); do
      for head in '\\x00\\x01\\x00\\x08\\x21\\x12\\xa4\\x42' '\\x16\\xfe\\xfd\\x00\\x00' \\
        '\\x80\\x60\\x00\\x01' '\\x81\\xce\\xff\\xff' '\\xff'; do
        { printf "$head"; head -c 700 /dev/urandom; } |
          dd bs=1000 iflag=fullblock status=none >/dev/udp/\(address)/$p || true
      done
    done 2>/dev/null
    for i in $(seq 20); do
      head -c 900 /dev/urandom >/dev/udp/224.0.0.251/5353
      printf '\\0\\0\\x84\\0\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xc0\\x0c' \\
        >/dev/udp/224.0.0.251/5353
      printf '\\0\\0\\x84\\0\\0\\0\\0\\1\\0\\0\\0\\0\\x07_virtue\\x04_tcp\\x05local\\0' \\
        >/dev/udp/224.0.0.251/5353
    done
    true
    """
  }
}

/// The code with another last word.
private func altered(_ code: String) -> String {
  var words = code.split(separator: "-").map(String.init)
  words[3] = words[3] == words[2] ? words[1] : words[2]
  return words.joined(separator: "-")
}

/// A code with another nameplate, which is its number.
private func unused(besides code: String) -> String {
  let parts = code.split(separator: "-").map(String.init)
  return ([parts[0] == "7" ? "8" : "7"] + parts[1...]).joined(separator: "-")
}
