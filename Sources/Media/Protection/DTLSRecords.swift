/// A look at the records of a datagram before OpenSSL takes it.
///
/// RFC 6347 §4.1.2.7 has invalid records discarded in silence, for whoever can spoof an address could
/// end a session otherwise. OpenSSL does so, but for one kind: an encrypted record that is too short
/// for its nonce and tag fails as an internal error of its own, and the session with it.
enum DTLSRecords {
  //  0       1   2   3   4   5 … 10    11  12
  // +------+-------+-------+---------+-------+----------
  // | type |version| epoch | sequence| length| fragment …     RFC 6347 §4.1
  // +------+-------+-------+---------+-------+----------
  private static let headerLength = 13
  /// Explicit nonce and tag of AES-GCM (RFC 5288 §3), the only cipher that sessions use.
  private static let encryptedOverhead = 8 + 16

  /// Whether each encrypted record is at least as long as an empty one would be.
  static func areLongEnough(in datagram: [UInt8]) -> Bool {
    var start = 0
    while start + headerLength <= datagram.count {
      let isEncrypted = datagram[start + 3] != 0 || datagram[start + 4] != 0
      let length = Int(datagram[start + 11]) << 8 | Int(datagram[start + 12])
      if isEncrypted, length < encryptedOverhead { return false }
      start += headerLength + length
    }
    return true
  }
}
