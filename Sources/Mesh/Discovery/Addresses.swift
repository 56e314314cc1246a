import Foundations
import Glibc

/// An address as bytes, four or sixteen of them.
struct RawAddress: Hashable, Sendable {
  let bytes: [UInt8]

  /// `nil` unless there are four or sixteen bytes.
  init?(_ bytes: [UInt8]) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes
  }

  var family: AddressFamily { bytes.count == 4 ? .ipv4 : .ipv6 }

  /// 127.0.0.0/8 and ::1.
  var isLoopback: Bool {
    switch family {
    case .ipv4: bytes[0] == 127
    case .ipv6: bytes == [UInt8](repeating: 0, count: 15) + [1]
    }
  }

  /// fe80::/10, which means something only together with an interface.
  var needsScope: Bool {
    family == .ipv6 && bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
  }

  /// Whether one host can be reached under it: not the unspecified address, no multicast or
  /// broadcast, and no IPv4 address in IPv6's clothing (RFC 4291 §2.5.5), which never is on a wire.
  var isOfOneHost: Bool {
    switch family {
    case .ipv4: (1...223).contains(bytes[0])
    case .ipv6: bytes[0] != 0xFF && (isLoopback || bytes[..<12].contains { $0 != 0 } && !isMapped)
    }
  }

  private var isMapped: Bool {
    bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
  }

  /// The usual text, without a scope.
  var text: String {
    var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let kind = family == .ipv4 ? AF_INET : AF_INET6
    guard inet_ntop(kind, bytes, &buffer, socklen_t(buffer.count)) != nil else { return "" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// What somebody who heard this address on `interface` connects to, or `nil` when the address
  /// makes no sense there.
  ///
  /// A loopback address is taken from the loopback interface only: over any other it would send the
  /// hearer to itself.
  func reachable(port: UInt16, over interface: String, isLoopback onLoopback: Bool)
    -> NetworkAddress?
  {
    guard port > 0, isOfOneHost, !isLoopback || onLoopback else { return nil }
    return NetworkAddress(host: needsScope ? "\(text)%\(interface)" : text, port: port)
  }
}

/// An address of this host.
struct HostAddress: Hashable, Sendable {
  let interface: Int32
  let interfaceName: String
  let isLoopback: Bool
  let address: RawAddress
}

/// The network interfaces of this host as they are now.
struct HostInterfaces: Equatable, Sendable {
  /// Each interface's addresses beyond this number aren't published; a host with more has many
  /// temporary IPv6 addresses, of which any will do.
  static let mostAddressesEach = 8

  /// Of interfaces that are up.
  private(set) var addresses: [HostAddress] = []

  static func current() -> HostInterfaces {
    var result = HostInterfaces()
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return result }
    defer { freeifaddrs(list) }
    var counts: [Int32: Int] = [:]
    for entry in sequence(first: list, next: { $0?.pointee.ifa_next }) {
      guard let entry, entry.pointee.ifa_flags & UInt32(IFF_UP) != 0,
        let socketAddress = entry.pointee.ifa_addr, let address = rawAddress(socketAddress)
      else { continue }
      let index = Int32(bitPattern: if_nametoindex(entry.pointee.ifa_name))
      guard index > 0, counts[index, default: 0] < mostAddressesEach else { continue }
      counts[index, default: 0] += 1
      result.addresses.append(
        HostAddress(
          interface: index, interfaceName: String(cString: entry.pointee.ifa_name),
          isLoopback: entry.pointee.ifa_flags & UInt32(IFF_LOOPBACK) != 0,
          address: address))
    }
    return result
  }

  /// The numbers of those of `names`, or of all, that exist and have addresses, in order.
  func indices(of names: Set<String>?) -> [Int32] {
    Set(addresses.filter { names?.contains($0.interfaceName) ?? true }.map(\.interface)).sorted()
  }

  /// The name of an interface, also of one that has just gone.
  func name(of index: Int32) -> String {
    if let known = addresses.first(where: { $0.interface == index }) { return known.interfaceName }
    var buffer = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
    guard if_indextoname(UInt32(bitPattern: index), &buffer) != nil else { return "\(index)" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  func isLoopback(_ index: Int32) -> Bool {
    addresses.contains { $0.interface == index && $0.isLoopback }
  }

  private static func rawAddress(_ pointer: UnsafePointer<sockaddr>) -> RawAddress? {
    switch Int32(pointer.pointee.sa_family) {
    case AF_INET:
      let address = UnsafeRawPointer(pointer).loadUnaligned(as: sockaddr_in.self).sin_addr
      return withUnsafeBytes(of: address) { RawAddress(Array($0)) }
    case AF_INET6:
      let address = UnsafeRawPointer(pointer).loadUnaligned(as: sockaddr_in6.self).sin6_addr
      return withUnsafeBytes(of: address) { RawAddress(Array($0)) }
    case _:
      return nil
    }
  }
}
