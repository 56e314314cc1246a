import ArgumentParser
import Foundation
import Foundations
import MediaSupport
import Meeting
import Testing

@testable import CommandLineTool

@Suite("virtue vision blur")
struct VisionBlurTests {
  private let folder = TemporaryFolder()

  @Test("A clip is never written over itself or its mask, by whatever name")
  func oneFile() throws {
    let clip = folder.write(Array("clip".utf8), to: "clip.webm")
    let new = folder.file("new.webm")
    let (symbolic, hard) = (folder.file("symbolic.webm"), folder.file("hard.webm"))
    try FileManager.default.createSymbolicLink(atPath: symbolic, withDestinationPath: clip)
    try FileManager.default.linkItem(atPath: clip, toPath: hard)
    for other in [clip, symbolic, hard, folder.file("./clip.webm")] {
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
      ["--input", clip, "--output", folder.file("new.mp4")],
    ] {
      #expect(throws: (any Error).self) { try VisionBlurCommand.parse(options) }
    }
    #expect(throws: Never.self) {
      try VisionBlurCommand.parse(["--input", clip, "--output", new])
    }
    #expect(contents(of: clip) == Array("clip".utf8))
  }

  @Test("What lay in a new clip's place stays until the new one is whole")
  func unfinished() throws {
    let path = folder.write(Array("former".utf8), to: "clip.webm")
    let picture = PicturePool().makePicture(width: 64, height: 48)
    for isFinished in [false, true] {
      let writer = try ClipWriter(path: path, width: 64, height: 48, interval: .milliseconds(33))
      try writer.write(picture, at: .zero)
      if isFinished { try writer.finish() }
      withExtendedLifetime(writer) {}
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["clip.webm"])
    #expect(contents(of: path).starts(with: [0x1A, 0x45, 0xDF, 0xA3]))
  }

  @Test("A strength without --blur is refused: whoever gives one counts on a blur")
  func strengthAlone() throws {
    let arguments = try MeetingArguments.parse(["--blur-strength", "3"])
    #expect(throws: Failure.self) { try arguments.makeOptions() }
    let blurred = try MeetingArguments.parse(["--blur", "--blur-strength", "3"])
    #expect(try blurred.makeOptions().background == .blur(strength: 3))
  }
}
