import Foundation
import Foundations
import Testing

@testable import Admission

/// What the vectors' file holds; bytes are hexadecimal.
private struct Vectors: Decodable {
  struct Exchange: Decodable {
    let PRS, CI, sid, g, ya, ADa, Ya, yb, ADb, Yb, K, ISK_IR: String
  }
  struct Points: Decodable {
    struct Valid: Decodable {
      let s, X: String
      let product: String
      enum CodingKeys: String, CodingKey {
        case s, X
        case product = "G.scalar_mult_vfy(s,X)"
      }
    }
    let valid: Valid
    let invalid1, invalid2: String
    enum CodingKeys: String, CodingKey {
      case valid = "Valid"
      case invalid1 = "Invalid Y1"
      case invalid2 = "Invalid Y2"
    }
  }
  struct Confirmation: Decodable {
    let mac_key, Ta, Tb: String
  }
  let exchange: Exchange
  let points: Points
  let confirmation: Confirmation
  enum CodingKeys: String, CodingKey {
    case exchange = "G_Coffee25519"
    case points = "G_Coffee25519_points"
    case confirmation = "key_confirmation_initiator_responder"
  }

  static func load() throws -> Vectors {
    let file = try #require(
      Bundle.module.url(
        forResource: "cpace-ristretto255-sha512", withExtension: "json", subdirectory: "Vectors"))
    return try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file))
  }
}

private func bytes(_ text: String) throws -> [UInt8] {
  try #require([UInt8](hexadecimal: text))
}

@Suite("CPace")
struct CPaceTests {
  @Test("The draft's vectors come out: generator, points, key, and the tags computed from them")
  func vectors() throws {
    let vectors = try Vectors.load()
    let given = vectors.exchange
    let setting = try CPace.Setting(
      password: bytes(given.PRS), channel: bytes(given.CI), session: bytes(given.sid))
    #expect(try CPace.generator(setting) == bytes(given.g))
    let initiator = try CPace.Share(scalar: bytes(given.ya), setting: setting)
    let responder = try CPace.Share(scalar: bytes(given.yb), setting: setting)
    #expect(try initiator.point == bytes(given.Ya))
    #expect(try responder.point == bytes(given.Yb))
    #expect(try CPace.multiply(initiator.scalar, responder.point) == bytes(given.K))
    let first = try CPace.Message(point: initiator.point, data: bytes(given.ADa))
    let second = try CPace.Message(point: responder.point, data: bytes(given.ADb))
    for (share, peer) in [(initiator, responder), (responder, initiator)] {
      let keys = try CPace.Keys(
        setting: setting, share: share, peer: peer.point, initiator: first, responder: second)
      #expect(try keys.session == bytes(given.ISK_IR))
      #expect(try keys.confirmation == bytes(vectors.confirmation.mac_key))
      #expect(try keys.initiatorTag == bytes(vectors.confirmation.Ta))
      #expect(try keys.responderTag == bytes(vectors.confirmation.Tb))
      #expect(keys.isInitiatorTag(keys.initiatorTag))
      #expect(!keys.isInitiatorTag(keys.responderTag))
      #expect(!keys.isInitiatorTag([]))
      #expect(!keys.isInitiatorTag(Array(keys.initiatorTag.dropLast())))
    }
  }

  @Test("A valid point multiplies as the draft says; an invalid one and the identity abort")
  func points() throws {
    let points = try Vectors.load().points
    let scalar = try bytes(points.valid.s)
    #expect(
      try CPace.multiply(scalar, bytes(points.valid.X)) == bytes(points.valid.product))
    for invalid in [points.invalid1, points.invalid2, "", "00", points.valid.X + "00"] {
      #expect(throws: CPace.Abort.invalidPoint) {
        try CPace.multiply(scalar, try bytes(invalid))
      }
    }
    #expect(throws: CPace.Abort.invalidPoint) {
      try CPace.multiply([UInt8](repeating: 0, count: 32), try bytes(points.valid.X))
    }
  }

  @Test("Lengths are LEB128 and make different parts different")
  func lengths() {
    #expect([UInt8]().withLength == [0])
    #expect([UInt8](repeating: 1, count: 127).withLength.prefix(2) == [127, 1])
    #expect([UInt8](repeating: 1, count: 128).withLength.prefix(3) == [0x80, 1, 1])
    #expect([UInt8](repeating: 1, count: 300).withLength.prefix(3) == [0xAC, 2, 1])
    #expect(withLengths([1], [2, 3]) != withLengths([1, 2], [3]))
  }

  @Test("Another password, channel, session or role gives another key")
  func bindings() throws {
    func key(_ setting: CPace.Setting, swapped: Bool = false) throws -> [UInt8] {
      let share = try CPace.Share(setting: setting, secrets: .seeded(1))
      let peer = try CPace.Share(setting: setting, secrets: .seeded(2))
      let messages = [
        CPace.Message(point: share.point, data: [1]), CPace.Message(point: peer.point, data: [2]),
      ]
      return try CPace.Keys(
        setting: setting, share: share, peer: peer.point, initiator: messages[swapped ? 1 : 0],
        responder: messages[swapped ? 0 : 1]
      ).session
    }
    let setting = CPace.Setting(password: [1], channel: [2], session: [3])
    let keys = [
      try key(setting), try key(setting, swapped: true),
      try key(CPace.Setting(password: [4], channel: [2], session: [3])),
      try key(CPace.Setting(password: [1], channel: [4], session: [3])),
      try key(CPace.Setting(password: [1], channel: [2], session: [4])),
    ]
    #expect(Set(keys).count == keys.count)
    #expect(try key(setting) == keys[0])
  }
}
