/// The options of a custom operator: a FlexBuffer (https://flatbuffers.dev/flatbuffers_internals/,
/// "FlexBuffers") whose root is a map of numbers and one list of integers.
///
///     … values · root value · root's type (1) · root's width (1)
///
/// A type byte holds the kind in its upper six bits and, in its lower two, the logarithm of the width
/// of what the value refers to.
struct FlexMap {
  private let buffer: FlatBuffer
  private let values: Int
  private let width: Int
  private let count: Int
  private let keys: Int
  private let keyWidth: Int

  private enum Kind {
    static let integer = 1
    static let unsigned = 2
    static let float = 3
    static let indirectFloat = 8
    static let map = 9
    static let integers = 11
    static let unsignedIntegers = 12
  }

  init(_ bytes: ArraySlice<UInt8>) throws(ModelFailure) {
    buffer = FlatBuffer(bytes: Array(bytes))
    let end = buffer.bytes.count
    let rootWidth = Int(try buffer.uint8(at: end - 1))
    let type = Int(try buffer.uint8(at: end - 2))
    guard type >> 2 == Kind.map, [1, 2, 4, 8].contains(rootWidth) else {
      throw .malformed("options that are no map")
    }
    let root = end - 2 - rootWidth
    values = root - Int(try Self.unsigned(buffer, at: root, width: rootWidth))
    width = 1 << (type & 3)
    // Before the values: offset to the keys, the keys' width, the number of entries.
    let keysAt = values - 3 * width
    keys = keysAt - Int(try Self.unsigned(buffer, at: keysAt, width: width))
    keyWidth = Int(try Self.unsigned(buffer, at: values - 2 * width, width: width))
    count = Int(try Self.unsigned(buffer, at: values - width, width: width))
    guard count <= ModelBounds.countLimit, [1, 2, 4, 8].contains(keyWidth) else {
      throw .malformed("options with \(count) entries")
    }
  }

  func number(_ name: String) throws(ModelFailure) -> Float {
    guard let (at, type) = try entry(name) else { throw .malformed("options without \(name)") }
    switch type >> 2 {
    case Kind.integer: return Float(try signed(at: at, width: width))
    case Kind.unsigned: return Float(try Self.unsigned(buffer, at: at, width: width))
    case Kind.float where width == 4: return Float(bitPattern: try buffer.uint32(at: at))
    case Kind.indirectFloat where type & 3 == 2:
      let place = at - Int(try Self.unsigned(buffer, at: at, width: width))
      return Float(bitPattern: try buffer.uint32(at: place))
    case _: throw .unsupported("an option of kind \(type >> 2)")
    }
  }

  func integer(_ name: String) throws(ModelFailure) -> Int {
    let value = try number(name)
    guard let whole = Int(exactly: value), abs(whole) <= 1 << 20 else {
      throw .malformed("\(name) is \(value)")
    }
    return whole
  }

  func integers(_ name: String, limit: Int) throws(ModelFailure) -> [Int] {
    guard let (at, type) = try entry(name) else { throw .malformed("options without \(name)") }
    guard [Kind.integers, Kind.unsignedIntegers].contains(type >> 2) else {
      throw .unsupported("a list of kind \(type >> 2)")
    }
    let start = at - Int(try Self.unsigned(buffer, at: at, width: width))
    let size = 1 << (type & 3)
    let count = Int(try Self.unsigned(buffer, at: start - size, width: size))
    guard count <= limit else { throw .malformed("\(count) numbers in \(name)") }
    var list: [Int] = []
    for place in 0..<count { list.append(try signed(at: start + place * size, width: size)) }
    return list
  }

  /// Where the value of `name` is, and its type byte.
  private func entry(_ name: String) throws(ModelFailure) -> (at: Int, type: Int)? {
    let wanted = Array(name.utf8) + [0]
    for place in 0..<count {
      let slot = keys + place * keyWidth
      let key = slot - Int(try Self.unsigned(buffer, at: slot, width: keyWidth))
      guard key >= 0, key <= buffer.bytes.count else { throw .malformed("a key at \(key)") }
      if buffer.bytes[key...].starts(with: wanted) {
        let type = Int(try buffer.uint8(at: values + count * width + place))
        return (values + place * width, type)
      }
    }
    return nil
  }

  private func signed(at position: Int, width: Int) throws(ModelFailure) -> Int {
    let value = try Self.unsigned(buffer, at: position, width: width)
    let shift = 64 - 8 * UInt64(width)
    return Int(Int64(bitPattern: value << shift) >> Int64(shift))
  }

  /// Offsets beyond 32 bits can't be right in a file of 16 MB.
  private static func unsigned(
    _ buffer: FlatBuffer, at position: Int, width: Int
  ) throws(ModelFailure) -> UInt64 {
    try buffer.check(position, count: width)
    let value = (0..<width).reduce(UInt64(0)) {
      $0 | UInt64(buffer.bytes[position + $1]) << (8 * UInt64($1))
    }
    guard width < 8 || value <= UInt64(UInt32.max) else {
      throw .malformed("an offset of \(value)")
    }
    return value
  }
}
