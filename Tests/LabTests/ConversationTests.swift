import Foundation
import LabSupport
import Testing

/// What is said reaches everybody, whatever becomes of cables and disks.
extension LabTests {
  @Test("Replies, edits, deletes, reactions, polls, votes and hands reach everybody, and are kept")
  func kinds() async throws {
    try await Lab.run(hosts: 2) { lab in
      let (members, _) = try await meet(lab, ["Ada", "Ben"], media: [])
      let (ada, ben) = (members[0], members[1])
      ada.say("teh plan")
      let said = try await ben.sees("chat") { $0.text == "teh plan" }
      let id = try #require(said.id)
      ben.say("/reply \(id.prefix(8)) what plan?")
      let reply = try await ada.sees("chat") { $0.chatKind == "reply" }
      #expect(reply.text == "what plan?" && reply.target == id)
      ada.say("/edit \(id.prefix(8)) the plan")
      try await ben.sees("chat") {
        $0.chatKind == "edit" && $0.text == "the plan" && $0.target == id
      }
      ben.say("/react \(id) 👍")
      try await ada.sees("chat") { $0.chatKind == "reaction" && $0.text == "👍" }
      ben.say("/delete \(id.prefix(8))")
      let refused = try await ben.sees("warning") { $0.code == "bad-command" }
      #expect(refused.message?.contains("somebody else's") == true)
      ada.say("/poll Tea? | Yes | No")
      let poll = try #require(try await ben.sees("chat") { $0.chatKind == "poll" }.id)
      ben.say("/vote \(poll.prefix(8)) 2")
      try await ada.sees("chat") { $0.chatKind == "vote" && $0.target == poll }
      ben.say("/hand")
      try await ada.sees("hand") { $0.isRaised == true && $0.name == "Ben" }
      ben.say("/hand down")
      try await ada.sees("hand") { $0.isRaised == false }
      // Nothing would be seen of the one, and whoever goes on writing doesn't mean to leave.
      ada.say("\u{200B}\u{3164}")
      ada.say("/leave me alone")
      let meant = try await ada.sees("warning") { $0.code == "bad-command" }
      #expect(meant.message == "Write it as /leave. To say the line, begin with two slashes.")
      ada.say("a secret")
      let secret = try #require(try await ben.sees("chat") { $0.text == "a secret" }.id)
      ada.say("/delete \(secret.prefix(8))")
      // Both come at once: the line isn't kept yet when the command is read.
      ada.say("oops\n/delete last")
      let slip = try #require(try await ada.sees("chat") { $0.text == "oops" }.id)
      try await ben.sees("chat") { $0.chatKind == "delete" && $0.target == slip }
      try await ben.sees("chat") { $0.chatKind == "delete" && $0.target == secret }
      for member in members { #expect(try await member.leave() == 0) }

      var hashes: Set<String> = []
      for member in members {
        let kept = try await history(of: member, ["--meeting", "latest"]).joined(separator: "\n")
        for part in ["Ada: the plan (edited)", "what plan?", "👍 Ben", "1 × No  (Ben)"] {
          #expect(kept.contains(part), "\(part) in \(kept)")
        }
        #expect(!kept.contains("secret") && !kept.contains("\u{3164}"))
        #expect(
          await !member.events.contains { $0.chatKind == "text" && $0.text?.isEmpty != false })
        let attendance = try await history(of: member, ["--meeting", "latest", "--attendance"])
        #expect(attendance.contains { $0.hasSuffix("Ada came") })
        #expect(attendance.contains { $0.hasSuffix("Ben left") } || member.name == "Ada")
        hashes.formUnion(try await history(of: member, ["--hash"]))
      }
      #expect(hashes.count == 1, "the same history everywhere")
    }
  }

