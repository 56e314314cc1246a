import Capture
import Codecs
import Foundation
import Foundations
import Playback

/// What came of the demo: a verdict for each thing that a meeting is for, and the contact sheet.
struct DemoSummary {
  let observations: [String: Demo.Observation]
  let directory: String
  let greetings: [String]

  /// Pictures a second on average at which a moving picture is fluent, on a computer that does the
  /// work of three.
  private static let fluent = 24.0

  func report(on table: DemoTable) throws(Failure) -> Bool {
    table.note("")
    var passed = true
    func judge(_ what: String, _ isGood: Bool, _ detail: String) {
      passed = passed && isGood
      table.note("\(isGood ? "✓" : "✗") \(what): \(detail)")
    }
    let names = Demo.names
    // The host began long before the others came.
    let times = names.dropFirst().compactMap { observations[$0]?.firstFrames.values.min() }.sorted()
    let seen = observations.values.map(\.firstFrames.count).reduce(0, +)
    judge(
      "Everybody sees everybody", observations.values.allSatisfy { $0.firstFrames.count == 2 },
      "\(seen) of 6"
        + (times.isEmpty ? "" : ", the first \(times[0]) ms after \u{201C}virtue join\u{201D}"))
    let rates = observations.values.flatMap { $0.frameRates.values }
      .map { $0.dropFirst().reduce(0, +) / Double(max($0.count - 1, 1)) }
    judge(
      "Pictures move", rates.count == 6 && rates.allSatisfy { $0 >= Self.fluent },
      rates.isEmpty
        ? "none came" : String(format: "%.1f to %.1f a second", rates.min()!, rates.max()!))
    let latencies = observations.values.flatMap(\.latencies).sorted()
    if !latencies.isEmpty {
      table.note(
        String(
          format: "  Latency from capture to decoded picture: %.0f ms (median)",
          latencies[latencies.count / 2]))
    }
    let lost = observations.values.map(\.packetsLost).reduce(0, +)
    table.note("  Packets lost for good: \(lost)")
    let heard = names.filter { isHeard(by: $0) }
    judge("Everybody hears the others", heard.count == 3, "\(heard.count) of 3")
    let chats = names.filter { name in
      let lines = observations[name]?.chat ?? []
      return names.indices.allSatisfy { index in
        lines.count { $0 == "\(names[index]): \(greetings[index])" } == 1
      }
    }
    judge("Every line reaches everybody, once", chats.count == 3, "\(chats.count) of 3")
    let ended = names.filter { observations[$0]?.exitStatus == 0 }
    judge("Everybody leaves in order", ended.count == 3, "\(ended.count) of 3")
    for (name, observation) in observations.sorted(by: { $0.key < $1.key }) {
      for problem in observation.problems { table.note("  \(name): \(problem)") }
    }
    let sheet = directory + "/contact-sheet.png"
    try writeSheet(to: sheet)
    table.note("What each of them saw: \(sheet)")
    return passed
  }

  // MARK: - Sound

  /// Whether the file that a participant's speaker wrote holds more than silence.
  private func isHeard(by name: String) -> Bool {
    guard
      let data = FileManager.default.contents(
        atPath: "\(directory)/\(name.lowercased())/heard.wav"), data.count > 96_000
    else { return false }
    // 16-bit samples after the header of 44 bytes.
    let loud = data.dropFirst(44).enumerated().count { index, byte in
      index % 2 == 1 && Int8(bitPattern: byte).magnitude > 1 && byte != 0xFF
    }
    return loud > data.count / 20
  }

  // MARK: - Pictures

  private func writeSheet(to path: String) throws(Failure) {
    let rows = Demo.names.map { name in
      let folder = "\(directory)/\(name.lowercased())/recordings"
      let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
      let tiles = files.filter { $0.hasSuffix(".webm") }.map { file in
        ContactSheet.Tile(
          picture: lastPicture(of: "\(folder)/\(file)"),
          caption: Demo.names.first { file.hasPrefix($0.lowercased() + "-") } ?? file)
      }
      return ContactSheet.Row(label: "\(name) saw", tiles: tiles)
    }
    try ContactSheet.write(rows, title: "Virtue's demo", to: path)
  }

  /// The recording is decoded to its end: each picture builds on those before it.
  private func lastPicture(of path: String) -> Picture? {
    guard let reader = try? WebMReader(path: path),
      let decoder = try? VideoDecoder(codec: .vp8, pool: PicturePool())
    else { return nil }
    var latest: Picture?
    while let packet = reader.next() {
      guard packet.kind == .video else { continue }
      latest = (try? decoder.decode(packet.bytes)) ?? latest
    }
    return latest
  }
}
