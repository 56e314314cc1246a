import Vision

/// Models and pictures that somebody hands on.
let visionTargets: [FuzzTarget] = [
  FuzzTarget(name: "model") { bytes in
    guard let network = try? Network(bytes) else { return }
    try? network.run()
  },
  FuzzTarget(name: "image") { bytes in _ = try? ImageFile.decode(bytes) },
  FuzzTarget(name: "calibration") { bytes in _ = CalibrationFile.parse(bytes[...]) },
]
