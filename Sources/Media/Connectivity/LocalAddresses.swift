// The socket structures count as the C library's or as CNice's, whichever the compiler meets first.
import CNice
import Glibc

/// An address that one of this computer's interfaces has.
struct InterfaceAddress: Hashable, Sendable {
  let interface: String
  let address: IPAddress
  let isLoopback: Bool
  /// Administratively up, with a carrier.
  let isRunning: Bool
}

/// Which of this computer's addresses media uses.
enum LocalAddresses {
  /// Addresses of one agent: each costs a socket, and a check for each of the peer's.
  static let limit = 16

  /// The addresses to use of `all`, the most useful first, at most ``limit``.
  ///
  /// - Parameter names: the only interfaces to use; `nil` for every real one. Loopback counts as real
  ///   only when nothing else does.
  static func choose(from all: [InterfaceAddress], named names: [String]?) -> [IPAddress] {
    let running = all.filter { $0.isRunning && !$0.address.isUnspecified }
    let candidates: [InterfaceAddress]
    if let names {
      candidates = running.filter { names.contains($0.interface) }
    } else {
      let real = running.filter { !$0.isLoopback && !$0.address.isLoopback }
      candidates = real.isEmpty ? running : real
    }
    // A link-local IPv6 address is of use only where it's the interface's only one.
    let withBetter = Set(
      candidates.filter { !$0.address.isIPv4 && !$0.address.isLinkLocal }.map(\.interface))
    let useful = candidates.filter {
      $0.address.isIPv4 || !$0.address.isLinkLocal || !withBetter.contains($0.interface)
    }
    var chosen: [IPAddress] = []
    // IPv4 first, so that a host with many temporary IPv6 addresses keeps it.
    for address in useful.map(\.address).sorted(by: { $0.isIPv4 && !$1.isIPv4 })
    where !chosen.contains(address) && chosen.count < limit {
      chosen.append(address)
    }
    return chosen
  }

  /// What the kernel says now.
  static func all() -> [InterfaceAddress] {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return [] }
    defer { freeifaddrs(list) }
    var found: [InterfaceAddress] = []
    var next = list
    while let entry = next {
      next = entry.pointee.ifa_next
      guard let pointer = entry.pointee.ifa_addr, let address = read(pointer) else { continue }
      let flags = entry.pointee.ifa_flags
      let running = UInt32(IFF_UP) | UInt32(IFF_RUNNING)
      found.append(
        InterfaceAddress(
          interface: String(cString: entry.pointee.ifa_name), address: address,
          isLoopback: flags & UInt32(IFF_LOOPBACK) != 0,
          isRunning: flags & running == running))
    }
    return found
  }

  private static func read(_ pointer: UnsafeMutablePointer<sockaddr>) -> IPAddress? {
    let raw = UnsafeRawPointer(pointer)
    switch Int32(pointer.pointee.sa_family) {
    case AF_INET:
      let address = raw.loadUnaligned(as: sockaddr_in.self)
      return IPAddress(bytes: withUnsafeBytes(of: address.sin_addr) { Array($0) })
    case AF_INET6:
      let address = raw.loadUnaligned(as: sockaddr_in6.self)
      return IPAddress(
        bytes: withUnsafeBytes(of: address.sin6_addr) { Array($0) }, scope: address.sin6_scope_id)
    case _: return nil
    }
  }
}
