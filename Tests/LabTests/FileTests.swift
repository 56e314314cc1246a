import Foundation
import LabSupport
import Testing

/// Files get through, whoever dies on the way and whatever disks do.
extension LabTests {
  /// Bytes of which no two chunks are alike.
  private func makeFile(_ lab: Lab, bytes: Int) throws -> (path: String, content: Data) {
    let path = "\(lab.directory)/plan.bin"
    var content = Data(count: bytes)
    for index in stride(from: 0, to: content.count, by: 4099) {
      content[index] = UInt8(truncatingIfNeeded: index / 4099)
    }
    try content.write(to: URL(fileURLWithPath: path))
    return (path, content)
  }

  @Test("A receiver killed midway goes on where it was, from the others, after the sender is gone")
  func filePassesOn() async throws {
    try await Lab.run(hosts: 3) { lab in
      let (members, _) = try await meet(lab, ["Ada", "Ben", "Cleo"], media: [])
      let (ada, ben, cleo) = (members[0], members[1], members[2])
      let (file, content) = try makeFile(lab, bytes: 16_000_000)
      // Nearly three seconds at the least until anybody has all of it.
      try await lab.shell(
        "tc qdisc add dev eth0 root tbf rate 48mbit burst 64kb latency 100ms", on: 1)
      ada.say("/send \(file) for Monday")
      let offer = try await ben.sees("chat") { $0.chatKind == "file" }
      let id = try #require(offer.id?.prefix(8))
      try await cleo.sees("chat") { $0.chatKind == "file" }
      ben.say("/accept \(id)")
      cleo.say("/accept \(id)")
      try await cleo.sees("file") { $0.state == "fetching" && ($0.bytes ?? 0) > 1_000_000 }
      cleo.kill9()
      _ = try await cleo.exit()
      let cleosEvents = await cleo.events
      let had = cleosEvents.compactMap { $0.kind == "file" ? $0.bytes : nil }.max() ?? 0
      #expect(had < content.count && !cleosEvents.contains { $0.state == "complete" })
      let received = try await ben.sees("file") { $0.state == "complete" }
      #expect(try Data(contentsOf: URL(fileURLWithPath: #require(received.path))) == content)
      ada.kill9()
      let again = try Participant(
        "Cleo", ["join"], in: lab, on: 3, media: [], dataDirectory: cleo.dataDirectory)
      // It begins with what was kept: nobody is asked for that again.
      let resumed = try await again.sees("file") { $0.state == "fetching" }
      #expect((resumed.bytes ?? 0) >= had)
      let finished = try await again.sees("file") { $0.state == "complete" }
      #expect(try Data(contentsOf: URL(fileURLWithPath: #require(finished.path))) == content)
    }
  }

  @Test(
    "On a full disk fetching waits for room, and for a folder that can be written; the talk goes on"
  )
  func filesOnFullDisk() async throws {
    try await Lab.run(hosts: 2) { lab in
      let ada = try Participant("Ada", ["host", "Lab"], in: lab, on: 1, media: [])
      let (data, downloads) = ("\(lab.directory)/Ben", "\(lab.directory)/downloads")
      try await lab.shell(
        """
        mkdir -p \(data)/files \(downloads)
        mount -t tmpfs -o size=4m tmpfs \(data)/files
        mount -t tmpfs -o ro tmpfs \(downloads)
        """, on: 2)
      let ben = try Participant(
        "Ben", ["join", try await ada.code, "--downloads", downloads], in: lab, on: 2, media: [],
        dataDirectory: data)
      try await ada.sees("member-joined") { $0.name == "Ben" }
      let (file, _) = try makeFile(lab, bytes: 12_000_000)
      ada.say("/send \(file)")
      let offer = try await ben.sees("chat") { $0.chatKind == "file" }
      ben.say("/accept \(try #require(offer.id).prefix(8))")
      let full = try await ben.sees("warning") { $0.code == "file-disk" }
      #expect(full.message?.contains("No space left on device") == true)
      ada.say("still here?")
      try await ben.sees("chat") { $0.text == "still here?" }
      ben.say("yes")
      try await ada.sees("chat") { $0.text == "yes" }

      try await lab.shell("mount -o remount,size=64m \(data)/files", on: 2)
      let place = try await ben.sees("warning") { $0.code == "file-place" }
      #expect(place.message?.contains("Read-only file system") == true)
      try await lab.shell("mount -o remount,rw \(downloads)", on: 2)
      try await ben.sees("file") { $0.state == "complete" }
      try await lab.shell("cmp \(file) \(downloads)/plan.bin", on: 2)
    }
  }
}
