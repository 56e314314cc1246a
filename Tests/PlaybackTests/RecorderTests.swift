import Capture
import Codecs
import Foundations
import Glibc
import MediaSupport
import Playback
import Testing

/// Packets as a call brings them: their bytes mean nothing to the recorder.
private func picture(
  _ number: Int, isKeyframe: Bool = false, codec: VideoCodec = .vp8, size: Int = 500,
  width: Int = 640, height: Int = 360
) -> EncodedPicture {
  EncodedPicture(
    codec: codec, bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0 &+ number) },
    isKeyframe: isKeyframe, width: width, height: height, captured: .zero)
}

private func sound(_ number: Int) -> EncodedSound {
  EncodedSound(
    bytes: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 80), sampleCount: 960,
    level: 20, captured: .zero)
}

/// Everything in a file.
private func packets(_ path: String) throws -> [WebMReader.Packet] {
  let reader = try WebMReader(path: path)
  var packets: [WebMReader.Packet] = []
  while let packet = reader.next() { packets.append(packet) }
  #expect(!reader.isDamaged)
  return packets
}

/// Records `seconds` of pictures and sound at their usual rates.
private func record(into recorder: WebMRecorder, seconds: Int) throws {
  for tick in 0..<seconds * 100 {
    let now = Duration.milliseconds(tick * 10)
    if tick.isMultiple(of: 2) { try recorder.write(sound(tick / 2), at: now) }
    if tick % 10 == 0 || tick % 10 == 3 || tick % 10 == 6 {
      try recorder.write(picture(tick, isKeyframe: tick % 200 == 0), at: now)
    }
  }
}

@Suite("Recordings") struct RecorderTests {
  private let folder = TemporaryFolder()

  @Test("What is recorded is what was received, at its time")
  func roundTrip() throws {
    let path = folder.file("a.webm")
    let recorder = try WebMRecorder(path: path, video: true, sound: true)
    try record(into: recorder, seconds: 5)
    try recorder.finish()
    let all = try packets(path)
    let pictures = all.filter { $0.kind == .video }
    let sounds = all.filter { $0.kind == .audio }
    #expect(pictures.count == 150 && sounds.count == 250)
    #expect(pictures[4].bytes == picture(13).bytes)
    #expect(pictures[4].time == .milliseconds(130))
    #expect(sounds[100].bytes == sound(100).bytes && sounds[100].time == .seconds(2))
    #expect(pictures.indices.filter { pictures[$0].isKeyframe } == [0, 60, 120])
    #expect(zip(all, all.dropFirst()).allSatisfy { $0.time <= $1.time })
    let reader = try WebMReader(path: path)
    _ = reader.next()
    let video = try #require(reader.track(.video))
    #expect(video.codec == "V_VP8" && video.width == 640 && video.height == 360)
    let audio = try #require(reader.track(.audio))
    #expect(audio.codec == "A_OPUS" && audio.codecDelay == .microseconds(6500))
  }

  @Test("Pictures before the first keyframe are left out, and it tells codec and size")
  func firstKeyframe() throws {
    let path = folder.file("a.webm")
    let recorder = try WebMRecorder(path: path, video: true, sound: true)
    try recorder.write(picture(1), at: .zero)
    try recorder.write(sound(1), at: .milliseconds(5))
    try recorder.write(
      picture(2, isKeyframe: true, codec: .vp9, width: 320, height: 200), at: .milliseconds(30))
    let failure = #expect(throws: Failure.self) {
      try recorder.write(picture(3), at: .milliseconds(60))
    }
    #expect(failure?.code == "codec-changed")
    try recorder.write(picture(4, codec: .vp9), at: .milliseconds(90))
    try recorder.finish()
    let all = try packets(path)
    #expect(all.map(\.time) == [.milliseconds(5), .milliseconds(30), .milliseconds(90)])
    let reader = try WebMReader(path: path)
    _ = reader.next()
    let video = try #require(reader.track(.video))
    #expect(video.codec == "V_VP9" && video.width == 320 && video.height == 200)
  }

  @Test("Sound and pictures out of step are sorted, and no time goes back")
  func order() throws {
    let path = folder.file("a.webm")
    let recorder = try WebMRecorder(path: path, video: true, sound: true)
    for tick in 0..<200 {
      try recorder.write(
        picture(tick, isKeyframe: tick == 0), at: .milliseconds(33 * tick + tick % 3 * 20))
      // Sound that lies up to a second behind.
      try recorder.write(sound(tick), at: .milliseconds(max(0, 33 * tick - tick % 7 * 150)))
    }
    try recorder.finish()
    let all = try packets(path)
    #expect(all.count == 400)
    #expect(zip(all, all.dropFirst()).allSatisfy { $0.time <= $1.time })
  }

  @Test("A recording that is never finished can be read but for its last second")
  func killed() throws {
    let path = folder.file("a.webm")
    let recorder = try WebMRecorder(path: path, video: true, sound: true)
    #expect(try packets(path).isEmpty)
    try record(into: recorder, seconds: 10)
    // As the file is on disk while the recorder still runs.
    let all = try packets(path)
    #expect(all.last!.time > .milliseconds(8600))
    withExtendedLifetime(recorder) {}
  }

  @Test("A long pause and times before the start do no harm")
  func oddTimes() throws {
    let path = folder.file("a.webm")
    let recorder = try WebMRecorder(path: path, video: true, sound: true)
    try recorder.write(picture(0, isKeyframe: true), at: .seconds(-5))
    try recorder.write(sound(0), at: .zero)
    try recorder.write(sound(1), at: .seconds(7200))
    try recorder.write(picture(1), at: .seconds(7201))
    try recorder.finish()
    let times = try packets(path).map(\.time)
    #expect(times == [.zero, .zero, .seconds(7200), .seconds(7201)])
  }

  @Test("A file that can't be made is refused with its reason")
  func refusals() {
    for path in [folder.file("missing/a.webm"), folder.path] {
      let failure = #expect(throws: Failure.self) {
        try WebMRecorder(path: path, video: true, sound: true)
      }
      #expect(failure?.code == "cannot-create-file" && failure?.exit == .cannotCreate)
    }
  }

  @Test("Nothing can be written after the end")
  func afterTheEnd() throws {
    let recorder = try WebMRecorder(path: folder.file("a.webm"), video: true, sound: true)
    try recorder.finish()
    try recorder.finish()
    #expect(throws: Failure.self) { try recorder.write(sound(1), at: .zero) }
  }

  @Test("A full disk stops it with a sentence", .enabled(if: access("/dev/full", W_OK) == 0))
  func fullDevice() {
    let failure = #expect(throws: Failure.self) {
      try WebMRecorder(path: "/dev/full", video: true, sound: true)
    }
    #expect(failure?.code == "disk-full" && failure?.exit == .inputOutput)
    #expect(failure?.message.hasSuffix("; nothing of it is kept.") == true)
    let other = #expect(throws: Failure.self) { try WAVWriter(path: "/dev/full") }
    #expect(other?.code == "disk-full")
  }
}

