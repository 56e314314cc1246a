import Foundation

/// The repository that these tests were built from.
struct Repository {
  let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Paths from the root of all files under `folder` that end in `suffix`, sorted.
  func files(under folder: String, suffix: String) -> [String] {
    let start = root.appendingPathComponent(folder)
    let walk = FileManager.default.enumerator(atPath: start.path)
    let names = (walk?.allObjects ?? []).compactMap { $0 as? String }
    return names.filter { $0.hasSuffix(suffix) }.map { "\(folder)/\($0)" }.sorted()
  }

  func text(of path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  /// Swift that people wrote: generated messages are left out.
  var ownSwift: [String] {
    (files(under: "Sources", suffix: ".swift") + files(under: "Tests", suffix: ".swift"))
      .filter { !$0.hasSuffix(".pb.swift") }
  }

  /// The room that a source file stands in: "RTP" for "Sources/Media/RTP/Packet.swift".
  func room(of path: String) -> String {
    let parts = path.split(separator: "/").map(String.init)
    return parts[1] == "Meeting" ? "Meeting" : parts[2]
  }
}
