import Glibc

/// Tells that an interface or address of this host came, changed or went: the kernel says so on a
/// netlink socket (rtnetlink(7)), which needs no privilege.
final class AddressWatch {
  private let descriptor: Int32
  private var watch: LoopWatch?

  /// Without such a socket, changes go unnoticed and nothing else suffers.
  init(_ loop: AvahiLoop, _ changed: @escaping () -> Void) {
    descriptor = Self.open()
    guard descriptor >= 0 else { return }
    watch = loop.watch(descriptor) { [descriptor] in
      // What it says doesn't matter: the addresses are read anew.
      var buffer = [UInt8](repeating: 0, count: 8192)
      while recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 {}
      changed()
    }
  }

  func close() {
    guard let watch else { return }
    watch.cancel()
    self.watch = nil
    Glibc.close(descriptor)
  }

  deinit { close() }

  private static func open() -> Int32 {
    let descriptor = socket(
      AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { return -1 }
    // struct sockaddr_nl: family and padding, port (0: the kernel's choice), groups.
    // Groups of linux/rtnetlink.h: RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR.
    var address: [UInt32] = [0, 0, 0x1 | 0x10 | 0x100]
    let bound = address.withUnsafeMutableBytes { bytes in
      bytes.storeBytes(of: sa_family_t(AF_NETLINK), as: sa_family_t.self)
      return bind(
        descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self),
        socklen_t(bytes.count))
    }
    guard bound == 0 else {
      Glibc.close(descriptor)
      return -1
    }
    return descriptor
  }
}
