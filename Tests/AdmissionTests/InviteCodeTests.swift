import Foundations
import Testing

@testable import Admission

private func code(_ text: String) throws -> InviteCode { try InviteCode(parsing: text) }

@Suite("Invite codes and links")
struct InviteCodeTests {
  @Test(
    "A code is understood however it is typed",
    arguments: [
      "7-lagoon-copper-finch", "7 lagoon copper finch", "  7--LAGOON _ Copper-finch-\n",
      "7-lago-copp-finc", "7, lagoon. copper; finch!", "007-lagoon-copper-finch",
      "7–lagoon—copper‐finch",
    ])
  func forgiving(text: String) throws {
    #expect(try code(text).description == "7-lagoon-copper-finch")
    #expect(try code(text).passwordBytes == Array("lagoon-copper-finch".utf8))
  }

  @Test(
    "What can't be a code is refused with its reason",
    arguments: [
      ("", "empty"), ("lagoon-copper-finch", "number"), ("0-lagoon-copper-finch", "number"),
      ("1000-lagoon-copper-finch", "number"), ("-7", "three words"),
      ("7-lagoon-copper", "has 2"), ("7-lagoon-copper-finch-zebra", "has 4"),
      ("7-lagon-copper-finch", "did you mean \"lagoon\"?"),
      ("7-lag-copper-finch", "did you mean \"lagoon\"?"),
      ("7-qqqqqq-copper-finch", "\"qqqqqq\" is not one of its words"),
      ("٧-lagoon-copper-finch", "number"), ("99999999999999999999-a-b-c", "number"),
    ])
  func refused(text: String, reason: String) throws {
    let failure = try #require(throws: Failure.self) { try code(text) }
    #expect(failure.code == "bad-code")
    #expect(failure.exit == .usage)
    #expect(failure.message.contains(reason), "\(failure.message)")
  }

  @Test("Hostile text is refused at once and can't steer the terminal")
  func hostile() throws {
    for text in [
      String(repeating: "a", count: 10_000_000), String(repeating: "-", count: 199),
      "7-" + String(repeating: "é", count: 60) + "-copper-finch",
      "7-\u{1B}[31mred\u{202E}-copper-finch", "7-\u{0}\u{0}-\u{0}",
      "7-" + String(repeating: "e\u{301}", count: 40) + "-a-b",
    ] {
      let failure = try #require(throws: Failure.self) { try code(text) }
      #expect(failure.message.count < 300)
      #expect(!failure.message.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{202E}" })
    }
  }

  @Test("Fresh codes read back, and their words are drawn from the whole list")
  func make() throws {
    let secrets = SecretSource.seeded(5)
    var words: Set<String> = []
    for number in 1...999 {
      let made = InviteCode.make(nameplate: number, secrets: secrets)
      #expect(try code(made.description) == made)
      words.formUnion(made.words)
    }
    // 2,997 draws from 2,048 leave about 474 out.
    #expect((1500...1650).contains(words.count))
  }

  @Test("A link holds code and addresses and reads back")
  func link() throws {
    let addresses = [
      NetworkAddress(host: "192.0.2.7", port: 4455),
      NetworkAddress(host: "2001:db8::7", port: 4455),
      NetworkAddress(host: "fe80::1%eth0", port: 1),
    ]
    let link = InviteLink(code: try code("7-lagoon-copper-finch"), addresses: addresses)
    #expect(
      link.description
        == "virtue://join?code=7-lagoon-copper-finch&at=192.0.2.7:4455"
        + "&at=%5B2001:db8::7%5D:4455&at=%5Bfe80::1%25eth0%5D:1")
    #expect(try InviteLink(parsing: link.description) == link)
    #expect(InviteLink.isLink(link.description))
    #expect(!InviteLink.isLink("7-lagoon-copper-finch"))
    let many = (1...20).map { NetworkAddress(host: "192.0.2.\($0)", port: 1) }
    #expect(InviteLink(code: link.code, addresses: many).addresses.count == 16)
  }

  @Test(
    "Links are understood as other programs pass them on",
    arguments: [
      "VIRTUE://JOIN?CODE=7-lagoon-copper-finch", "virtue:join?code=7-lagoon-copper-finch",
      "virtue://join/?code=7%2Dlagoon%2dcopper-finch&later=1#top",
      "virtue://join?&code=7%20lagoon%20copper%20finch&",
    ])
  func tolerant(text: String) throws {
    #expect(try InviteLink(parsing: text).code.description == "7-lagoon-copper-finch")
  }

  @Test(
    "Damaged links are refused",
    arguments: [
      ("http://join?code=7-lagoon-copper-finch", "bad-link"), ("virtue:", "bad-link"),
      ("virtue://join", "bad-link"), ("virtue://leave?code=7-lagoon-copper-finch", "bad-link"),
      ("virtue://join?at=192.0.2.7:4455", "bad-link"), ("virtue://join?code", "bad-link"),
      ("virtue://join?code=7-lagoon-copper-finch&at=example.org:1", "bad-link"),
      ("virtue://join?code=7-lagoon-copper-finch&at=192.0.2.7:0", "bad-link"),
      ("virtue://join?code=%ZZ", "bad-link"), ("virtue://join?code=%", "bad-link"),
      ("virtue://join?code=%FF", "bad-link"),
      ("virtue://join?code=7-lagon-copper-finch", "bad-code"),
      ("virtue://join?code=7-lagoon-copper-finch&code=7-lagoon-copper-finch", "bad-link"),
    ])
  func damaged(text: String, code: String) throws {
    let failure = try #require(throws: Failure.self) { try InviteLink(parsing: text) }
    #expect(failure.code == code)
  }

  @Test("A link with too many addresses, or too long, is refused")
  func bounds() {
    let many = String(repeating: "&at=192.0.2.7:4455", count: 17)
    for text in [
      "virtue://join?code=7-lagoon-copper-finch" + many,
      "virtue://join?code=7-lagoon-copper-finch#" + String(repeating: "x", count: 5000),
    ] {
      #expect(throws: Failure.self) { try InviteLink(parsing: text) }
    }
  }
}
