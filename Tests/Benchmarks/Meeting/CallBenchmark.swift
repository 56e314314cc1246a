import ArgumentParser
import Capture
import Codecs
import Foundation
import Foundations
import LabSupport
import MediaSupport

/// A call between two hosts: what arrives, how good it is, how late, and what it costs.
struct CallBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "call",
    abstract: "Rate, quality, latency and cost of a 1280×720 call between two hosts.")

  @Option(help: "How long, in seconds.")
  var seconds = 20

  private static let pitch = 440.0

  func run() async throws {
    var report = Report("A call of \(seconds) s, 1280×720 at 30 fps, between two hosts")
    try await Lab.run(hosts: 2) { lab in
      let tone = "\(lab.directory)/tone.wav"
      try TestTone(pitch: Self.pitch).write(to: tone)
      func media(_ seed: UInt64, _ name: String) -> [String] {
        [
          "--camera", "pattern:\(seed)", "--microphone", "file:\(tone)", "--speaker",
          "file:\(lab.directory)/\(name).wav", "--record", "\(lab.directory)/\(name)-recordings",
        ]
      }
      let host = try Participant(
        "Ada", ["host", "Lab"], in: lab, on: 1, media: media(1, "Ada"), seconds: seconds + 60)
      let code = try await host.code
      let guest = try Participant(
        "Ben", ["join", code], in: lab, on: 2, media: media(2, "Ben"), seconds: seconds + 60)
      for one in [host, guest] { try await one.sees("first-frame") }
      // The second in which pictures begin is no whole one.
      let settled = ContinuousClock.now
      try await guest.sees("statistics", after: settled + .seconds(1))
      let start = ContinuousClock.now
      try await guest.sees(
        "statistics", within: .seconds(seconds + 20), after: start + .seconds(seconds))
      for one in [host, guest] {
        let rows = await one.events.filter { $0.kind == "statistics" && $0.arrived >= start }
        describe(rows, of: one, in: &report)
      }
      let recording = try await guest.sees("recording").path ?? ""
      for one in [guest, host] { _ = try await one.leave() }
      try judge(recording: recording, seed: 1, in: &report)
      try judge(sound: "\(lab.directory)/Ben.wav", in: &report)
    }
    let bare = try Yardstick.processorSeconds(frames: CallMedia.framesPerSecond * 10) / 10
    report.add("bare libvpx: draw, encode and decode the same, CPU", bare, "s per second")
    report.print()
  }

  private func describe(_ rows: [Event], of one: Participant, in report: inout Report) {
    let flows = rows.compactMap { $0.members.first }
    report.add(
      "\(one.name) receives, mean", flows.map(\.received.fps).reduce(0, +) / Double(flows.count),
      "fps", aim: "at least 29")
    report.add(
      "\(one.name) receives, mean",
      flows.map { Double($0.received.bitrate) }.reduce(0, +) / Double(flows.count) / 1e6, "Mbit/s")
    report.add(
      "\(one.name): capture to decoded, median",
      flows.compactMap(\.captureToDisplayMilliseconds).quantile(0.5), "ms", aim: "at most 60")
    report.add("\(one.name): packets lost", Double(flows.last?.packetsLost ?? 0), "")
    if let first = rows.first, let last = rows.last, let before = first.processorSeconds,
      let after = last.processorSeconds
    {
      let elapsed = (last.arrived - first.arrived) / .seconds(1)
      report.add("\(one.name): CPU", (after - before) / elapsed, "s per second")
    }
    report.add("\(one.name): peak memory", Double(one.peakMemory ?? 0) / 1_048_576, "MiB")
  }

  /// Each recorded picture beside the one that was drawn.
  private func judge(recording: String, seed: UInt64, in report: inout Report) throws {
    let reader = try WebMReader(path: recording)
    let pool = PicturePool()
    let decoder = try VideoDecoder(codec: .vp8, pool: pool)
    let pattern = PatternSource(
      settings: VideoSettings(
        width: CallMedia.width, height: CallMedia.height,
        framesPerSecond: CallMedia.framesPerSecond), seed: seed)
    let drawn = pool.makePicture(width: CallMedia.width, height: CallMedia.height)
    var ratios: [Double] = []
    var numbers: [UInt32] = []
    while let packet = reader.next() {
      guard packet.kind == .video, let picture = try decoder.decode(packet.bytes),
        let marker = FrameMarker.read(picture)
      else { continue }
      pattern.draw(frame: Int(marker.number), captured: marker.captured, on: drawn)
      ratios.append(lumaPSNR(drawn, picture))
      numbers.append(marker.number)
    }
    report.add("recorded pictures", Double(numbers.count), "")
    if let first = numbers.first, let last = numbers.last {
      report.add("of those that were made", Double(numbers.count) / Double(last - first + 1), "")
    }
    report.add(
      "PSNR-Y of the recording, mean", ratios.reduce(0, +) / Double(ratios.count), "dB",
      aim: "at least 34")
    report.add("PSNR-Y of the recording, 1st percentile", ratios.quantile(0.01), "dB")
  }

  private func judge(sound path: String, in report: inout Report) throws {
    let heard = TestTone.Heard(of: try TestTone.samples(of: path))
    report.add("pitch heard (sent: \(Self.pitch))", heard.pitch, "Hz")
    report.add("longest gap in the sound", heard.longestGap, "ms", aim: "at most 40")
    report.add("sound heard", heard.seconds, "s")
  }
}