/// These lower the size limit of all the process's files for a moment, so one after the other.
@Suite("Recordings on a full disk", .serialized) struct FullDiskTests {
  private let folder = TemporaryFolder()
  /// Far more than any other test writes.
  private static let limit: rlim_t = 64 << 20

  /// What ends `work` when no file may grow beyond the limit.
  private func failureOnFullDisk(_ work: () throws -> Void) -> Failure? {
    var before = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &before)
    var lower = before
    lower.rlim_cur = Self.limit
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &lower)
    defer { setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &before) }
    do {
      try work()
      return nil
    } catch {
      return error as? Failure
    }
  }

  @Test("A recording that fills the disk stops with a sentence, and stays readable")
  func recording() throws {
    let path = folder.file("a.webm")
    let recorder = try WebMRecorder(path: path, video: true, sound: true)
    let packet = EncodedPicture(
      codec: .vp8, bytes: [UInt8](repeating: 1, count: 3 << 20), isKeyframe: true, width: 640,
      height: 360, captured: .zero)
    var written = 0
    let failure = failureOnFullDisk {
      while written < 100 {
        try recorder.write(packet, at: .seconds(written))
        written += 1
      }
    }
    #expect(failure?.code == "disk-full")
    #expect(failure?.message.hasSuffix("; what was written until now is kept.") == true)
    #expect((15..<25).contains(written))
    #expect(throws: Failure.self) { try recorder.write(packet, at: .seconds(200)) }
    try recorder.finish()
    let all = try packets(path)
    #expect(all.count >= written - 3)
    #expect(all.allSatisfy { $0.bytes == packet.bytes })
  }

  @Test("A draft that fills the disk says that nothing is kept: it is thrown away")
  func draft() throws {
    let recorder = try WebMRecorder(
      path: folder.file("a.webm.new"), draftOf: "a.webm", video: true, sound: false)
    let packet = EncodedPicture(
      codec: .vp8, bytes: [UInt8](repeating: 1, count: 3 << 20), isKeyframe: true, width: 640,
      height: 360, captured: .zero)
    let failure = failureOnFullDisk {
      for second in 0..<100 { try recorder.write(packet, at: .seconds(second)) }
    }
    #expect(failure?.message == "There is no room left for “a.webm”; nothing of it is kept.")
  }

  @Test("A WAV file that fills the disk stops with a sentence, and stays readable")
  func sounds() throws {
    let path = folder.file("a.wav")
    let writer = try WAVWriter(path: path)
    let seconds = [Int16](repeating: 99, count: 48_000 * 20)
    var written = 0
    let failure = failureOnFullDisk {
      while written < 100 {
        try writer.write(seconds)
        written += 1
      }
    }
    #expect(failure?.code == "disk-full")
    try writer.finish()
    let bytes = contents(of: path)
    #expect(bytes.count == 44 + written * seconds.count * 2)
    let stated = bytes[40..<44].reversed().reduce(0) { $0 << 8 | Int($1) }
    #expect(stated == written * seconds.count * 2)
  }
}
