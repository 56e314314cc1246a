import Capture
import Codecs
import Foundations
import MediaSupport
import Testing

@testable import CommandLineTool

@Suite("Clips of several cameras, side by side")
struct SideBySideTests {
  private let folder = TemporaryFolder()

  /// Pictures of one grey each, 16 × 16: the first 1, the next 2, and so on.
  private func clip(_ count: Int, rate: Int, cut: Int = 0) throws -> ClipReader {
    var bytes = Array("YUV4MPEG2 W16 H16 F\(rate):1\n".utf8)
    for level in 1...count {
      bytes += Array("FRAME\n".utf8) + [UInt8](repeating: UInt8(level), count: 384)
    }
    let path = folder.write(bytes.dropLast(cut), to: "\(count)-\(rate)-\(cut).y4m")
    return try ClipReader(
      path: path, pool: PicturePool(), makeDecoder: { try VideoDecoder(codec: $0, pool: $1) })
  }

  private func levels(_ clips: [ClipReader]) throws -> [[UInt8?]] {
    var cameras = SideBySide(clips)
    var rows: [[UInt8?]] = []
    while let (pictures, _) = try cameras.next() {
      rows.append(pictures.map { $0?.luma.bytes[0] })
    }
    return rows
  }

  @Test("Pictures of one rate come together, each of them, until the shortest clip ends")
  func oneRate() throws {
    let rows = try levels([clip(5, rate: 30), clip(4, rate: 30)])
    #expect(rows == [[1, 1], [2, 2], [3, 3], [4, 4]])
  }

  @Test("A slower camera stands still between its pictures, and nobody runs ahead")
  func slower() throws {
    let rows = try levels([clip(4, rate: 15), clip(8, rate: 30), clip(2, rate: 10)])
    #expect(rows[0] == [1, 1, 1])
    #expect(rows.map { $0[1] }.prefix(4) == [1, 2, 3, 4])
    #expect(rows.compactMap { $0[0] }.prefix(2) == [1, 2])
    // 10 a second: the second picture comes with the fourth of 30.
    #expect(rows.map { $0[2] }.prefix(4) == [1, nil, nil, 2])
    #expect(rows[1] == [nil, 2, nil])
  }

  @Test("A clip that breaks off ends the run and is told of")
  func brokenOff() throws {
    var cameras = SideBySide([try clip(5, rate: 30), try clip(5, rate: 30, cut: 10)])
    var count = 0
    while try cameras.next() != nil { count += 1 }
    #expect(count == 4)
    #expect(cameras.defect?.code == "damaged-file")
  }
}
