import ArgumentParser
import Foundation
import Testing

@testable import CommandLineTool

@Suite("virtue vision blur")
struct VisionBlurTests {
  @Test("A clip is never written over itself or its mask, by whatever name")
  func oneFile() throws {
    let folder = NSTemporaryDirectory() + "/virtue-blur-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (clip, new) = (folder + "/clip.webm", folder + "/new.webm")
    try Data("clip".utf8).write(to: URL(fileURLWithPath: clip))
    let (symbolic, hard) = (folder + "/symbolic.webm", folder + "/hard.webm")
    try FileManager.default.createSymbolicLink(atPath: symbolic, withDestinationPath: clip)
    try FileManager.default.linkItem(atPath: clip, toPath: hard)
    for other in [clip, symbolic, hard, folder + "/./clip.webm"] {
      #expect(throws: (any Error).self) {
        try VisionBlurCommand.parse(["--input", clip, "--output", other])
      }
      #expect(throws: (any Error).self) {
        try VisionBlurCommand.parse(["--input", clip, "--output", new, "--mask", other])
      }
    }
    #expect(throws: (any Error).self) {
      try VisionBlurCommand.parse(["--input", clip, "--output", new, "--mask", new])
    }
    #expect(throws: Never.self) {
      try VisionBlurCommand.parse(["--input", clip, "--output", new])
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: clip)) == Data("clip".utf8))
  }
}
