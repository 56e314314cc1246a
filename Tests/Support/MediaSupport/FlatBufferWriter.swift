/// Writes FlatBuffers (https://flatbuffers.dev/internals): tables first, what they refer to behind
/// them.
package struct FlatBufferWriter {
  package private(set) var bytes: [UInt8]

  /// What a field of a table holds.
  package indirect enum Value {
    case int8(Int8)
    case int32(Int32)
    case bytes([UInt8])
    case integers([Int32])
    case table([Int: Value])
    /// Each with its fields by index.
    case tables([[Int: Value]])
  }

  /// - Parameter identifier: four letters that say what kind of file it is.
  package init(root: [Int: Value], identifier: String) {
    bytes = [0, 0, 0, 0] + Array(identifier.utf8.prefix(4))
    let place = write(root)
    put(place, at: 0)
  }

  private mutating func align() {
    while !bytes.count.isMultiple(of: 4) { bytes.append(0) }
  }

  private mutating func append(_ number: Int) {
    for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
  }

  private mutating func put(_ number: Int, at place: Int) {
    for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
  }

  /// - Returns: where the table begins.
  private mutating func write(_ fields: [Int: Value]) -> Int {
    align()
    let vtable = bytes.count
    let slots = (fields.keys.max() ?? -1) + 1
    let sizes = [4 + 2 * slots, 4 + 4 * fields.count]
    // Every field takes four bytes: a smaller one has zeros behind it.
    var next = 4
    var offsets: [Int] = []
    for index in 0..<slots {
      offsets.append(fields[index] == nil ? 0 : next)
      if fields[index] != nil { next += 4 }
    }
    for number in sizes + offsets {
      bytes.append(UInt8(number & 255))
      bytes.append(UInt8(number >> 8))
    }
    align()
    let table = bytes.count
    append(table - vtable)
    for index in 0..<slots {
      switch fields[index] {
      case nil: break
      case .int8(let number): append(Int(UInt8(bitPattern: number)))
      case .int32(let number): append(Int(number))
      case .bytes, .integers, .table, .tables: append(0)
      }
    }
    for index in 0..<slots {
      guard let value = fields[index], let place = write(value) else { continue }
      put(place - (table + offsets[index]), at: table + offsets[index])
    }
    return table
  }

  /// - Returns: where it begins; `nil` for what stands in the table itself.
  private mutating func write(_ value: Value) -> Int? {
    switch value {
    case .int8, .int32: return nil
    case .table(let fields): return write(fields)
    case .bytes(let content):
      align()
      let place = bytes.count
      append(content.count)
      bytes += content
      return place
    case .integers(let numbers):
      align()
      let place = bytes.count
      append(numbers.count)
      for number in numbers { append(Int(number)) }
      return place
    case .tables(let tables):
      align()
      let place = bytes.count
      append(tables.count)
      for _ in tables { append(0) }
      for (index, fields) in tables.enumerated() {
        let slot = place + 4 + 4 * index
        put(write(fields) - slot, at: slot)
      }
      return place
    }
  }
}
