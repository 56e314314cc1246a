import Foundations
import Testing
import Wire

@testable import Admission

@Suite("Meeting tags and security words")
struct MeetingTagTests {
  private let tag = MeetingTag(genesisKey: Meeting().genesis.publicKey)
  private let other = MeetingTag(genesisKey: Meeting("other").genesis.publicKey)

  @Test("Members recognise a tag from an hour before to an hour after; strangers can't link it")
  func hourly() {
    let now = tag.advertised(at: newYear)
    #expect(now.count == 16)
    for hours in -1...1 {
      #expect(tag.recognises(now, at: newYear + .seconds(3600 * hours)))
      #expect(!other.recognises(now, at: newYear + .seconds(3600 * hours)))
    }
    for hours in [-3, -2, 2, 3] {
      #expect(!tag.recognises(now, at: newYear + .seconds(3600 * hours)))
    }
    #expect(tag.advertised(at: newYear + .seconds(3599)) == now)
    #expect(tag.advertised(at: newYear + .seconds(3600)) != now)
    #expect(tag.nextChange(after: newYear) == newYear + .seconds(3600))
    #expect(tag.nextChange(after: newYear + .seconds(3599)) == newYear + .seconds(3600))
  }

  @Test("A tag of a year around a known time is recognised, and of a clock that begins anew")
  func wrongClocks() {
    let day = Duration.seconds(86_400)
    for time in [newYear + day * -360, newYear + day * 360, WallTime(milliseconds: 0) + day * 3] {
      let tags = [tag.advertised(at: time), other.advertised(at: newYear), "é"]
      #expect(tag.recognised(among: Set(tags), around: [newYear]) == tags[0])
    }
    for time in [newYear + day * -370, newYear + day * 370] {
      #expect(tag.recognised(among: [tag.advertised(at: time)], around: [newYear]) == nil)
      #expect(tag.recognised(among: [tag.advertised(at: time)], around: [newYear, time]) != nil)
    }
    for extreme in [Int64.min, .max] {
      _ = tag.recognised(among: [""], around: [WallTime(milliseconds: extreme)])
    }
  }

  @Test("Any clock and any text are taken without a trap")
  func extremes() {
    for milliseconds in [Int64.min, -1, 0, .max] {
      let time = WallTime(milliseconds: milliseconds)
      #expect(tag.recognises(tag.advertised(at: time), at: time))
      _ = tag.nextChange(after: time)
    }
    for text in ["", "0", String(repeating: "f", count: 100_000), "é"] {
      #expect(!tag.recognises(text, at: newYear))
    }
  }

  @Test("Security words depend on both keys and are words of the list")
  func words() {
    let keys = (1...40).map { Person("\($0)").key.publicKey }
    let all = keys.map { securityWords(genesisKey: keys[0], memberKey: $0) }
    #expect(Set(all).count == keys.count)
    #expect(all.joined().allSatisfy { WordList.words.contains($0) })
    #expect(
      securityWords(genesisKey: keys[1], memberKey: keys[0])
        != securityWords(genesisKey: keys[0], memberKey: keys[1]))
  }

  @Test("Each failure has its own code and a sentence that says what to do")
  func failures() {
    let all: [AdmissionFailure] = [
      .badCode(reason: "it is empty"), .badLink(reason: "it is too long"), .wrongCode, .expired,
      .usedUp, .nobodyHere(nameplate: 7), .ambiguous(nameplate: 7), .otherVersion(theirs: 2),
      .tooManyAttempts(retryAfter: .seconds(4)), .removed, .interrupted,
      .untrusted(reason: "it makes no sense"),
    ]
    #expect(Set(all.map(\.failure.code)).count == all.count)
    for failure in all.map(\.failure) {
      #expect(failure.message.count { $0 == "." } >= 2, "\(failure.message)")
      #expect(failure.message.hasSuffix("."))
    }
  }
}
