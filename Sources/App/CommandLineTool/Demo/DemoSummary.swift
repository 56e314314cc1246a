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
  let effects: DemoEffects?

  /// Pictures a second on average at which a moving picture is fluent, on a computer that does the
  /// work of three.
  private static let fluent = 24.0
  /// The same as a share of what a clip has.
  private static let fluentShare = 0.8

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
    let (moves, rates) = motion()
    judge("Pictures move", moves, rates)
    if let effects {
      let following = following(effects)
      if following.due > 0 {
        judge(
          "God's eye follows \(DemoEffects.name)'s look", following.isGood, following.description)
      } else {
        table.note("  God's eye: the look didn't change within this time.")
      }
      let (isHidden, hiding) = try hiding(effects)
      judge("What is behind \(DemoEffects.name) is blurred", isHidden, hiding)
    }
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

  // MARK: - What is seen

  private func motion() -> (Bool, String) {
    var (rates, clipRates): ([Double], [Double]) = ([], [])
    for observation in observations.values {
      for (name, values) in observation.frameRates {
        let mean = values.dropFirst().reduce(0, +) / Double(max(values.count - 1, 1))
        if effects != nil, name == DemoEffects.name {
          clipRates.append(mean)
        } else {
          rates.append(mean)
        }
      }
    }
    guard let least = rates.min(), let most = rates.max() else { return (false, "none came") }
    let range = String(format: "%.1f to %.1f a second", least, most)
    let isFluent = least >= Self.fluent && rates.count + clipRates.count == 6
    guard let effects else { return (isFluent, range) }
    let wanted = Double(effects.truth.picturesPerSecond)
    let clip = clipRates.min() ?? 0
    return (
      isFluent && clip >= Self.fluentShare * wanted,
      range + String(format: ", of %@'s clip %.1f of %.0f", DemoEffects.name, clip, wanted)
    )
  }

  private func following(_ effects: DemoEffects) -> DemoFollowing {
    let observation = observations[DemoEffects.name]
    return DemoFollowing(
      choices: observation?.choices ?? [], end: observation?.latest ?? 0, truth: effects.truth,
      length: effects.length)
  }

  /// In everything that the others received, picture by picture.
  private func hiding(_ effects: DemoEffects) throws(Failure) -> (Bool, String) {
    var background = try DemoBackground(clips: effects.clips)
    for name in Demo.names where name != DemoEffects.name {
      for path in recordings(of: name)
      where Demo.whose(path) == DemoEffects.name { _ = pictures(of: path) { background.take($0) } }
    }
    return (
      background.judged > 0 && background.open == 0,
      "\(background.judged - background.open) of \(background.judged) pictures received"
    )
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
      let tiles = recordings(of: name).map { file in
        // The recording is decoded to its end: each picture builds on those before it.
        ContactSheet.Tile(
          picture: pictures(of: file) { _ in },
          caption: Demo.whose(file) ?? (file as NSString).lastPathComponent)
      }
      return ContactSheet.Row(label: "\(name) saw", tiles: tiles)
    }
    try ContactSheet.write(rows, title: "Virtue's demo", to: path)
  }

  private func recordings(of name: String) -> [String] {
    (observations[name]?.recordings ?? []).filter { $0.hasSuffix(".webm") }.sorted()
  }

  /// - Returns: the last picture.
  private func pictures(of path: String, each: (Picture) -> Void) -> Picture? {
    guard let reader = try? WebMReader(path: path),
      let decoder = try? VideoDecoder(codec: .vp8, pool: PicturePool())
    else { return nil }
    var latest: Picture?
    while let packet = reader.next() {
      guard packet.kind == .video, let picture = try? decoder.decode(packet.bytes) else { continue }
      each(picture)
      latest = picture
    }
    return latest
  }
}

extension Demo {
  /// Whose recording a file holds.
  static func whose(_ path: String) -> String? {
    let file = (path as NSString).lastPathComponent
    return names.first { file.hasPrefix($0.lowercased() + "-") }
  }
}