  @Test("Lines piped in by who only then joins, and leaves at once, all arrive")
  func piped() async throws {
    try await Lab.run(hosts: 2) { lab in
      let ada = try Participant("Ada", ["host", "Lab"], in: lab, on: 1, media: [])
      let code = try await ada.code
      // Whoever comes back first asks the others for what they have of its own log.
      for (round, command) in [["join", code], ["join"]].enumerated() {
        let ben = try Participant("Ben", command, in: lab, on: 2, media: [])
        let count = 500
        for number in 0..<count { ben.say("line \(round) \(number)") }
        ben.say("/leave")
        #expect(try await ben.exit() == 0)
        try await ada.sees("chat") { $0.text == "line \(round) \(count - 1)" }
        let texts = await ada.events.filter { $0.kind == "chat" }.compactMap(\.text)
        let arrived = texts.filter { $0.hasPrefix("line \(round) ") }
        #expect(arrived == (0..<count).map { "line \(round) \($0)" })
        #expect(await !ben.events.contains { $0.kind == "warning" })
      }
      #expect(try await ada.leave() == 0)
    }
  }

  @Test("A meeting that lost all its members at once goes on when they come back")
  func reopened() async throws {
    try await Lab.run(hosts: 2) { lab in
      let (members, _) = try await meet(lab, ["Ada", "Ben"], media: [])
      for member in members {
        member.say("before, says \(member.name)")
        for other in members {
          try await other.sees("chat") { $0.text == "before, says \(member.name)" }
        }
      }
      for member in members { member.kill9() }
      for member in members { _ = try await member.exit() }
      func back(_ host: Int, _ arguments: [String]) throws -> Participant {
        let member = members[host - 1]
        return try Participant(
          member.name, arguments, in: lab, on: host, media: [], dataDirectory: member.dataDirectory)
      }
      let nobody = try back(2, ["join"])
      #expect(try await nobody.exit() == 68)
      // Whichever comes first.
      let again = [try back(1, ["join", "--reopen"]), try back(2, ["join", "--reopen"])]
      for member in again {
        try await member.sees("member-joined")
        member.say("back, says \(member.name)")
      }
      for member in again {
        for name in ["Ada", "Ben"] {
          try await member.sees("chat") { $0.text == "back, says \(name)" }
        }
      }
      for member in again { #expect(try await member.leave() == 0) }
      #expect(Set(try await hashes(of: again)).count == 1)
      let kept = try await history(of: again[0], ["--meeting", "latest"]).joined(separator: "\n")
      for name in ["Ada", "Ben"] {
        #expect(kept.contains("before, says \(name)") && kept.contains("back, says \(name)"))
      }
    }
  }

  /// `VIRTUE_COPIES` asks for more; of more than eight, the same eight are kept by everybody.
  @Test("What two copies of a data directory said apart is kept, and both sides are told of it")
  func copied() async throws {
    try await Lab.run(hosts: 2) { lab in
      let ada = try Participant("Ada", ["host", "Lab"], in: lab, on: 1, media: [])
      let count = ProcessInfo.processInfo.environment["VIRTUE_COPIES"].flatMap(Int.init) ?? 2
      let copies = (0..<count).map { "\(lab.directory)/copy\($0)" }
      let ben = try Participant(
        "Ben", ["join", try await ada.code], in: lab, on: 2, media: [], dataDirectory: copies[0])
      try await ben.sees("member-joined")
      #expect(try await ben.leave() == 0)
      for copy in copies[1...] { try FileManager.default.copyItem(atPath: copies[0], toPath: copy) }
      func back(_ copy: Int, _ command: [String] = ["join"]) throws -> Participant {
        try Participant("Ben", command, in: lab, on: 2, media: [], dataDirectory: copies[copy])
      }
      let lines = copies.indices.map { "from copy \($0)" }

      try await lab.part(2)
      for copy in copies.indices {
        let alone = try back(copy, ["join", "--reopen"])
        alone.say(lines[copy])
        try await alone.sees("chat") { $0.text == lines[copy] }
        #expect(try await alone.leave() == 0)
      }
      try await lab.rejoin(2)
      let first = try back(0)
      try await ada.sees("chat") { $0.text == lines[0] }
      #expect(try await first.leave() == 0)
      for copy in copies.indices.dropFirst().dropLast() {
        let member = try back(copy)
        try await member.sees("chat") { $0.text == lines[copy - 1] }
        #expect(try await member.leave() == 0)
      }
      let second = try back(count - 1)
      try await ada.sees("chat") { $0.text == lines[1] }
      let told = try await ada.sees("warning") { $0.code == "contradiction" }
      #expect(told.message?.hasPrefix("Ben has signed different lines") == true)
      let itself = try await second.sees("warning") { $0.code == "contradiction" }
      #expect(itself.message?.hasPrefix("Your key has signed different lines") == true)
      for member in [second, ada] { #expect(try await member.leave() == 0) }
      let hashes = [
        try await history(of: ada, ["--hash"]), try await history(of: second, ["--hash"]),
      ]
      #expect(Set(hashes).count == 1)
      let kept = try await history(of: ada, ["--meeting", "latest"]).joined(separator: "\n")
      #expect(lines.count { kept.contains($0) } == min(count, 8))
    }
  }

  /// `VIRTUE_PARTITION` asks for larger halves, `VIRTUE_PARTITION_SECONDS` for longer talk.
  @Test(
    "Two halves that were parted and talked on have one history within seconds of meeting again")
  func partition() async throws {
    let environment = ProcessInfo.processInfo.environment
    let half = environment["VIRTUE_PARTITION"].flatMap(Int.init) ?? 2
    let seconds = environment["VIRTUE_PARTITION_SECONDS"].flatMap(Int.init) ?? 3
    let names = (1...2 * half).map { "Member\($0)" }
    try await Lab.run(hosts: names.count) { lab in
      let (members, _) = try await meet(lab, names, media: [])
      for host in half + 1...2 * half { try await lab.part(host) }
      // Everybody has noticed.
      for (index, member) in members.enumerated() {
        for (other, name) in names.enumerated() where (index < half) != (other < half) {
          try await member.sees("member-left") { $0.name == name }
        }
      }
      for second in 0..<seconds {
        for member in members {
          member.say("second \(second) of \(member.name)")
          try await member.sees("chat") { $0.text == "second \(second) of \(member.name)" }
        }
        try await Task.sleep(for: .seconds(seconds > 10 ? 1 : 0))
      }
      let parted = try await hashes(of: members)
      #expect(Set(parted).count > 1, "each half has said what the other doesn't know")

      let healed = ContinuousClock.now
      for host in half + 1...2 * half { try await lab.rejoin(host) }
      let plugged = ContinuousClock.now
      // Each look takes a process for each member, so when they became equal is read from the events.
      while Set(try await hashes(of: members)).count > 1 {
        try #require(ContinuousClock.now - healed < .seconds(30), "no one history after 30 s")
      }
      var delay = Duration.zero
      for member in members {
        let last = await member.events.last { $0.kind == "chat" }
        delay = max(delay, try #require(last).arrived - plugged)
      }
      print("\(half) + \(half) members parted for \(seconds) rounds: one history after \(delay)")
      #expect(delay < .seconds(5))
      for member in members {
        let kept = try await history(of: member, ["--meeting", "latest", "--json"])
        #expect(kept.count == seconds * names.count, "\(member.name) kept \(kept.count)")
      }
    }
  }

  @Test("A member whose disk is full talks on, is told once, and keeps it all when there is room")
  func fullHistory() async throws {
    try await Lab.run(hosts: 2) { lab in
      let place = "\(lab.directory)/small"
      try await lab.shell("mkdir \(place) && mount -t tmpfs -o size=3m tmpfs \(place)", on: 2)
      let ada = try Participant("Ada", ["host", "Lab"], in: lab, on: 1, media: [])
      let code = try await ada.code
      let ben = try Participant(
        "Ben", ["join", code], in: lab, on: 2, media: [], dataDirectory: place + "/data")
      try await ben.sees("member-joined")
      ben.say("kept")
      try await ada.sees("chat") { $0.text == "kept" }
      try await lab.shell("dd if=/dev/zero of=\(place)/ballast bs=4k status=none || true", on: 2)
      // What the file has room for inside is still kept.
      for number in 0..<40 { ben.say("line \(number) " + String(repeating: "x", count: 3000)) }
      let warning = try await ben.sees("warning") { $0.code == "disk-full" }
      #expect(warning.message?.contains("Free some space") == true)
      try await ada.sees("chat") { $0.text?.hasPrefix("line 39 ") == true }
      ada.say("and you?")
      try await ben.sees("chat") { $0.text == "and you?" }
      try await lab.shell("rm \(place)/ballast", on: 2)
      ada.say("now there is room")
      try await ben.sees("chat") { $0.text == "now there is room" }

      let all = try await history(of: ada, ["--hash"])
      let start = ContinuousClock.now
      while try await hash(in: place + "/data", on: 2, of: lab) != all {
        try #require(ContinuousClock.now - start < .seconds(60), "not kept in the end")
      }
      print("all kept \(ContinuousClock.now - start) after there was room")
      let warnings = await ben.events.filter { $0.code == "disk-full" }
      #expect(warnings.count == 1)
      for member in [ben, ada] { #expect(try await member.leave() == 0) }
    }
  }

  @Test("Where nothing can be written a known member still meets, and is told that nothing is kept")
  func readOnly() async throws {
    try await Lab.run(hosts: 2) { lab in
      let place = "\(lab.directory)/fixed"
      try await lab.shell(
        "mkdir \(place) && mount -t tmpfs -o size=16m tmpfs \(place) && mkdir \(place)/new", on: 2)
      let ada = try Participant("Ada", ["host", "Lab"], in: lab, on: 1, media: [])
      let code = try await ada.code
      let first = try Participant(
        "Ben", ["join", code], in: lab, on: 2, media: [], dataDirectory: place + "/data")
      try await first.sees("member-joined")
      #expect(try await first.leave() == 0)
      let fixed = ContinuousClock.now
      try await lab.shell("mount -o remount,ro \(place)", on: 2)
      // It knows which meeting it was in.
      let ben = try Participant(
        "Ben", ["join"], in: lab, on: 2, media: [], dataDirectory: place + "/data")
      let warning = try await ben.sees("warning") { $0.code == "history-unwritable" }
      #expect(warning.message?.contains("nothing that is said is kept") == true)
      try await ada.sees("member-joined", after: fixed) { $0.name == "Ben" }
      ben.say("here I am")
      try await ada.sees("chat") { $0.text == "here I am" }
      ada.say("welcome")
      try await ben.sees("chat") { $0.text == "welcome" }
      // Nor could a key be kept.
      let cleo = try Participant(
        "Cleo", ["join", code], in: lab, on: 2, media: [], dataDirectory: place + "/new")
      let unkept = try await cleo.sees("warning") { $0.code == "key-unkept" }
      #expect(unkept.message?.contains("comes back as somebody new") == true)
      try await cleo.sees("chat") { $0.text == "welcome" }
      for member in [cleo, ben] { #expect(try await member.leave() == 0) }
    }
  }

  private func hashes(of members: [Participant]) async throws -> [String] {
    var all: [String] = []
    for member in members { all += try await history(of: member, ["--hash"]) }
    return all
  }

  private func hash(in directory: String, on host: Int, of lab: Lab) async throws -> [String] {
    let child = try lab.start(
      [Participant.program, "history", "--data-dir", directory, "--hash"], on: host)
    #expect(try await child.exit(within: .seconds(10)) == 0, "\(child.errors)")
    return await child.output.lines.map(\.text)
  }
}
