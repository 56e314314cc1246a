/// A FlatBuffer's bytes (https://flatbuffers.dev/internals), read with every offset checked: all that
/// a file says is taken for hostile.
struct FlatBuffer {
  let bytes: [UInt8]

  /// The table that the file is about, at the offset in its first four bytes.
  func root() throws(ModelFailure) -> FlatTable {
    try FlatTable(self, at: Int(uint32(at: 0)))
  }

  func check(_ position: Int, count: Int) throws(ModelFailure) {
    guard position >= 0, count >= 0, position <= bytes.count, count <= bytes.count - position else {
      throw .malformed("\(count) bytes at \(position) of \(bytes.count)")
    }
  }

  func uint8(at position: Int) throws(ModelFailure) -> UInt8 {
    try check(position, count: 1)
    return bytes[position]
  }

  func uint16(at position: Int) throws(ModelFailure) -> UInt16 {
    try check(position, count: 2)
    return UInt16(bytes[position]) | UInt16(bytes[position + 1]) << 8
  }

  func uint32(at position: Int) throws(ModelFailure) -> UInt32 {
    try check(position, count: 4)
    return (0..<4).reduce(0) { $0 | UInt32(bytes[position + $1]) << (8 * UInt32($1)) }
  }

  func int32(at position: Int) throws(ModelFailure) -> Int32 {
    Int32(bitPattern: try uint32(at: position))
  }
}

/// A table: its fields lie where its vtable says.
///
///     vtable:  size (2) · table's size (2) · one offset a field (2 each, 0 = absent)
///     table:   distance back to the vtable (4, signed) · fields
struct FlatTable {
  private let buffer: FlatBuffer
  private let position: Int
  private let vtable: Int
  private let vtableSize: Int

  init(_ buffer: FlatBuffer, at position: Int) throws(ModelFailure) {
    self.buffer = buffer
    self.position = position
    vtable = position - Int(try buffer.int32(at: position))
    vtableSize = Int(try buffer.uint16(at: vtable))
    try buffer.check(vtable, count: vtableSize)
  }

  /// Where field `index` is; `nil` where it has its default.
  private func field(_ index: Int) throws(ModelFailure) -> Int? {
    let slot = 4 + 2 * index
    guard slot + 2 <= vtableSize else { return nil }
    let offset = Int(try buffer.uint16(at: vtable + slot))
    return offset == 0 ? nil : position + offset
  }

  func int8(_ index: Int, default value: Int = 0) throws(ModelFailure) -> Int {
    guard let at = try field(index) else { return value }
    return Int(Int8(bitPattern: try buffer.uint8(at: at)))
  }

  func flag(_ index: Int) throws(ModelFailure) -> Bool { try int8(index) != 0 }

  func int32(_ index: Int, default value: Int = 0) throws(ModelFailure) -> Int {
    guard let at = try field(index) else { return value }
    return Int(try buffer.int32(at: at))
  }

  func table(_ index: Int) throws(ModelFailure) -> FlatTable? {
    guard let at = try field(index) else { return nil }
    return try FlatTable(buffer, at: at + Int(try buffer.uint32(at: at)))
  }

  /// The bytes of a vector whose elements take `size` bytes each.
  private func vector(_ index: Int, size: Int) throws(ModelFailure) -> (start: Int, count: Int)? {
    guard let at = try field(index) else { return nil }
    let start = at + Int(try buffer.uint32(at: at))
    let count = Int(try buffer.uint32(at: start))
    try buffer.check(start + 4, count: count * size)
    return (start + 4, count)
  }

  func bytes(_ index: Int) throws(ModelFailure) -> ArraySlice<UInt8> {
    guard let (start, count) = try vector(index, size: 1) else { return [] }
    return buffer.bytes[start..<start + count]
  }

  func string(_ index: Int) throws(ModelFailure) -> String {
    String(decoding: try bytes(index).prefix(ModelBounds.nameLimit), as: UTF8.self)
  }

  func integers(_ index: Int, limit: Int) throws(ModelFailure) -> [Int] {
    guard let (start, count) = try vector(index, size: 4) else { return [] }
    guard count <= limit else { throw .malformed("\(count) numbers where \(limit) are the most") }
    var values: [Int] = []
    for place in 0..<count { values.append(Int(try buffer.int32(at: start + 4 * place))) }
    return values
  }

  func tables(_ index: Int) throws(ModelFailure) -> [FlatTable] {
    guard let (start, count) = try vector(index, size: 4) else { return [] }
    guard count <= ModelBounds.countLimit else { throw .malformed("\(count) tables in a list") }
    var tables: [FlatTable] = []
    for place in 0..<count {
      let at = start + 4 * place
      tables.append(try FlatTable(buffer, at: at + Int(try buffer.uint32(at: at))))
    }
    return tables
  }
}
