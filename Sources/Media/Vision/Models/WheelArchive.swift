import CZlib
import Foundations

/// A Python wheel, which is a ZIP archive (PKWARE APPNOTE 6.3), read with every offset checked.
///
///     entries … · central directory · end record (22 bytes and a comment)
struct WheelArchive {
  private let path: String
  private let bytes: [UInt8]
  /// Name → where its entry begins, how it is packed, and how many bytes that takes.
  private let entries: [String: Entry]

  private struct Entry {
    let offset: Int
    let method: Int
    let packedSize: Int
    let size: Int
  }

  /// Bytes of a wheel. MediaPipe's has 36 MB.
  private static let sizeLimit = 256 << 20
  /// Files in it. MediaPipe's has 900.
  private static let entryLimit = 65_535
  /// APPNOTE §4.3.16: the end record stands within the last 64 kB.
  private static let endReach = 22 + 65_535
  private static let endSignature: UInt32 = 0x0605_4B50
  private static let centralSignature: UInt32 = 0x0201_4B50
  private static let localSignature: UInt32 = 0x0403_4B50

  init(path: String) throws(Failure) {
    do {
      bytes = try PlainFile.read(path, limit: Self.sizeLimit)
    } catch {
      throw Failure(
        "no-wheel", exit: .noInput,
        "“\(DisplayText.line(path, limit: 200))” can't be read: \(error.reason). "
          + "Give the path of the wheel of mediapipe 0.10.21.")
    }
    self.path = path
    entries = try Self.directory(of: bytes, path: path)
  }

  private static func directory(
    of bytes: [UInt8], path: String
  ) throws(Failure) -> [String: Entry] {
    let reader = FlatBuffer(bytes: bytes)
    do throws(ModelFailure) {
      let earliest = max(bytes.count - endReach, 0)
      var end = bytes.count - 22
      while end >= earliest, try reader.uint32(at: end) != endSignature { end -= 1 }
      guard end >= earliest else { throw .malformed("it is no ZIP archive") }
      let count = Int(try reader.uint16(at: end + 10))
      guard count <= entryLimit else { throw .malformed("\(count) files") }
      var at = Int(try reader.uint32(at: end + 16))
      var entries: [String: Entry] = [:]
      for _ in 0..<count {
        guard try reader.uint32(at: at) == centralSignature else {
          throw .malformed("its directory is damaged")
        }
        let nameLength = Int(try reader.uint16(at: at + 28))
        let rest = Int(try reader.uint16(at: at + 30)) + Int(try reader.uint16(at: at + 32))
        try reader.check(at + 46, count: nameLength)
        let name = String(decoding: bytes[(at + 46)..<(at + 46 + nameLength)], as: UTF8.self)
        entries[name] = Entry(
          offset: Int(try reader.uint32(at: at + 42)), method: Int(try reader.uint16(at: at + 10)),
          packedSize: Int(try reader.uint32(at: at + 20)), size: Int(try reader.uint32(at: at + 24))
        )
        at += 46 + nameLength + rest
      }
      return entries
    } catch {
      throw damaged(path, "it is no whole ZIP archive")
    }
  }

  /// The file `name`, unpacked; it must have `size` bytes.
  func contents(of name: String, size: Int) throws(Failure) -> [UInt8] {
    guard let entry = entries[name], entry.size == size else {
      throw Self.damaged(path, "it lacks \(name)")
    }
    let reader = FlatBuffer(bytes: bytes)
    let packed: ArraySlice<UInt8>
    do throws(ModelFailure) {
      guard try reader.uint32(at: entry.offset) == Self.localSignature else {
        throw .malformed("no file here")
      }
      let start =
        entry.offset + 30 + Int(try reader.uint16(at: entry.offset + 26))
        + Int(try reader.uint16(at: entry.offset + 28))
      try reader.check(start, count: entry.packedSize)
      packed = bytes[start..<start + entry.packedSize]
    } catch {
      throw Self.damaged(path, "\(name) is damaged in it")
    }
    switch entry.method {
    case 0 where packed.count == size: return Array(packed)
    case 8:
      guard let unpacked = Self.inflate(packed, size: size) else {
        throw Self.damaged(path, "\(name) can't be unpacked")
      }
      return unpacked
    case _: throw Self.damaged(path, "\(name) is packed in an unknown way")
    }
  }

  /// `nil` unless `packed` comes to exactly `size` bytes.
  private static func inflate(_ packed: ArraySlice<UInt8>, size: Int) -> [UInt8]? {
    var stream = z_stream()
    guard virtue_inflate_raw_init(&stream) == Z_OK else { return nil }
    defer { inflateEnd(&stream) }
    var packed = Array(packed)
    var unpacked = [UInt8](repeating: 0, count: size)
    let result = packed.withUnsafeMutableBufferPointer { source in
      unpacked.withUnsafeMutableBufferPointer { target in
        stream.next_in = source.baseAddress
        stream.avail_in = UInt32(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(target.count)
        return CZlib.inflate(&stream, Z_FINISH)
      }
    }
    return result == Z_STREAM_END && stream.avail_out == 0 ? unpacked : nil
  }

  private static func damaged(_ path: String, _ what: String) -> Failure {
    Failure(
      "bad-wheel", exit: .badData,
      "\(DisplayText.line(path, limit: 200)) can't be used: \(what). "
        + "Give the wheel of mediapipe 0.10.21.")
  }
}
