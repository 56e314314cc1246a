import ArgumentParser
import Foundation
import Foundations
import Meeting
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
    for options in [
      ["--input", "file:" + clip, "--output", clip],
      ["--input", clip, "--output", new, "--background", new],
      ["--input", clip, "--output", folder + "/new.mp4"],
    ] {
      #expect(throws: (any Error).self) { try VisionBlurCommand.parse(options) }
    }
    #expect(throws: Never.self) {
      try VisionBlurCommand.parse(["--input", clip, "--output", new])
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: clip)) == Data("clip".utf8))
  }

  @Test("What lay in a new clip's place stays until the new one is whole")
  func unfinished() throws {
    let folder = NSTemporaryDirectory() + "/virtue-blur-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/clip.webm"
    try Data("former".utf8).write(to: URL(fileURLWithPath: path))
    let picture = PicturePool().makePicture(width: 64, height: 48)
    for isFinished in [false, true] {
      let writer = try ClipWriter(path: path, width: 64, height: 48, interval: .milliseconds(33))
      try writer.write(picture, at: .zero)
      if isFinished { try writer.finish() }
      withExtendedLifetime(writer) {}
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["clip.webm"])
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(bytes.starts(with: [0x1A, 0x45, 0xDF, 0xA3]))
  }

  @Test("A strength without --blur is refused: whoever gives one counts on a blur")
  func strengthAlone() throws {
    let arguments = try MeetingArguments.parse(["--blur-strength", "3"])
    #expect(throws: Failure.self) { try arguments.makeOptions() }
    let blurred = try MeetingArguments.parse(["--blur", "--blur-strength", "3"])
    #expect(try blurred.makeOptions().background == .blur(strength: 3))
  }
}
