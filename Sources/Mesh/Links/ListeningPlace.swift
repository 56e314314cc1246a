import Glibc
import NIOCore

/// Where one socket listens: every IPv4 or every IPv6 address, of one interface or of all.
///
/// A socket that is bound to an interface takes what comes over it to whatever address it has by
/// then: one that comes later or is tentative still is listened on without another socket. What comes
/// over any other interface isn't taken, whatever address it is for. A connection that this computer
/// makes to an address of its own counts as coming over the interface that has the address.
struct ListeningPlace: Hashable, Sendable, CustomStringConvertible {
  /// `nil` for all.
  let interface: String?
  /// The kernel's number for the interface: one that was unplugged and comes back has another, and a
  /// socket that is bound to it hears nothing any more. 0 for all.
  let index: UInt32
  let isIPv6: Bool

  /// The places on those of `interfaces` that exist, up or not; on all when `nil`.
  static func present(on interfaces: [String]?) -> [ListeningPlace] {
    guard let interfaces else { return both(on: nil, index: 0) }
    return Set(interfaces).sorted().flatMap { interface in
      let index = if_nametoindex(interface)
      return index == 0 ? [] : both(on: interface, index: index)
    }
  }

  private static func both(on interface: String?, index: UInt32) -> [ListeningPlace] {
    [false, true].map { ListeningPlace(interface: interface, index: index, isIPv6: $0) }
  }

  /// Whether what comes to `address` is taken here.
  func takes(_ address: LocalAddress) -> Bool {
    address.isIPv6 == isIPv6 && (interface == nil || interface == address.interface)
  }

  var host: String { isIPv6 ? "::" : "0.0.0.0" }

  var description: String {
    (isIPv6 ? "IPv6" : "IPv4") + (interface.map { " on \($0)" } ?? "")
  }

  private static let backlog: CInt = 128

  /// A socket that listens on `port`, or on any free one for 0.
  /// - Throws: `IOError`.
  func listen(port: UInt16) throws -> CInt {
    let address = try SocketAddress(ipAddress: host, port: Int(port))
    let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, type, 0)
    guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
    do {
      try set(SOL_SOCKET, SO_REUSEADDR, of: descriptor)
      if isIPv6 { try set(CInt(IPPROTO_IPV6), IPV6_V6ONLY, of: descriptor) }
      if let interface {
        // socket(7): needs no privilege since Linux 5.7, as long as it is bound to none yet.
        let status = interface.withCString {
          setsockopt(
            descriptor, SOL_SOCKET, SO_BINDTODEVICE, $0, socklen_t(interface.utf8.count))
        }
        guard status == 0 else { throw IOError(errnoCode: errno, reason: "SO_BINDTODEVICE") }
      }
      let status = address.withSockAddr { Glibc.bind(descriptor, $0, socklen_t($1)) }
      guard status == 0 else { throw IOError(errnoCode: errno, reason: "bind") }
      // Another program may have bound the port at the same moment: only one of both can listen.
      guard Glibc.listen(descriptor, Self.backlog) == 0 else {
        throw IOError(errnoCode: errno, reason: "listen")
      }
      return descriptor
    } catch {
      close(descriptor)
      throw error
    }
  }

  private func set(_ level: CInt, _ option: CInt, of descriptor: CInt) throws {
    var one: CInt = 1
    guard setsockopt(descriptor, level, option, &one, socklen_t(MemoryLayout<CInt>.size)) == 0
    else { throw IOError(errnoCode: errno, reason: "setsockopt") }
  }
}
