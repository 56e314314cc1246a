/// The neural networks in use: MediaPipe's (Apache-2.0), as they come in the wheel of its version
/// 0.10.21, the last that carries them.
package enum VisionModel: String, CaseIterable, Sendable {
  /// Faces near the camera; MediaPipe's BlazeFace, short range.
  case faceDetector = "face_detection_short_range"
  /// 468 points of a face, with lips, lids and irises looked at more closely.
  case attentionMesh = "face_landmark_with_attention"
  /// A person before a background, in a picture of 256×144.
  case landscapeSegmentation = "selfie_segmentation_landscape"
  /// The same in one of 256×256, for upright and square pictures.
  case squareSegmentation = "selfie_segmentation"

  package var fileName: String { rawValue + ".tflite" }

  /// Where it lies in the wheel.
  var wheelPath: String {
    let folder =
      switch self {
      case .faceDetector: "face_detection"
      case .attentionMesh: "face_landmark"
      case .landscapeSegmentation, .squareSegmentation: "selfie_segmentation"
      }
    return "mediapipe/modules/\(folder)/\(fileName)"
  }

  package var byteCount: Int {
    switch self {
    case .faceDetector: 229_714
    case .attentionMesh: 2_495_106
    case .landscapeSegmentation: 250_145
    case .squareSegmentation: 249_505
    }
  }

  /// SHA-256 of the file: nothing else is ever loaded.
  package var digest: String {
    switch self {
    case .faceDetector: "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"
    case .attentionMesh: "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4"
    case .landscapeSegmentation:
      "a77d03f4659b9f6b6c1f5106947bf40e99d7655094b6527f214ea7d451106edd"
    case .squareSegmentation: "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c"
    }
  }

  /// What it is for, in a few words.
  package var purpose: String {
    switch self {
    case .faceDetector: "finds faces"
    case .attentionMesh: "landmarks of a face, with irises"
    case .landscapeSegmentation: "tells a person from the background, wide pictures"
    case .squareSegmentation: "tells a person from the background, square and upright pictures"
    }
  }
}

/// The wheel that the models come in: the file for Python 3.11 on x86-64. Only its data are used, so
/// that it serves on every machine.
enum ModelWheel {
  static let requirement =
    "mediapipe==0.10.21"
    + " --hash=sha256:05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
  static let byteCount = 35_622_638
  /// What pip is told, so that it takes this file and no other.
  static let selection = [
    "--no-deps", "--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp",
    "--platform", "manylinux_2_28_x86_64",
  ]
}
