/// Where points of the mesh lie on a head, in centimetres of an average one: x to the picture's
/// right, y down, z away from the camera, as a face looking straight into it has them.
///
/// Measured: the mesh's own points of four faces near the front, brought together by similarity, made
/// symmetric and averaged; the axes are those of MediaPipe's canonical face, whose forward direction
/// is the look of a head held level. Points that speech and looks move (lips, jaw, lids, brows) are
/// left out.
enum HeadTemplate {
  struct Point {
    let index: Int
    let position: SIMD3<Float>
    let weight: Float
  }

  /// Points on the outline slide along the head when it turns, so they count for less.
  private static let outlineWeight: Float = 0.3

  static let points: [Point] =
    middle.map { Point(index: $0.index, position: SIMD3(0, $0.y, $0.z), weight: $0.weight) }
    + pairs.flatMap { pair in
      [(pair.left, -pair.x), (pair.right, pair.x)].map { index, x in
        Point(index: index, position: SIMD3(x, pair.y, pair.z), weight: pair.weight)
      }
    }

  private static let middle: [(index: Int, y: Float, z: Float, weight: Float)] = [
    (10, -8.31, -4.64, outlineWeight), (151, -6.70, -5.04, 1), (9, -5.00, -5.38, 1),
    (8, -4.11, -5.28, 1), (168, -3.31, -5.27, 1), (6, -2.49, -5.75, 1), (197, -1.76, -6.29, 1),
    (195, -1.10, -6.85, 1), (5, -0.40, -7.45, 1), (4, 0.48, -7.76, 1), (1, 1.17, -7.60, 1),
    (2, 1.94, -6.00, 1), (164, 2.38, -5.78, 1),
  ]

  private static let pairs: [(left: Int, right: Int, x: Float, y: Float, z: Float, weight: Float)] =
    [
      (33, 263, 4.59, -2.68, -3.01, 1), (133, 362, 1.76, -2.60, -3.58, 1),
      (116, 345, 6.51, -0.94, -1.80, 1), (117, 346, 5.35, -1.14, -3.00, 1),
      (118, 347, 4.55, -0.97, -3.56, 1), (50, 280, 5.12, 0.41, -3.65, 1),
      (48, 278, 2.11, 0.90, -5.91, 1), (98, 327, 1.99, 1.58, -5.11, 1),
      (108, 337, 1.74, -6.70, -4.89, 1), (69, 299, 3.25, -6.63, -4.44, 1),
      (104, 333, 4.70, -6.29, -3.63, 1), (68, 298, 5.66, -5.58, -2.76, 1),
      (139, 368, 6.65, -3.33, -0.78, 1), (143, 372, 6.33, -2.17, -1.62, 1),
      (109, 338, 1.98, -8.24, -4.46, outlineWeight), (67, 297, 3.63, -7.91, -3.84, outlineWeight),
      (103, 332, 5.14, -7.20, -2.76, outlineWeight), (54, 284, 6.10, -6.17, -1.57, outlineWeight),
      (21, 251, 6.71, -4.90, -0.41, outlineWeight), (162, 389, 7.05, -3.49, 0.81, outlineWeight),
    ]
}
