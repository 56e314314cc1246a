import Crypto
package import Foundations
import Wire

/// What members of a meeting recognise each other by while strangers can't: tags keyed by the genesis
/// public key, which only members know.
package struct MeetingTag: Sendable {
  private let hourly: SymmetricKey
  private let hello: SymmetricKey

  /// - Parameter genesisKey: the meeting's genesis public key, 32 bytes.
  package init(genesisKey: [UInt8]) {
    hourly = Self.key(genesisKey, "virtue/1 meeting-tag")
    hello = Self.key(genesisKey, "virtue/1 hello-tag")
  }

  /// The tag that is advertised in this hour: 16 hexadecimal digits of HMAC-SHA256 over the number of
  /// hours since the Unix epoch (8 bytes, big endian).
  package func advertised(at time: WallTime) -> String {
    tag(ofHour: Self.hour(time))
  }

  /// Whether a member of this meeting advertised `tag` now, or up to an hour before or after by its
  /// clock.
  package func recognises(_ tag: String, at time: WallTime) -> Bool {
    let hour = Self.hour(time)
    return (hour - 1...hour + 1).contains { self.tag(ofHour: $0) == tag }
  }

  /// Which of these a member of this meeting may have advertised whose clock is wrong, or whom this
  /// computer's wrong clock keeps from recognising: one of a year before or after a time at which the
  /// meeting was, or of a clock's first month, at which one without a battery begins. Some ten
  /// milliseconds a meeting, however many tags there are.
  package func recognised(among tags: Set<String>, around times: [WallTime]) -> String? {
    let around = times.map(Self.hour).map { $0 - Self.hoursOfYear...$0 + Self.hoursOfYear }
    var tried: Set<Int64> = []
    for hours in around + [0...Self.hoursOfMonth] {
      for hour in hours where tried.insert(hour).inserted {
        let tag = tag(ofHour: hour)
        if tags.contains(tag) { return tag }
      }
    }
    return nil
  }

  private static let hoursOfYear: Int64 = 366 * 24
  private static let hoursOfMonth: Int64 = 31 * 24

  /// When ``advertised(at:)`` changes next.
  package func nextChange(after time: WallTime) -> WallTime {
    WallTime(milliseconds: (Self.hour(time) + 1) * Self.hourMilliseconds)
  }

  /// The answer to a joiner's hello: equal for all members of this meeting, different for others.
  func answer(toNonce nonce: [UInt8]) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: nonce, using: hello).prefix(16))
  }

  private static let hourMilliseconds: Int64 = 3_600_000

  private static func hour(_ time: WallTime) -> Int64 {
    // Within what can be multiplied back, whatever the clock says.
    let limit = Int64.max / hourMilliseconds - 2
    return min(max(time.milliseconds / hourMilliseconds, -limit), limit)
  }

  private func tag(ofHour hour: Int64) -> String {
    let bytes = stride(from: 56, through: 0, by: -8).map {
      UInt8(truncatingIfNeeded: hour >> Int64($0))
    }
    return HMAC<SHA256>.authenticationCode(for: bytes, using: hourly).prefix(8).hexadecimal
  }

  private static func key(_ genesisKey: [UInt8], _ info: String) -> SymmetricKey {
    HKDF<SHA256>.deriveKey(
      inputKeyMaterial: SymmetricKey(data: genesisKey), info: Array(info.utf8),
      outputByteCount: 32)
  }
}

/// Three words that the new member and its inviter both see. Whoever was once given a code of many
/// uses could pose as its inviter; comparing these aloud shows that nobody does.
///
/// They are the first 33 bits of SHA-256("virtue/1 security-words" ‖ genesis key ‖ member key).
package func securityWords(genesisKey: [UInt8], memberKey: [UInt8]) -> [String] {
  let bytes = digest(Array("virtue/1 security-words".utf8) + genesisKey + memberKey)
  let bits = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
  return [53, 42, 31].map { WordList.words[Int(bits >> UInt64($0)) & 0x7FF] }
}
