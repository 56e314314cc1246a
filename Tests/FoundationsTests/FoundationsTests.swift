import Glibc
import MediaSupport
import Testing

@testable import Foundations

@Suite("Values")
struct ValueTests {
  @Test("Sequence numbers are compared over the wrap")
  func sequenceNumbers() {
    let last = SequenceNumber(65_535)
    #expect(last.next == SequenceNumber(0))
    #expect(last.next.isNewer(than: last))
    #expect(!last.isNewer(than: last.next))
    #expect(SequenceNumber(5).distance(from: SequenceNumber(65_530)) == 11)
  }

  @Test("Media time is measured over the wrap")
  func mediaTime() {
    let late = MediaTime(ticks: 900, clockRate: 90_000)
    let early = MediaTime(ticks: .max - 899, clockRate: 90_000)
    #expect(late - early == .milliseconds(20))
    #expect(early + .milliseconds(20) == late)
  }

  @Test("Identifiers are 32 lower-case digits, and nothing else is one")
  func identifiers() throws {
    let text = "00ff0123456789abcdef0123456789ab"
    let identifier = try #require(PeerID(hexadecimal: text))
    #expect(identifier.description == text)
    #expect(PeerID(identifier.bytes) == identifier)
    for wrong in ["", "00", text + "00", "zz" + text.dropFirst(2)] {
      #expect(PeerID(hexadecimal: wrong) == nil)
    }
  }

  @Test(
    "Addresses are numeric, with a port",
    arguments: ["192.0.2.7:4455", "[2001:db8::7]:1", "[fe80::1%eth0]:65535"])
  func addresses(text: String) {
    #expect(NetworkAddress(text)?.description == text)
  }

  @Test(
    "What is no address is none",
    arguments: [
      "", ":", "192.0.2.7", "192.0.2.7:0", "192.0.2.7:65536", "example.org:80", "2001:db8::7:1",
      "[192.0.2.7]:1", "1.2.3:4", "1.2.3.4:+5", "[::1]:1\n",
    ])
  func noAddress(text: String) {
    #expect(NetworkAddress(text) == nil)
  }

  @Test("Text from others can't steer a terminal")
  func displayText() {
    #expect(DisplayText.line("a\u{1B}[2J\r\nb\u{202E}c", limit: 64) == "a[2J bc")
    #expect(DisplayText.line("\u{0}\u{200B}", limit: 64, otherwise: "x") == "x")
    // Letters that show as nothing, and joiners with nothing to join.
    for name in ["\u{3164}", "\u{115F}\u{1160} \u{FFA0}", "\u{2800}", "\u{200D}\u{FE0F}"] {
      #expect(DisplayText.line(name, limit: 64, otherwise: "x") == "x")
    }
    #expect(DisplayText.line(String(repeating: "é", count: 100), limit: 10).count == 10)
    #expect(DisplayText.lines("a\nb\u{7}") == "a\nb")
  }

  @Test(
    "Words stay apart whatever white space stands between them",
    arguments: [
      ("tab\there", "tab here"), ("a\t\tb\nc", "a  b\nc"), ("a\u{2028}b\u{2029}c", "a b c"),
      ("a\u{85}b\u{B}c\u{C}d", "a b c d"), ("a\r\nb", "a\nb"), ("a\rb\r\r\nc\r", "a b \nc "),
      ("a\u{A0}b\u{3000}c", "a\u{A0}b\u{3000}c"), ("a\u{0}\u{1B}\u{202E}\u{9B}b", "ab"),
    ])
  func whiteSpace(text: String, shown: String) {
    #expect(DisplayText.lines(text) == shown)
    #expect(DisplayText.lines(shown) == shown)
  }

  @Test("The same seed gives the same numbers; secrets below a limit stay below it")
  func chance() {
    var one = SeededGenerator(seed: 7)
    var other = SeededGenerator(seed: 7)
    #expect((0..<8).map { _ in one.next() } == (0..<8).map { _ in other.next() })
    #expect((0..<200).allSatisfy { _ in SecretSource.system.number(below: 3) < 3 })
  }
}

@Suite("Sizes as people read them")
struct SizeTests {
  @Test(
    "A number of bytes is shown in the unit that fits",
    arguments: [
      (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1 kB"), (1_843_200, "1.8 MB"),
      (999_960, "1 MB"), (4 << 30, "4.3 GB"),
    ])
  func size(bytes: Int, shown: String) {
    #expect(DisplayText.size(bytes) == shown)
  }
}

@Suite("Files that somebody names")
struct PlainFileTests {
  private let folder = TemporaryFolder()

  @Test("A whole file is read, and nothing that is none or too long")
  func read() throws {
    let bytes = [UInt8](repeating: 7, count: 600_000)
    let path = folder.write(bytes, to: "file")
    #expect(try PlainFile.read(path, limit: 600_000) == bytes)
    #expect(throws: PlainFile.Problem.tooLarge) { try PlainFile.read(path, limit: 599_999) }
    #expect(throws: PlainFile.Problem.notPlain) { try PlainFile.read(folder.path, limit: 10) }
    #expect(throws: PlainFile.Problem.unreadable(ENOENT)) {
      try PlainFile.read(folder.file("none"), limit: 10)
    }
    // Nobody writes into it, and nobody waits for that.
    let pipe = folder.file("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(throws: PlainFile.Problem.notPlain) { try PlainFile.read(pipe, limit: 10) }
  }
}
