/// `.tflite` files of a kilobyte, made here, that hold every operator the engine knows: where its
/// tests and its fuzzer begin.
package struct SmallModel {
  private var tensors: [[Int: FlatBufferWriter.Value]] = []
  private var buffers: [[Int: FlatBufferWriter.Value]] = [[:]]
  private var operators: [[Int: FlatBufferWriter.Value]] = []
  private var codes: [[Int: FlatBufferWriter.Value]] = []
  private var inputs: [Int] = []

  private init() {}

  /// Every file there is, by name.
  package static var all: [(name: String, bytes: [UInt8])] {
    [
      ("convolution", convolution), ("picture", picture()), ("vectors", vectors()),
      ("landmarks", landmarks()),
    ]
  }

  /// A picture of 2×2 with two channels; the result is `3·first − second + 0.5` of each pixel.
  package static let convolution: [UInt8] = {
    var model = SmallModel()
    let input = model.input([1, 2, 2, 2])
    let kernel = model.weights([1, 1, 1, 2], [3, -1])
    let bias = model.weights([1], [0.5])
    let output = model.add(
      3, [input, kernel, bias], makes: [1, 2, 2, 1], options: [1: .int32(1), 2: .int32(1)])
    return model.file(outputs: [output])
  }()

  /// What the segmentation is made of.
  private static func picture() -> [UInt8] {
    var model = SmallModel()
    let input = model.input([1, 4, 4, 3])
    let strides: [Int: FlatBufferWriter.Value] = [1: .int32(2), 2: .int32(2), 3: .int8(3)]
    let half = model.add(
      3, [input, model.halves([4, 3, 3, 3]), model.weights([4], [0, 1, 2, 3])],
      makes: [1, 2, 2, 4], options: strides)
    let deep = model.add(
      4, [half, model.halves([1, 3, 3, 4]), model.weights([4], [1, 1, 1, 1])],
      makes: [1, 2, 2, 4], options: [1: .int32(1), 2: .int32(1), 3: .int32(1)])
    let sum = model.add(0, [half, deep], makes: [1, 2, 2, 4])
    let mean = model.add(
      40, [sum, model.integers([1, 2])], makes: [1, 1, 1, 4], options: [0: .int8(1)])
    let gate = model.add(14, [mean], makes: [1, 1, 1, 4])
    let gated = model.add(18, [sum, gate], makes: [1, 2, 2, 4])
    let swished = model.add(117, [gated], makes: [1, 2, 2, 4])
    let resized = model.add(
      23, [swished, model.integers([4, 4])], makes: [1, 4, 4, 4], options: [3: .int8(1)])
    let largest = model.add(
      17, [resized], makes: [1, 2, 2, 4],
      options: [1: .int32(2), 2: .int32(2), 3: .int32(2), 4: .int32(2)])
    let positive = model.add(19, [largest], makes: [1, 2, 2, 4])
    let doubled = model.add(
      32, [positive, model.weights([1, 2, 2, 4]), model.weights([1], [0])], makes: [1, 4, 4, 1],
      custom: ("Convolution2DTransposeBias", [1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0]))
    return model.file(outputs: [doubled])
  }

  private static func vectors() -> [UInt8] {
    var model = SmallModel()
    let input = model.input([1, 2, 2, 2])
    let sloped = model.add(
      54, [input, model.weights([1, 1, 2], [0.1, 0.2])], makes: [1, 2, 2, 2])
    let padded = model.add(
      34, [sloped, model.integers([0, 0, 0, 1, 0, 1, 0, 0])], makes: [1, 3, 3, 2])
    let cut = model.add(
      45,
      [
        padded, model.integers([0, 1, 1, 0]), model.integers([1, 3, 3, 2]),
        model.integers([1, 1, 1, 1]),
      ], makes: [1, 2, 2, 2])
    let joined = model.add(2, [cut, sloped], makes: [1, 2, 2, 4], options: [0: .int8(3)])
    let flat = model.add(22, [joined], makes: [1, 16])
    let bounded = model.add(21, [flat], makes: [1, 16])
    return model.file(outputs: [bounded])
  }

  /// What the attention mesh looks more closely with.
  private static func landmarks() -> [UInt8] {
    var model = SmallModel()
    let picture = model.input([1, 4, 4, 2])
    let points = model.input([1, 4, 3])
    let matrix = model.add(
      32, [points], makes: [1, 4, 4], custom: ("Landmarks2TransformMatrix", cropOptions()))
    let crop = model.add(
      32, [picture, matrix], makes: [1, 3, 3, 2], custom: ("TransformTensorBilinear", []))
    let moved = model.add(
      32, [points, matrix], makes: [1, 4, 3], custom: ("TransformLandmarks", []))
    return model.file(outputs: [crop, moved])
  }

  /// A FlexBuffer: strings of keys, their list, the values, their types, and the root.
  private static func cropOptions() -> [UInt8] {
    var bytes: [UInt8] = [0, 1, 2, 3]
    func offset(_ place: Int, from slot: Int) -> UInt8 { UInt8(slot - place) }
    // In front of a list stands its count.
    bytes.insert(4, at: 0)
    let names = [
      "left_rotation_idx", "output_height", "output_width", "right_rotation_idx", "scale_x",
      "scale_y", "subset_idxs", "target_rotation_radians",
    ]
    var places: [Int] = []
    for name in names {
      places.append(bytes.count)
      bytes += Array(name.utf8) + [0]
    }
    bytes.append(UInt8(names.count))
    let keys = bytes.count
    for place in places { bytes.append(offset(place, from: bytes.count)) }
    bytes.append(offset(keys, from: bytes.count))
    bytes += [1, UInt8(names.count)]
    let values = bytes.count
    for (name, value) in zip(names, [0, 3, 3, 1, 2, 2, 0, 0] as [UInt8]) {
      bytes.append(name == "subset_idxs" ? offset(1, from: bytes.count) : value)
    }
    for name in names { bytes.append(name == "subset_idxs" ? 11 << 2 : 1 << 2) }
    return bytes + [offset(values, from: bytes.count), 9 << 2, 1]
  }

  // MARK: - Making a file

  private mutating func tensor(_ shape: [Int], type: Int8 = 0, contents: [UInt8] = []) -> Int {
    buffers.append(contents.isEmpty ? [:] : [0: .bytes(contents)])
    tensors.append([
      0: .integers(shape.map(Int32.init)), 1: .int8(type), 2: .int32(Int32(buffers.count - 1)),
    ])
    return tensors.count - 1
  }

  private mutating func input(_ shape: [Int]) -> Int {
    let index = tensor(shape)
    inputs.append(index)
    return index
  }

  /// - Parameter values: of a pattern that fills the shape where there are none.
  private mutating func weights(_ shape: [Int], _ values: [Float] = []) -> Int {
    let count = shape.reduce(1, *)
    let values = values.isEmpty ? (0..<count).map { Float($0 % 5) / 4 - 0.5 } : values
    return tensor(
      shape,
      contents: values.flatMap { value in
        (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
      })
  }

  /// Weights of 16 bits, and the operator that expands them.
  private mutating func halves(_ shape: [Int]) -> Int {
    let count = shape.reduce(1, *)
    let contents = (0..<count).flatMap { index in
      // 0.5 and −0.5.
      [0, index.isMultiple(of: 2) ? 0x38 : 0xB8] as [UInt8]
    }
    let narrow = tensor(shape, type: 1, contents: contents)
    return add(6, [narrow], makes: shape)
  }

  private mutating func integers(_ values: [Int32]) -> Int {
    tensor(
      [values.count], type: 2,
      contents: values.flatMap { value in
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * Int32($0))) }
      })
  }

  private mutating func add(
    _ code: Int, _ inputs: [Int], makes shape: [Int],
    options: [Int: FlatBufferWriter.Value] = [:], custom: (name: String, options: [UInt8])? = nil
  ) -> Int {
    let output = tensor(shape)
    var entry: [Int: FlatBufferWriter.Value] = [
      0: .int32(Int32(codes.count)), 1: .integers(inputs.map(Int32.init)),
      2: .integers([Int32(output)]), 4: .table(options),
    ]
    var kind: [Int: FlatBufferWriter.Value] = [0: .int8(Int8(code)), 3: .int32(Int32(code))]
    if let custom {
      entry[5] = .bytes(custom.options)
      kind[1] = .bytes(Array(custom.name.utf8))
    }
    operators.append(entry)
    codes.append(kind)
    return output
  }

  private func file(outputs: [Int]) -> [UInt8] {
    FlatBufferWriter(
      root: [
        0: .int32(3), 1: .tables(codes),
        2: .tables([
          [
            0: .tables(tensors), 1: .integers(inputs.map(Int32.init)),
            2: .integers(outputs.map(Int32.init)), 3: .tables(operators),
          ]
        ]), 4: .tables(buffers),
      ], identifier: "TFL3"
    ).bytes
  }
}
