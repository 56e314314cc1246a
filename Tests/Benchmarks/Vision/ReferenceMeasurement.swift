import Foundation
import Foundations
import MediaSupport
import Vision

/// How far the engine is from the reference runtimes, on pictures of a clip.
struct ReferenceMeasurement {
  let store: ModelStore
  let folder: String

  private static let environment = ".build/vision-venv"
  private static let script = "Tests/VisionTests/reference.py"
  private static let count = 8

  func add(to report: inout Report) async throws {
    guard FileManager.default.fileExists(atPath: Self.environment + "/installed.txt") else {
      print("The reference runtimes aren't set up: .ci/vision-environment")
      return
    }
    let clip = try pictures(of: folder + "/camera0.webm")
    let step = max(clip.count / Self.count, 1)
    let chosen = (0..<Self.count).map { clip[min($0 * step, clip.count - 1)].picture }
    for model in VisionModel.allCases {
      let isMesh = model == .attentionMesh
      let difference = try await difference(of: model, chosen)
      report.add(
        "\(model.rawValue), most from the reference", difference, isMesh ? "pixels" : "",
        aim: isMesh ? "at most 0.01" : "at most 0.0001")
    }
  }

  private func difference(of model: VisionModel, _ pictures: [Picture]) async throws -> Double {
    let network = try store.network(model)
    let (height, width) = (network.inputShape(0)[1], network.inputShape(0)[2])
    let low: Float = model == .faceDetector ? -1 : 0
    let folder = TemporaryFolder()
    var ours: [[[Float]]] = []
    for (index, picture) in pictures.enumerated() {
      let bytes = picture.colours(width: width, height: height)
      _ = folder.write(bytes, to: "\(index).rgb")
      let input = network.input(0)
      for place in bytes.indices { input[place] = Float(bytes[place]) * ((1 - low) / 255) + low }
      try network.run()
      ours.append((0..<network.outputCount).map { Array(network.output($0)) })
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.environment + "/bin/python")
    process.arguments = [
      Self.script, store.path(of: model), "\(width)", "\(height)", "\(low)", "1", folder.path,
      "\(pictures.count)",
    ]
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return .nan }
    var most = 0.0
    for (index, outputs) in ours.enumerated() {
      for (place, values) in outputs.enumerated() {
        // Boxes are in pixels and no probabilities; of the mesh the flag is none of its points.
        if model == .faceDetector && values.count != 896 { continue }
        if model == .attentionMesh && values.count == 1 { continue }
        let bytes = contents(of: folder.file("\(index).\(place).f32"))
        let theirs = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        guard theirs.count == values.count else { return .nan }
        func value(_ number: Float) -> Double {
          model == .faceDetector ? 1 / (1 + exp(-Double(number))) : Double(number)
        }
        most = max(most, zip(values, theirs).map { abs(value($0) - value($1)) }.max() ?? 0)
      }
    }
    return most
  }
}

/// The bare model's mask, at its own size.
final class RawSegmentation {
  private let network: Network

  init(store: ModelStore) throws {
    network = try store.network(.landscapeSegmentation)
  }

  func mask(of picture: Picture) throws -> [Float] {
    let (height, width) = (network.inputShape(0)[1], network.inputShape(0)[2])
    let input = network.input(0)
    let colours = picture.colours(width: width, height: height)
    for place in colours.indices { input[place] = Float(colours[place]) / 255 }
    try network.run()
    return Array(network.output(0))
  }
}

extension Picture {
  /// Red, green, blue at another size: the mean of what each pixel covers, BT.601 limited range.
  func colours(width: Int, height: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(width * height * 3)
    func mean(_ plane: Plane, _ column: Int, _ row: Int) -> Double {
      let left = column * plane.width / width
      let right = max((column + 1) * plane.width / width, left + 1)
      let top = row * plane.height / height
      let bottom = max((row + 1) * plane.height / height, top + 1)
      var sum = 0
      for y in top..<bottom {
        for x in left..<right { sum += Int(plane.bytes[y * plane.stride + x]) }
      }
      return Double(sum) / Double((right - left) * (bottom - top))
    }
    for row in 0..<height {
      for column in 0..<width {
        let y = 1.164_383 * (mean(luma, column, row) - 16)
        let (u, v) = (mean(blue, column, row) - 128, mean(red, column, row) - 128)
        let (r, g, b) = (
          y + 1.596_027 * v, y - 0.391_762 * u - 0.812_968 * v, y + 2.017_232 * u
        )
        for value in [r, g, b] { bytes.append(UInt8(min(max(value, 0), 255))) }
      }
    }
    return bytes
  }
}
