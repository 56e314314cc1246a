// The socket structures count as the C library's or as CNice's, whichever the compiler meets first.
import CNice
import Glibc

/// An IP address without a port.
struct IPAddress: Hashable, Sendable, CustomStringConvertible {
  /// Four bytes or sixteen.
  let bytes: [UInt8]
  /// The interface index of a link-local IPv6 address; zero for any other.
  let scope: UInt32

  init?(bytes: [UInt8], scope: UInt32 = 0) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes
    self.scope = scope
  }

  /// Reads a numeric address without scope or brackets.
  init?(_ text: some StringProtocol) {
    let text = String(text)
    guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
    let isLong = text.utf8.contains(UInt8(ascii: ":"))
    var bytes = [UInt8](repeating: 0, count: isLong ? 16 : 4)
    guard inet_pton(isLong ? AF_INET6 : AF_INET, text, &bytes) == 1 else { return nil }
    self.init(bytes: bytes)
  }

  var isIPv4: Bool { bytes.count == 4 }

  var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }

  var isLoopback: Bool {
    isIPv4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
  }

  /// Multicast, and IPv4's limited broadcast and reserved block.
  var isForMany: Bool { isIPv4 ? bytes[0] >= 224 : bytes[0] == 0xFF }

  var isLinkLocal: Bool {
    isIPv4 ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
  }

  /// An IPv4 address in IPv6's clothes (RFC 4291 §2.5.5).
  var isEmbeddedIPv4: Bool {
    !isIPv4 && bytes.prefix(10).allSatisfy { $0 == 0 } && !isLoopback && !isUnspecified
  }

  var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    inet_ntop(isIPv4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Calls `body` with the address as a socket address whose port is zero.
  func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>) -> Result) -> Result {
    if isIPv4 {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: bytes) }
      return withUnsafeBytes(of: address) {
        body($0.assumingMemoryBound(to: sockaddr.self).baseAddress!)
      }
    }
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_scope_id = scope
    withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: bytes) }
    return withUnsafeBytes(of: address) {
      body($0.assumingMemoryBound(to: sockaddr.self).baseAddress!)
    }
  }
}
