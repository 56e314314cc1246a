import Foundation
import Foundations
import MediaSupport
import Testing

@testable import Vision

@Suite("Pictures from PNG and JPEG files")
struct ImageFileTests {
  /// 32×16, made with FFmpeg: the left half black, the right half of brightness 235 of 255.
  private static let photograph = [UInt8](
    Data(
      base64Encoded: """
        /9j/4AAQSkZJRgABAgAAAQABAAD/2wBDAAgKCgsKCw0NDQ0NDRAPEBAQEBAQEBAQEBASEhIVFRUSEhIQ
        EBISFBQVFRcXFxUVFRUXFxkZGR4eHBwjIyQrKzP/xABLAAEBAAAAAAAAAAAAAAAAAAAACAEBAAAAAAAA
        AAAAAAAAAAAAABABAAAAAAAAAAAAAAAAAAAAABEBAAAAAAAAAAAAAAAAAAAAAP/AABEIABAAIAMBIgAC
        EQADEQD/2gAMAwEAAhEDEQA/AJ/ABdYAP//Z
        """, options: .ignoreUnknownCharacters) ?? Data())

  /// 32×16: brightness 20 and 80 of 255 above, 150 and 230 below.
  private static let quarters = [UInt8](
    Data(
      base64Encoded: """
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFhYaHSUf
        GhsjHBYWICwgIyYnKSopGR8tMC0oMCUoKSj/wAALCAAQACABAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAEC
        AwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAk
        M2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJ
        ipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3
        +Pn6/9oACAEBAAA/APm+ivUKK9dor2uiv//Z
        """, options: .ignoreUnknownCharacters) ?? Data())

  /// 8×8, in four inks.
  private static let printed = [UInt8](
    Data(
      base64Encoded: """
        /9j/7gAOQWRvYmUAZAAAAAAC/9sAQwANCQoLCggNCwoLDg4NDxMgFRMSEhMnHB4XIC4pMTAuKS0sMzpKPjM2
        RjcsLUBXQUZMTlJTUjI+WmFaUGBKUVJP/9sAQwEODg4TERMmFRUmTzUtNU9PT09PT09PT09PT09PT09PT09P
        T09PT09PT09PT09PT09PT09PT09PT09PT09PT09P/8AAFAgACAAIBAERAAIRAQMRAQQRAP/EAB8AAAEFAQEB
        AQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQy
        gZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0
        dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk
        5ebn6Onq8fLz9PX29/j5+v/EAB8BAAMBAQEBAQEBAQEAAAAAAAABAgMEBQYHCAkKC//EALURAAIBAgQEAwQH
        BQQEAAECdwABAgMRBAUhMQYSQVEHYXETIjKBCBRCkaGxwQkjM1LwFWJy0QoWJDThJfEXGBkaJicoKSo1Njc4
        OTpDREVGR0hJSlNUVVZXWFlaY2RlZmdoaWpzdHV2d3h5eoKDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKz
        tLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uLj5OXm5+jp6vLz9PX29/j5+v/aAA4EAQACEQMRBAAAPwBKACv/
        2Q==
        """, options: .ignoreUnknownCharacters) ?? Data())

  /// The photograph with a note of how the camera was held.
  private static func turned(
    _ orientation: UInt8, isLittle: Bool, _ photograph: [UInt8] = photograph
  ) -> [UInt8] {
    let tiff: [UInt8] =
      isLittle
      ? [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]
      : [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]
    let content = Array("Exif\0\0".utf8) + tiff
    return photograph[..<2] + [0xFF, 0xE1, 0, UInt8(content.count + 2)] + content
      + photograph[2...]
  }

  private static func luma(_ picture: Picture, _ x: Int, _ y: Int) -> UInt8 {
    picture.luma.bytes[y * picture.luma.stride + x]
  }

  @Test("A JPEG file is read in limited range")
  func photograph() throws {
    let picture = try ImageFile.decode(Self.photograph)
    #expect((picture.width, picture.height) == (32, 16))
    #expect((14...18).contains(Self.luma(picture, 4, 8)))
    #expect((216...220).contains(Self.luma(picture, 28, 8)))
  }

