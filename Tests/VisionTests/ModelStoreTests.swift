import Foundation
import Foundations
import MediaSupport
import Testing

@testable import Vision

@Suite("The models on disk")
struct ModelStoreTests {
  @Test("What isn't there is missing, and the error says how to get it")
  func missing() throws {
    let folder = TemporaryFolder()
    let store = ModelStore(dataDirectory: folder.path)
    #expect(store.status(of: .faceDetector) == .missing)
    #expect(!store.isComplete)
    let failure = #expect(throws: Failure.self) { try store.network(.faceDetector) }
    #expect(failure?.code == "models-missing")
    #expect(failure?.message.contains("virtue models install") == true)
  }

  @Test("A changed file is never loaded")
  func changed() throws {
    let folder = TemporaryFolder()
    _ = folder.write(
      [UInt8](repeating: 7, count: VisionModel.faceDetector.byteCount),
      to: VisionModel.faceDetector.fileName)
    // The folder itself stands for the data directory's folder of models.
    let store = ModelStore(dataDirectory: folder.path, folder: "")
    #expect(store.status(of: .faceDetector) == .damaged)
    let failure = #expect(throws: Failure.self) { try store.bytes(of: .faceDetector) }
    #expect(failure?.code == "models-damaged")
  }

  @Test("Python is started in a folder of its own, where nobody has laid a module")
  func ownFolder() async throws {
    let folder = TemporaryFolder()
    let place = folder.file("place")
    let python = folder.write(
      Array("#!/bin/sh\npwd > '\(place)'\nls >> '\(place)'\nexit 1\n".utf8), to: "python")
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: python)
    let download = ModelDownload(
      into: ModelStore(dataDirectory: folder.path), patience: .short, python: python)
    await #expect(throws: Failure.self) { try await download.run { _, _ in } }
    let lines = try String(contentsOfFile: place, encoding: .utf8).split(separator: "\n")
    #expect(lines.first?.contains("virtue-models-") == true)
    #expect(Set(lines.dropFirst()) == ["pip.log", "requirements.txt"])
  }

  @Test("A file that is no wheel is refused, and nothing is installed")
  func noWheel() throws {
    let folder = TemporaryFolder()
    let store = ModelStore(dataDirectory: folder.path)
    var generator = SeededGenerator(seed: 1)
    for count in [0, 10, 22, 5000] {
      let path = folder.write(
        (0..<count).map { _ in .random(in: 0...255, using: &generator) }, to: "a.whl")
      #expect(throws: Failure.self) { try store.install(fromWheel: path) }
    }
    #expect(throws: Failure.self) { try store.install(fromWheel: folder.file("none.whl")) }
    #expect(store.status(of: .faceDetector) == .missing)
  }

  @Test("A damaged wheel gives an error wherever it is damaged")
  func damagedWheel() throws {
    let folder = TemporaryFolder()
    var generator = SeededGenerator(seed: 2)
    for _ in 0..<500 {
      let bytes = Self.archive.mutated(&generator)
      let path = folder.write(bytes, to: "b.whl")
      guard let archive = try? WheelArchive(path: path) else { continue }
      _ = try? archive.contents(of: "a.txt", size: 5)
    }
    let path = folder.write(Self.archive, to: "c.whl")
    let archive = try WheelArchive(path: path)
    #expect(try archive.contents(of: "a.txt", size: 5) == Array("hello".utf8))
    #expect(throws: Failure.self) { try archive.contents(of: "a.txt", size: 6) }
    #expect(throws: Failure.self) { try archive.contents(of: "b.txt", size: 5) }
  }

  /// One file, "a.txt", deflated to a single stored block.
  private static let archive: [UInt8] = {
    let packed: [UInt8] = [1, 5, 0, 250, 255] + Array("hello".utf8)
    let name = Array("a.txt".utf8)
    let sizes: [UInt8] = [UInt8(packed.count), 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0]
    let local: [UInt8] =
      [0x50, 0x4B, 3, 4, 20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0] + sizes + name + packed
    let central: [UInt8] =
      [0x50, 0x4B, 1, 2, 20, 0, 20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0] + sizes
      + [UInt8](repeating: 0, count: 14) + name
    let end: [UInt8] =
      [0x50, 0x4B, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0, UInt8(central.count), 0, 0, 0]
      + [UInt8(local.count), 0, 0, 0, 0, 0]
    return local + central + end
  }()
}
