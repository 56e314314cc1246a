import CYUV
import Foundations

/// A Y4M clip (the format of mjpegtools, `yuv4mpeg(5)`) with 8-bit 4:2:0 pictures, in a loop.
final class Y4MSource: VideoSource {
  let settings: VideoSettings
  let interval: Duration
  private let file: InputFile
  private let header: Header
  private let fitting: Fitting
  private let pool: PicturePool
  /// Where the next frame begins, and which one it is.
  private var offset: Int
  private var index = 0
  /// Known once the end has been reached.
  private var frameCount: Int?
  private(set) var defect: Failure?

  /// A frame's own header is "FRAME", parameters that nobody uses, and a line feed.
  private static let frameHeaderLimit = 256

  init(_ file: InputFile, settings: VideoSettings, pool: PicturePool) throws(Failure) {
    self.file = file
    self.pool = pool
    header = try Header(file)
    offset = header.byteCount
    fitting = Fitting(width: header.width, height: header.height, into: settings, pool: pool)
    (self.settings, interval) = settings.limited(to: fitting, interval: header.interval)
    guard frame(at: offset) != nil else {
      throw .badClip(file.path, "it is cut short before the end of its first picture")
    }
  }

  func picture(slot: Int, captured: WallTime) throws(Failure) -> Picture? {
    var wanted = Int(
      (Double(slot) * interval.inSeconds / header.interval.inSeconds).rounded(.toNearestOrEven))
    if let frameCount { wanted %= frameCount }
    if wanted < index { (index, offset) = (0, header.byteCount) }
    while true {
      guard let range = frame(at: offset) else {
        // The end, or the place where the clip breaks off: what was good is shown again.
        guard index > 0 else {
          throw .badClip(file.path, "it has been changed or cut while it played")
        }
        frameCount = index
        if offset != file.size { defect = breaksOff }
        wanted %= index
        (index, offset) = (0, header.byteCount)
        continue
      }
      offset = range.upperBound
      index += 1
      if index == wanted + 1 { return try read(range) }
    }
  }

  /// The next picture in the file's order, once through; `nil` at its end. Not to be mixed with
  /// ``picture(slot:captured:)``.
  func next() throws(Failure) -> Picture? {
    guard let range = frame(at: offset) else {
      if offset != file.size { defect = breaksOff }
      return nil
    }
    offset = range.upperBound
    index += 1
    return try read(range)
  }

  /// Pictures in the file, by its size.
  var estimatedCount: Int {
    // Each has a header of its own, of "FRAME\n" at least.
    max((file.size - header.byteCount) / (header.frameSize + 6), 1)
  }

  private var breaksOff: Failure {
    .damagedFile(file.path, "breaks off after picture \(index)")
  }

  /// Where the pixels lie of the frame that begins at `offset`.
  private func frame(at offset: Int) -> Range<Int>? {
    let start = file.read(at: offset, count: Self.frameHeaderLimit)
    guard start.starts(with: Array("FRAME".utf8)),
      let end = start.firstIndex(of: UInt8(ascii: "\n")),
      offset + end + 1 + header.frameSize <= file.size
    else { return nil }
    return offset + end + 1..<offset + end + 1 + header.frameSize
  }

  private func read(_ range: Range<Int>) throws(Failure) -> Picture {
    let bytes = file.read(at: range.lowerBound, count: range.count)
    guard bytes.count == range.count else {
      throw .badClip(file.path, "it has been changed or cut while it played")
    }
    let picture = pool.makePicture(width: header.width, height: header.height)
    var start = 0
    for plane in [picture.luma, picture.blue, picture.red] {
      bytes.withUnsafeBufferPointer {
        CopyPlane(
          $0.baseAddress! + start, Int32(plane.width), plane.bytes, Int32(plane.stride),
          Int32(plane.width), Int32(plane.height))
      }
      start += plane.width * plane.height
    }
    return fitting.fit(picture)
  }

  /// The clip's first line.
  private struct Header {
    let width: Int
    let height: Int
    let interval: Duration
    let byteCount: Int
    let frameSize: Int

    private static let limit = 1024
    private static let chromaTypes: Set<Substring> = [
      "420", "420jpeg", "420mpeg2", "420paldv",
    ]

    init(_ file: InputFile) throws(Failure) {
      let start = file.read(at: 0, count: Self.limit)
      guard let end = start.firstIndex(of: UInt8(ascii: "\n")) else {
        throw .badClip(file.path, "its Y4M header has no end")
      }
      byteCount = end + 1
      let words = String(decoding: start[..<end], as: UTF8.self).split(separator: " ")
      var width = 0
      var height = 0
      var rate: (frames: Int, seconds: Int)?
      for word in words.dropFirst() {
        let value = word.dropFirst()
        switch word.first {
        case "W": width = Int(value) ?? 0
        case "H": height = Int(value) ?? 0
        case "F":
          let parts = value.split(separator: ":").compactMap { Int($0) }
          if parts.count == 2 { rate = (parts[0], parts[1]) }
        case "C":
          guard Self.chromaTypes.contains(value) else {
            throw .badClip(
              file.path,
              "its colours are stored as \(DisplayText.line(String(value), limit: 20)), "
                + "and only 8-bit 4:2:0 is known here")
          }
        case _: break
        }
      }
      let sides = 16...Picture.sideLimit
      guard sides.contains(width), sides.contains(height) else {
        throw .badClip(file.path, "its pictures have a size that can't be shown")
      }
      (self.width, self.height) = (width, height)
      frameSize = width * height + (width + 1) / 2 * ((height + 1) / 2) * 2
      // Without a rate that makes sense, the usual one.
      interval =
        if let rate, (1...1_000_000_000).contains(rate.frames),
          (1...1_000_000_000).contains(rate.seconds),
          (0.1...1000).contains(Double(rate.frames) / Double(rate.seconds))
        {
          .nanoseconds(Int64(1e9 * Double(rate.seconds) / Double(rate.frames)))
        } else {
          .nanoseconds(1_000_000_000 / 30)
        }
    }
  }
}
