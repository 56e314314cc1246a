import Foundation
import Foundations
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

  /// The photograph with a note of how the camera was held.
  private static func turned(_ orientation: UInt8, isLittle: Bool) -> [UInt8] {
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
    bytes.replaceSubrange(place + 5..<place + 9, with: [0x20, 0, 0x20, 0])
    #expect(throws: ImageFile.Problem.badSize) { try ImageFile.decode(bytes) }
  }
}