  /// Where the light half comes to lie.
  private enum Side { case left, right, top, bottom }

  @Test("A photograph stands upright however the camera was held", arguments: [false, true])
  func orientation(isLittle: Bool) throws {
    let places: [(UInt8, Side)] = [
      (1, .right), (2, .left), (3, .left), (4, .right), (5, .bottom), (6, .bottom), (7, .top),
      (8, .top),
    ]
    for (orientation, side) in places {
      let picture = try ImageFile.decode(Self.turned(orientation, isLittle: isLittle))
      let (width, height) = (picture.width, picture.height)
      let isSideways = side == .top || side == .bottom
      #expect((width, height) == (isSideways ? (16, 32) : (32, 16)), "\(orientation)")
      let light =
        switch side {
        case .left: Self.luma(picture, 4, height / 2)
        case .right: Self.luma(picture, width - 4, height / 2)
        case .top: Self.luma(picture, width / 2, 4)
        case .bottom: Self.luma(picture, width / 2, height - 4)
        }
      #expect(light > 210, "\(orientation)")
    }
  }

  @Test("Each quarter of a photograph comes to lie where Exif's orientation says", arguments: 1...8)
  func quarters(orientation: Int) throws {
    // Exif 2.32, tag 274: where the file's first row and its first column lie.
    let sides: [(row: Side, column: Side)] = [
      (.top, .left), (.top, .right), (.bottom, .right), (.bottom, .left), (.left, .top),
      (.right, .top), (.right, .bottom), (.left, .bottom),
    ]
    let (firstRow, firstColumn) = sides[orientation - 1]
    let picture = try ImageFile.decode(
      Self.turned(UInt8(orientation), isLittle: true, Self.quarters))
    for (row, levels) in [[20, 80], [150, 230]].enumerated() {
      for (column, level) in levels.enumerated() {
        // Each half along the file's rows or columns, and the edge of the picture that it is at.
        var (isRight, isBelow) = (false, false)
        for (half, first) in [(row, firstRow), (column, firstColumn)] {
          switch first {
          case .left: isRight = half == 1
          case .right: isRight = half == 0
          case .top: isBelow = half == 1
          case .bottom: isBelow = half == 0
          }
        }
        let found = Self.luma(
          picture, picture.width * (isRight ? 3 : 1) / 4, picture.height * (isBelow ? 3 : 1) / 4)
        #expect(abs(Int(found) - (16 + level * 219 / 255)) <= 4)
      }
    }
  }

  @Test("A JPEG file with colours for printing is refused in words of its own")
  func printed() {
    #expect(throws: ImageFile.Problem.printing) { try ImageFile.decode(Self.printed) }
    let folder = TemporaryFolder()
    let path = folder.write(Self.printed, to: "printed.jpg")
    let failure = #expect(throws: Failure.self) { try BackgroundImage(path: path) }
    #expect(failure?.message.contains("CMYK") == true)
  }

  @Test("A file cut short anywhere or altered is an error or a picture, never a crash")
  func damaged() {
    let whole = Self.turned(6, isLittle: true)
    // The last two bytes only say that it ends.
    for length in 0..<whole.count - 2 {
      #expect(throws: ImageFile.Problem.self) { try ImageFile.decode(Array(whole[..<length])) }
    }
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<2000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        bytes[place] = .random(in: 0...255, using: &generator)
      }
      guard let picture = try? ImageFile.decode(bytes) else { continue }
      #expect((2...Picture.sideLimit).contains(picture.width))
    }
  }

  @Test("Sides beyond the limit are refused before anything is allocated for them")
  func sides() throws {
    var bytes = Self.photograph
    // SOF0: marker, length, precision, height, width.
    let place = try #require(
      bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
    bytes.replaceSubrange(place + 5..<place + 9, with: [0x40, 1, 0x40, 1])
    #expect(throws: ImageFile.Problem.badSize) { try ImageFile.decode(bytes) }
  }
}
