import Glibc

/// An address of this host.
package struct LocalAddress: Hashable, Sendable {
  package let interface: String
  /// Numeric; a link-local IPv6 address without its scope, which means nothing to other hosts.
  package let host: String
  package let isIPv6: Bool
  package let isLinkLocal: Bool
  package let isLoopback: Bool
  /// Of a bridge, behind which there are often but this host's own containers.
  let isBridge: Bool

  /// As this host itself has to write it: "fe80::1%eth0".
  package var scopedHost: String {
    isIPv6 && isLinkLocal ? "\(host)%\(interface)" : host
  }
}

extension [LocalAddress] {
  /// In the order in which others are to try them: of each interface the first of a kind before anybody's
  /// second, since one leads there as well as the other, and bridges last. So where there are more than a
  /// member may name, a way that no other replaces isn't among those left out.
  var byUse: [LocalAddress] {
    var counts: [[Bool]: [String: Int]] = [:]
    let ranked = enumerated().map { place, address in
      let kind = [address.isIPv6, address.isLinkLocal]
      let second = counts[kind]?[address.interface] ?? 0
      counts[kind, default: [:]][address.interface] = second + 1
      return (address, rank: (address.isBridge ? 1 : 0, second, place))
    }
    return ranked.sorted { $0.rank < $1.rank }.map(\.0)
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
    // Its first field (sockaddr(3type)), read without its name: which module declares that depends on which
    // file the compiler sees first.
    let family = CInt(UnsafeRawPointer(address).load(as: sa_family_t.self))
    let size: Int
    switch family {
    case AF_INET: size = MemoryLayout<sockaddr_in>.size
    case AF_INET6: size = MemoryLayout<sockaddr_in6>.size
    case _: return nil
    }
    guard let text = numericHost(address, size: socklen_t(size)) else { return nil }
    interface = String(cString: name)
    host = String(text.prefix { $0 != "%" })
    isIPv6 = family == AF_INET6
    // RFC 4291 §2.5.6 (fe80::/10) and RFC 3927.
    isLinkLocal =
      isIPv6
      ? host.isLinkLocalIPv6 : host.hasPrefix("169.254.")
    isBridge = access("/sys/class/net/\(interface)/bridge", F_OK) == 0
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
