import Foundation
import LabSupport
import Testing

/// Files get through, whoever dies on the way.
extension LabTests {
  @Test("A receiver killed midway goes on where it was, from the others, after the sender is gone")
  func filePassesOn() async throws {
    try await Lab.run(hosts: 3) { lab in
      let (members, _) = try await meet(lab, ["Ada", "Ben", "Cleo"], media: [])
      let (ada, ben, cleo) = (members[0], members[1], members[2])
      let file = "\(lab.directory)/plan.bin"
      var content = Data(count: 60_000_000)
      for index in stride(from: 0, to: content.count, by: 4099) {
        content[index] = UInt8(truncatingIfNeeded: index / 4099)
      }
      try content.write(to: URL(fileURLWithPath: file))
      ada.say("/send \(file) for Monday")
      let offer = try await ben.sees("chat") { $0.chatKind == "file" }
      let id = try #require(offer.id?.prefix(8))
      try await cleo.sees("chat") { $0.chatKind == "file" }
      ben.say("/accept \(id)")
      cleo.say("/accept \(id)")
      try await cleo.sees("file") {
        $0.state == "fetching" && ($0.bytes ?? 0) > 0 || $0.state == "complete"
      }
      cleo.kill9()
      let received = try await ben.sees("file") { $0.state == "complete" }
      #expect(try Data(contentsOf: URL(fileURLWithPath: #require(received.path))) == content)
      ada.kill9()
      let again = try Participant(
        "Cleo", ["join"], in: lab, on: 3, media: [], dataDirectory: cleo.dataDirectory)
      let finished = try await again.sees("file") { $0.state == "complete" }
      #expect(try Data(contentsOf: URL(fileURLWithPath: #require(finished.path))) == content)
    }
  }
}
