import Chat
import Crypto
import Files
import Foundation
import Foundations
import Wire

/// From `/send` to the offer. The whole file is read for its hashes, one file after another and beside
/// all else that the meeting does: gigabytes take many seconds.
extension FileDesk {
  /// A file that is being read, or waits for that.
  struct Reading {
    let number: Int
    let path: String
    let size: Int
    let note: String
    /// The number of the line before it.
    let line: Int
    var bytes = 0
    /// Whether anything was told of it: what is read in a moment is best told of when it is offered.
    var isTold = false
    var latestReport: Moment?

    var name: String { FileName.sanitised((path as NSString).lastPathComponent) }
  }

  /// What is read before the next line is taken, if nothing else is being read: some hundredths of a
  /// second, and what a script says after it comes after it.
  static let promptBytes = 8 << 20
  /// Files that wait to be read, each some hundred bytes; further ones are refused.
  static let mostReadings = 1000
  private static let reportInterval = Duration.milliseconds(500)

  func offer(_ rest: String, after line: Int) async {
    let (written, note) = FileCommand.split(rest) {
      FileFolder.size(of: Self.expanded($0)) != nil
    }
    let path = Self.absolute(written)
    guard let size = FileFolder.size(of: path) else {
      let hint = note.isEmpty ? "" : " (a path with blanks stands in quotes: /send \"PATH\" NOTE)"
      return await refuse(path, "there is no plain file that can be read" + hint, after: line)
    }
    guard size <= FileBounds.chunks * FileBounds.chunk else {
      return await refuse(path, "it is larger than 4 GiB", after: line)
    }
    guard note.utf8.count <= EntryText.note.limit else {
      return await refuse(
        path, "the note is longer than \(EntryText.note.limit) bytes; shorten it", after: line)
    }
    guard readings.count < Self.mostReadings else {
      return await refuse(
        path, "\(Self.mostReadings) files wait to be read already", after: line)
    }
    readingCount += 1
    readings.append(
      Reading(number: readingCount, path: path, size: size, note: note, line: line))
    if isReading || size > Self.promptBytes { tell(readings.count - 1, .reading) }
    guard !isReading else { return }
    isReading = true
    if size <= Self.promptBytes {
      await readAll()
    } else {
      Task { await readAll() }
    }
  }

  /// The first is the one that is being read.
  private func readAll() async {
    while let reading = readings.first, surroundings != nil {
      await read(reading)
      if readings.first?.number == reading.number { readings.removeFirst() }
    }
    readings = []
    isReading = false
  }

  /// Whether it was neither cancelled nor the meeting left.
  private func isWanted(_ reading: Reading) -> Bool {
    surroundings != nil && readings.first?.number == reading.number
  }

  private struct Digests {
    /// SHA-256 of the whole.
    var whole: [UInt8] = []
    var chunks: [[UInt8]] = []
  }

  private func read(_ reading: Reading) async {
    let version = FileFolder.version(of: reading.path)
    var digests = await digests(of: reading)
    guard isWanted(reading) else { return }
    // Nobody could fetch what was read of it.
    if FileFolder.version(of: reading.path) != version { digests = nil }
    guard let digests, let shape = FileShape(byteCount: reading.size, hashes: digests.chunks) else {
      tell(0, .failed)
      readings.removeFirst()
      return await refuse(
        reading.path,
        "it can't be read, or changed while it was. Send it again once it is complete",
        after: reading.line)
    }
    tell(0, .read)
    await offer(reading, shape, digests.chunks, digest: digests.whole)
  }

  /// - Returns: `nil` where it can't be read, or isn't wanted any more.
  private func digests(of reading: Reading) async -> Digests? {
    var whole = SHA256()
    var digests = Digests()
    while readings[0].bytes < reading.size {
      let start = readings[0].bytes
      let range = start..<min(start + FileBounds.chunk, reading.size)
      guard let bytes = FileFolder.read(reading.path, range) else { return nil }
      whole.update(data: bytes)
      digests.chunks.append(Wire.digest(bytes))
      readings[0].bytes = range.upperBound
      tellProgress()
      await Task.yield()
      guard isWanted(reading) else { return nil }
    }
    digests.whole = Array(whole.finalize())
    return digests
  }

  private func offer(
    _ reading: Reading, _ shape: FileShape, _ hashes: [[UInt8]], digest: [UInt8]
  ) async {
    let folder = folder(of: shape.root)
    do {
      try folder.makeAnew(byteCount: reading.size)
      try folder.keep(list: hashes)
      try folder.keep(place: reading.path)
    } catch {
      // What is left of it would be fetched from others after a restart, as what was begun is.
      if folder.place == nil { folder.remove() }
      warn(
        "file-not-kept",
        "After a restart \(reading.path) has to be offered anew: \(error.sentence).")
    }
    // From here on it can't be called off as one that is read.
    readings.removeFirst()
    ownFiles.append((shape.root, reading.name, reading.path, hashes))
    let body = WireChatBody.file(
      name: reading.name, byteCount: reading.size, chunkBytes: FileBounds.chunk, digest: digest,
      root: shape.root, note: reading.note)
    let handing = Task { [surroundings] in await surroundings?.say(body, reading.line) ?? () }
    self.handing = handing
    await handing.value
  }

  /// Returns when those of the files on their way into the conversation that are meant can be referred to.
  func finishOffering(where isMeant: (_ name: String, _ path: String) -> Bool) async {
    guard ownFiles.contains(where: { isMeant($0.name, $0.path) }) else { return }
    await handing?.value
    await surroundings?.published()
  }

  /// What "last" means after that line, if it isn't offered yet; what was handed over is, on return.
  /// - Returns: its name, fit to be shown.
  func lastReading(after line: Int, isCalledOff: Bool) async -> String? {
    guard let reading = readings.last, reading.line == line else {
      await finishOffering { _, _ in true }
      return nil
    }
    if isCalledOff { _ = cancelReading { $0.number == reading.number } }
    return DisplayText.line(reading.name, limit: 60)
  }

  /// - Returns: whether such a file was being read, or waited for that.
  func cancelReading(where isMeant: (Reading) -> Bool) -> Bool {
    guard let place = readings.firstIndex(where: isMeant) else { return false }
    tell(place, .cancelled)
    readings.remove(at: place)
    return true
  }

  // MARK: - Telling

  private func tellProgress() {
    let now = parts.clock.now()
    guard readings[0].size > Self.promptBytes,
      readings[0].latestReport.map({ now - $0 >= Self.reportInterval }) ?? true
    else { return }
    readings[0].latestReport = now
    tell(0, .reading)
  }

  private func tell(_ place: Int, _ state: FileReading.State) {
    let reading = readings[place]
    guard state == .reading || reading.isTold else { return }
    readings[place].isTold = true
    emit(
      .reading(
        FileReading(
          number: reading.number, name: DisplayText.line(reading.name, limit: 256), state: state,
          bytes: reading.bytes, total: reading.size)))
  }

  private func refuse(_ path: String, _ reason: String, after line: Int) async {
    let path = DisplayText.line(path, limit: 200)
    emit(.warning(code: "file-not-sent", message: "\(path) was not offered: \(reason)."))
    await surroundings?.notSaid(line)
  }

  static func absolute(_ path: String) -> String {
    URL(fileURLWithPath: expanded(path)).standardizedFileURL.path
  }

  private static func expanded(_ path: String) -> String {
    guard path == "~" || path.hasPrefix("~/") else { return path }
    return (ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory()) + path.dropFirst()
  }
}
