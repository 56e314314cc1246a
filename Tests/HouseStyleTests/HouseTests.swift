import Foundation
import Testing

@Suite("The house")
struct HouseTests {
  private let repository = Repository()

  private static let floors: [String: [String]] = [
    "App": ["CommandLineTool", "virtue", "MeetingWindow"],
    "Meeting": ["Meeting"],
    "Mesh": ["Discovery", "Links", "Admission", "Gossip", "Roster", "Signalling"],
    "Conversation": ["Chat", "Files", "History"],
    "Media": [
      "Capture", "Vision", "Codecs", "RTP", "Protection", "Connectivity", "Playback",
    ],
    "Base": ["Wire", "Foundations"],
  ]
  private static let cores = [
    "Admission", "Gossip", "Roster", "Signalling", "Chat", "Files", "RTP",
  ]

  @Test("The top level is exactly what the design draws")
  func topLevel() throws {
    let visible = try FileManager.default.contentsOfDirectory(atPath: repository.root.path)
      .filter { !$0.hasPrefix(".") && $0 != "Package.resolved" }
    #expect(
      visible.sorted()
        == ["Package.swift", "README.md", "Sources", "Tests", "completions", "man"])
  }

  @Test("An arrow points only to a lower floor, and never to a neighbour")
  func arrows() throws {
    let base = Self.floors["Base"]!
    let parts = Self.floors["Mesh"]! + Self.floors["Conversation"]! + Self.floors["Media"]!
    for path in repository.ownSwift where path.hasPrefix("Sources/") {
      let room = repository.room(of: path)
      let allowed: [String]
      switch room {
      case "virtue": allowed = ["CommandLineTool"]
      case "CommandLineTool", "MeetingWindow": allowed = ["Meeting"] + parts + base
      case "Meeting": allowed = parts + base
      case "History": allowed = ["Chat"] + base
      case "Wire": allowed = ["Foundations"]
      case "Foundations": allowed = []
      case _: allowed = base
      }
      let own = Set(Self.floors.values.joined())
      for module in try imports(of: path) where own.contains(module) {
        #expect(allowed.contains(module), "\(path) imports \(module)")
      }
    }
  }

  @Test("Cores read no clock, draw no chance of their own, and do no input or output")
  func cores() throws {
    let banned = [
      "HostClock", "ContinuousClock", "SuspendingClock", "Date()", "Date.now", "clock_gettime",
      "DispatchTime", "SystemRandomNumberGenerator", "SecretSource.system",
      ".randomElement()", ".shuffled()", "arc4random", "randombytes_", "scalar_random", "Task {",
      "Task.sleep", "Task.detached", "FileManager", "FileHandle", "import Glibc", "import Dispatch",
      "Thread(",
    ]
    for path in repository.ownSwift
    where path.hasPrefix("Sources/") && Self.cores.contains(repository.room(of: path)) {
      let text = try repository.text(of: path)
      for word in banned {
        #expect(!text.contains(word), "\(path) uses \(word)")
      }
      // Drawn from a generator that was handed down, never from the system's.
      for line in text.split(separator: "\n") where line.contains(".random(") {
        #expect(line.contains("using:"), "\(path) draws chance of its own: \(line)")
      }
    }
  }

  @Test("Every file holds one idea: none is longer than 500 lines")
  func lengths() throws {
    for path in repository.ownSwift {
      let lines = try repository.text(of: path).split(
        separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.count <= 500, "\(path) has \(lines.count) lines")
    }
  }

  @Test("An unchecked Sendable says what keeps it safe")
  func uncheckedSendables() throws {
    for path in repository.ownSwift where path.hasPrefix("Sources/") {
      let text = try repository.text(of: path)
      let unchecked = text.components(separatedBy: "@unchecked Sendable").count - 1
      let reasons = text.components(separatedBy: "Safety:").count - 1
      #expect(reasons >= min(unchecked, 1), "\(path) has no Safety paragraph")
    }
  }

  private func imports(of path: String) throws -> [String] {
    try repository.text(of: path).split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ").map(String.init)
      guard let position = words.firstIndex(of: "import"), position <= 2,
        words[..<position].allSatisfy({
          ["package", "public", "internal", "private", "fileprivate", "@preconcurrency"].contains(
            $0)
        }), position + 1 < words.count
      else { return nil }
      return words[position + 1]
    }
  }
}
