import Foundation
import Foundations
import Testing
import Wire

@testable import Meeting

@Suite("What a member says of itself on mDNS")
struct ServiceRecordTests {
  @Test("A record comes back as it was published")
  func roundTrip() {
    let record = ServiceRecord(
      nameplates: [7, 999], tag: "0123456789abcdef",
      visible: .init(title: "Standup", host: "Ada"))
    let read = ServiceRecord(attributes: record.attributes)
    #expect(read.version == 1)
    #expect(read.nameplates == [7, 999])
    #expect(read.tag == "0123456789abcdef")
    #expect(read.visible?.title == "Standup")
    #expect(read.visible?.host == "Ada")
  }

  @Test("Title and host are told only by whoever chose to be visible")
  func invisible() {
    let attributes = ServiceRecord(nameplates: [7], tag: "0", visible: nil).attributes
    #expect(Set(attributes.keys) == ["v", "n", "m"])
  }

  @Test("What makes no sense in a stranger's record is left out")
  func garbage() {
    let read = ServiceRecord(attributes: [
      "v": "-1", "n": "0 1000 x 12 99999999999999999999", "title": "\u{1B}[2J\u{202E}evil",
    ])
    #expect(read.version == nil)
    #expect(read.nameplates == [12])
    #expect(read.tag == nil)
    #expect(read.visible?.title == "[2Jevil")
    #expect(read.visible?.host == "somebody")
  }
}

@Suite("The data directory")
struct DataDirectoryTests {
  private let path = NSTemporaryDirectory() + "virtue-" + SecretSource.system.bytes(8).hexadecimal

  @Test("It serves one program at a time, and says so to the second")
  func lock() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let first = try DataDirectory(path: path)
    #expect(throws: Failure.self) { try DataDirectory(path: path) }
    withExtendedLifetime(first) {}
  }

  @Test("The key is made once, and only its owner may read it")
  func key() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let directory = try DataDirectory(path: path)
    let key = try directory.signingKey(secrets: .system)
    #expect(try directory.signingKey(secrets: .system).publicKey == key.publicKey)
    let attributes = try FileManager.default.attributesOfItem(atPath: path + "/member.key")
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
  }

  @Test("A damaged key is refused, never replaced")
  func damagedKey() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let directory = try DataDirectory(path: path)
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path + "/member.key"))
    #expect(throws: Failure.self) { try directory.signingKey(secrets: .system) }
    #expect(FileManager.default.contents(atPath: path + "/member.key") == Data([1, 2, 3]))
  }

  @Test("A link to a key that isn't there now is refused with its target, and left as it is")
  func absentKey() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let directory = try DataDirectory(path: path)
    let (link, target) = (path + "/member.key", path + "/stick/member.key")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    let refusal = #expect(throws: Failure.self) { try directory.signingKey(secrets: .system) }
    #expect(refusal?.code == "unreadable-key")
    #expect(refusal?.message.contains(target) == true)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == target)
    // Once the stick is in, its key is used.
    try FileManager.default.createDirectory(
      atPath: path + "/stick", withIntermediateDirectories: false)
    let key = SigningKey(from: .system)
    try Data(key.secret).write(to: URL(fileURLWithPath: target))
    #expect(try directory.signingKey(secrets: .system).publicKey == key.publicKey)
  }
}
