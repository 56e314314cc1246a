/// Reads big-endian fields front to back and never past the end.
struct ByteReader {
  private(set) var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) {
    rest = bytes
  }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func uint8() throws(PacketError) -> UInt8 {
    guard let byte = rest.popFirst() else { throw .truncated }
    return byte
  }

  mutating func uint16() throws(PacketError) -> UInt16 {
    UInt16(try number(bytes: 2))
  }

  mutating func uint24() throws(PacketError) -> UInt32 {
    UInt32(try number(bytes: 3))
  }

  mutating func uint32() throws(PacketError) -> UInt32 {
    UInt32(try number(bytes: 4))
  }

  mutating func bytes(_ count: Int) throws(PacketError) -> ArraySlice<UInt8> {
    guard count >= 0, rest.count >= count else { throw .truncated }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  private mutating func number(bytes count: Int) throws(PacketError) -> UInt64 {
    guard rest.count >= count else { throw .truncated }
    var number: UInt64 = 0
    for index in rest.startIndex..<rest.startIndex + count {
      number = number << 8 | UInt64(rest[index])
    }
    rest = rest.dropFirst(count)
    return number
  }
}

extension [UInt8] {
  mutating func append(uint16 value: UInt16) {
    append(UInt8(truncatingIfNeeded: value >> 8))
    append(UInt8(truncatingIfNeeded: value))
  }

  mutating func append(uint24 value: UInt32) {
    append(UInt8(truncatingIfNeeded: value >> 16))
    append(uint16: UInt16(truncatingIfNeeded: value))
  }

  mutating func append(uint32 value: UInt32) {
    append(uint16: UInt16(truncatingIfNeeded: value >> 16))
    append(uint16: UInt16(truncatingIfNeeded: value))
  }
}
