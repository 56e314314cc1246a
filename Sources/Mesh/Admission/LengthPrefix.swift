extension [UInt8] {
  /// The bytes with their length before them, in LEB128: seven bits a byte, least significant first,
  /// the top bit set on all but the last (the draft's `prepend_len`).
  var withLength: [UInt8] {
    var length = count
    var prefix: [UInt8] = []
    repeat {
      let low = UInt8(truncatingIfNeeded: length & 0x7F)
      length >>= 7
      prefix.append(length == 0 ? low : low | 0x80)
    } while length != 0
    return prefix + self
  }
}

/// Each part with its length before it, one after the other (the draft's `lv_cat`): different parts
/// never make the same bytes.
func withLengths(_ parts: [UInt8]...) -> [UInt8] {
  parts.flatMap(\.withLength)
}
