import Foundations
import Testing

@testable import Discovery

@Suite("Text records")
struct TextRecordTests {
  @Test("What is encoded is decoded to the same")
  func roundTrip() throws {
    let attributes = ["v": "1", "n": "42", "tag": "0a1b2c", "title": "Größe = 5 €", "empty": ""]
    #expect(TextRecord.decode(try TextRecord.encode(attributes)) == attributes)
  }

  @Test("Equal attributes give equal records")
  func order() throws {
    #expect(
      try TextRecord.encode(["b": "2", "a": "1", "c": "3"])
        == [Array("a=1".utf8), Array("b=2".utf8), Array("c=3".utf8)])
  }

  @Test("A key is compared without regard to case, and the first one counts")
  func keys() {
    let entries = ["V=1", "v=2", "flag", "=lost", "", "k=a=b"].map { Array($0.utf8) }
    #expect(TextRecord.decode(entries) == ["v": "1", "flag": "", "k": "a=b"])
  }

  @Test("What isn't UTF-8, isn't a key or is too long is left out, and the rest stays")
  func hostile() {
    let long = Array("long=".utf8) + [UInt8](repeating: 0x61, count: 251)
    let fits = Array("fits=".utf8) + [UInt8](repeating: 0x61, count: 250)
    let entries = [
      Array("bad=".utf8) + [0xFF, 0xFE], [0x07] + Array("=bell".utf8), Array("é=1".utf8), long,
      fits, Array("ok=1".utf8),
    ]
    #expect(
      TextRecord.decode(entries) == ["ok": "1", "fits": String(repeating: "a", count: 250)])
  }

  @Test("A flood of entries gives sixteen attributes")
  func flood() {
    let entries = (0..<100_000).map { Array("k\($0)=v".utf8) }
    #expect(TextRecord.decode(entries).count == TextRecord.mostEntries)
  }

  @Test("Garbage never traps", arguments: 0..<200)
  func garbage(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let entries = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
      (0..<Int.random(in: 0...300, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
    }
    let attributes = TextRecord.decode(entries)
    #expect(attributes.count <= TextRecord.mostEntries)
    #expect(attributes.allSatisfy { $0.key.utf8.count + $0.value.utf8.count <= 255 })
  }

  @Test("What doesn't fit is refused")
  func refusals() {
    #expect(throws: TextRecord.Refusal.tooMany) {
      try TextRecord.encode(Dictionary(uniqueKeysWithValues: (0..<17).map { ("k\($0)", "") }))
    }
    #expect(throws: TextRecord.Refusal.invalidKey("a=b")) { try TextRecord.encode(["a=b": ""]) }
    #expect(throws: TextRecord.Refusal.invalidKey("")) { try TextRecord.encode(["": "x"]) }
    #expect(throws: TextRecord.Refusal.invalidKey("Upper")) {
      try TextRecord.encode(["Upper": "would come back as another key"])
    }
    #expect(throws: TextRecord.Refusal.entryTooLong(key: "k")) {
      try TextRecord.encode(["k": String(repeating: "x", count: 254)])
    }
    #expect(throws: TextRecord.Refusal.tooLong) {
      try TextRecord.encode(
        Dictionary(
          uniqueKeysWithValues: (0..<6).map { ("k\($0)", String(repeating: "x", count: 250)) }))
    }
  }
}
