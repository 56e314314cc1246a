import Foundation
import Foundations
import Testing

@testable import CommandLineTool

@Suite("Times as people read them")
struct TimeTextTests {
  private static let time = WallTime(milliseconds: 1_700_000_000_000)

  @Test("Each format gives what a formatter of its own gives, however often it is asked")
  func formats() {
    let times = TimeText()
    for format in ["yyyy-MM-dd HH:mm", "EEEE, d MMMM yyyy", "HH:mm:ss", "yyyy-MM-dd HH:mm"] {
      let formatter = DateFormatter()
      formatter.locale = Locale(identifier: "en_US_POSIX")
      formatter.dateFormat = format
      let expected = formatter.string(from: Date(timeIntervalSince1970: 1_700_000_000))
      #expect(times.text(Self.time, format) == expected)
    }
  }

  @Test("A formatter is made once a format: that is what takes time")
  func once() {
    let times = TimeText()
    _ = times.text(Self.time, "HH:mm:ss")
    let clock = ContinuousClock()
    let one = clock.measure {
      for _ in 0..<500 { _ = times.text(Self.time, "HH:mm:ss") }
    }
    let anew = clock.measure {
      for _ in 0..<500 { _ = TimeText().text(Self.time, "HH:mm:ss") }
    }
    #expect(one * 2 < anew, "\(one) with one, \(anew) with five hundred")
  }
}
