import Glibc

/// An address of this host.
package struct LocalAddress: Hashable, Sendable {
  package let interface: String
  /// Numeric; a link-local IPv6 address without its scope, which means nothing to other hosts.
  package let host: String
  package let isIPv6: Bool
  package let isLinkLocal: Bool
  package let isLoopback: Bool

  /// As this host itself has to write it: "fe80::1%eth0".
  package var scopedHost: String {
    isIPv6 && isLinkLocal ? "\(host)%\(interface)" : host
  }
}

/// The addresses of this host's interfaces, as they are now.
package enum LocalAddresses {
  /// The addresses of the interfaces that are up, or of those named. Loopback is left out unless it
  /// is named or nothing else is up. IPv4 first, then IPv6, link-local ones last.
  package static func current(interfaces: [String]? = nil) -> [LocalAddress] {
    let every = everything()
    if let interfaces { return every.filter { interfaces.contains($0.interface) } }
    let outside = every.filter { !$0.isLoopback }
    return outside.isEmpty ? every : outside
  }

  /// Those of all interfaces that are up, loopback among them.
  static func everything() -> [LocalAddress] {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return [] }
    defer { freeifaddrs(first) }
    let list = sequence(first: first, next: { $0?.pointee.ifa_next })
    return list.compactMap { $0.flatMap { LocalAddress($0.pointee) } }
      .sorted { $0.order < $1.order }
  }
}

extension LocalAddress {
  fileprivate init?(_ entry: ifaddrs) {
    let needed = UInt32(IFF_UP | IFF_RUNNING)
    guard entry.ifa_flags & needed == needed, let address = entry.ifa_addr,
      let name = entry.ifa_name
    else { return nil }
    let size: Int
    switch CInt(address.pointee.sa_family) {
    case AF_INET: size = MemoryLayout<sockaddr_in>.size
    case AF_INET6: size = MemoryLayout<sockaddr_in6>.size
    case _: return nil
    }
    guard let text = numericHost(address, size: socklen_t(size)) else { return nil }
    interface = String(cString: name)
    host = String(text.prefix { $0 != "%" })
    isIPv6 = CInt(address.pointee.sa_family) == AF_INET6
    // RFC 4291 §2.5.6 (fe80::/10) and RFC 3927.
    isLinkLocal =
      isIPv6
      ? host.isLinkLocalIPv6 : host.hasPrefix("169.254.")
    isLoopback = entry.ifa_flags & UInt32(IFF_LOOPBACK) != 0
  }

  fileprivate var order: (Int, String, String) {
    ((isLinkLocal ? 2 : 0) + (isIPv6 ? 1 : 0), interface, host)
  }
}

extension String {
  /// fe80::/10, as text.
  var isLinkLocalIPv6: Bool {
    ["fe8", "fe9", "fea", "feb"].contains { lowercased().hasPrefix($0) } && contains(":")
  }
}
