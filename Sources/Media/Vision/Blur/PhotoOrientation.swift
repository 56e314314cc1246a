/// How a photograph is to be turned to stand upright, as the camera has noted in it.
///
/// Exif 2.32 §4.6.4 A, tag 274, in the APP1 segment of a JPEG file: a TIFF header and a folder of
/// 12-byte entries.
enum PhotoOrientation {
  /// Entries of the folder that are read: cameras write some twenty.
  private static let entryLimit = 512
  private static let tag = 274

  /// 1 to 8 as in Exif; 1, upright, where the file says nothing that can be read.
  static func read(_ jpeg: [UInt8]) -> Int {
    var place = 2
    while place + 4 <= jpeg.count, jpeg[place] == 0xFF {
      let marker = jpeg[place + 1]
      // The picture begins: whatever follows is no header.
      if marker == 0xDA || marker == 0xD9 { return 1 }
      let length = Int(jpeg[place + 2]) << 8 | Int(jpeg[place + 3])
      let end = place + 2 + length
      guard length >= 2, end <= jpeg.count else { return 1 }
      let segment = jpeg[(place + 4)..<max(end, place + 4)]
      if marker == 0xE1, segment.starts(with: Array("Exif\0\0".utf8)) {
        return orientation(Array(segment.dropFirst(6))) ?? 1
      }
      place = end
    }
    return 1
  }

  private static func orientation(_ tiff: [UInt8]) -> Int? {
    let isLittle = tiff.starts(with: Array("II".utf8))
    guard isLittle || tiff.starts(with: Array("MM".utf8)) else { return nil }
    func number(_ place: Int, _ size: Int) -> Int? {
      guard place >= 0, place + size <= tiff.count else { return nil }
      let bytes = tiff[place..<place + size]
      return (isLittle ? Array(bytes.reversed()) : Array(bytes)).reduce(0) { $0 << 8 | Int($1) }
    }
    guard number(2, 2) == 42, let folder = number(4, 4), let count = number(folder, 2) else {
      return nil
    }
    for index in 0..<min(count, entryLimit) {
      let entry = folder + 2 + 12 * index
      guard let found = number(entry, 2) else { return nil }
      guard found == tag else { continue }
      guard let value = number(entry + 8, 2), (1...8).contains(value) else { return nil }
      return value
    }
    return nil
  }
}
