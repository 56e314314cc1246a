import Glibc

/// A question of our own beside Avahi's, that welcomes a unicast answer.
///
/// Avahi waits 100 ms with its own first question, and somebody who joins a meeting waits with it.
/// RFC 6762 §5.2 asks for a random delay of 20 to 120 ms where many hosts may start at one moment,
/// after a power cut say; people who type an invite code don't, so this deviates. Avahi's questions
/// follow anyway, should these get lost, and hear the answers to both.
///
/// And Avahi answers nobody for 0.5 to 0.7 s after it has told everybody, which where one joins just
/// after another costs the second up to 1.2 s. A question whose class has the first bit set (§5.4)
/// gets an answer by multicast as usual, or else one for this host alone. Of several responders on
/// this host only one hears such an answer, and it may not be ours; then Avahi's own question has to
/// do.
enum DirectQuestion {
  /// Who offers our service, or one subtype of it?
  case whoOffers(subtype: String?)
  /// What is the service of this label: host, port and text?
  case what(label: String)

  /// When to ask ``whoOffers`` again, each after the one before, while nobody has answered. Avahi keeps
  /// an answer back for 0.7 s from an address that just showed that it knows it, and another process
  /// of this host may have; Avahi's own next question comes after 1.1 s.
  static let repeats: ArraySlice<Duration> = [.milliseconds(300), .milliseconds(450)]
  /// When to ask ``what(label:)``: Avahi's question goes out after 100 ms, its answers come at once.
  static let patience = Duration.milliseconds(150)

  /// The question as DNS has it (RFC 1035 §4.1), without an identifier (RFC 6762 §18.1); `nil` for a
  /// label that is none.
  ///
  ///     ID 0 | flags 0 | QDCOUNT | ANCOUNT 0 | NSCOUNT 0 | ARCOUNT 0 | QNAME | type | IN, QU | …
  var message: [UInt8]? {
    let labels: [String]
    let types: [UInt8]
    switch self {
    case .whoOffers(let subtype):
      (labels, types) = (subtype.map { [$0, "_sub"] } ?? [], [12])  // PTR
    case .what(let label): (labels, types) = ([label], [33, 16])  // SRV, TXT
    }
    let offered = "\(ServiceRecord.type).\(ServiceRecord.domain)".split(separator: ".")
    var name: [UInt8] = []
    for label in labels + offered.map(String.init) {
      guard (1...63).contains(label.utf8.count) else { return nil }
      name.append(UInt8(label.utf8.count))
      name += label.utf8
    }
    let header: [UInt8] = [0, 0, 0, 0, 0, UInt8(types.count), 0, 0, 0, 0, 0, 0]
    return header + types.flatMap { name + [0, 0, $0, 0x80, 1] }
  }

  /// Sends it from port 5353, so that the answers come by multicast and any responder on this host
  /// hears them, over each interface that has one of `addresses`. What can't be sent isn't.
  func ask(from addresses: [HostAddress]) {
    guard let message else { return }
    for family in [AddressFamily.ipv4, .ipv6] {
      var asked: Set<Int32> = []
      let ones = addresses.filter {
        $0.address.family == family && asked.insert($0.interface).inserted
      }
      if !ones.isEmpty { Self.send(message, from: ones, in: family) }
    }
  }

  private static func send(
    _ message: [UInt8], from addresses: [HostAddress], in family: AddressFamily
  ) {
    let descriptor = socket(
      family == .ipv4 ? AF_INET : AF_INET6,
      Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    // The responders have the port too.
    set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1 as Int32)
    set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1 as Int32)
    switch family {
    case .ipv4:
      set(descriptor, Int32(IPPROTO_IP), IP_MULTICAST_TTL, 255 as Int32)
      var here = sockaddr_in()
      here.sin_family = sa_family_t(AF_INET)
      here.sin_port = port
      var group = here
      group.sin_addr.s_addr = UInt32(0xE000_00FB).bigEndian  // 224.0.0.251
      guard withAddress(&here, { bind(descriptor, $0, $1) }) == 0 else { return }
      for address in addresses {
        var choice = ip_mreqn()
        choice.imr_ifindex = address.interface
        // Without a route for multicast the kernel would choose no source at all.
        choice.imr_address.s_addr = source(address).withUnsafeBytes {
          $0.loadUnaligned(as: UInt32.self)
        }
        set(descriptor, Int32(IPPROTO_IP), IP_MULTICAST_IF, choice)
        _ = withAddress(&group) { sendto(descriptor, message, message.count, 0, $0, $1) }
      }
    case .ipv6:
      set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1 as Int32)
      set(descriptor, Int32(IPPROTO_IPV6), IPV6_MULTICAST_HOPS, 255 as Int32)
      var here = sockaddr_in6()
      here.sin6_family = sa_family_t(AF_INET6)
      here.sin6_port = port
      var group = here
      withUnsafeMutableBytes(of: &group.sin6_addr) { address in  // ff02::fb
        address[0] = 0xFF
        address[1] = 0x02
        address[15] = 0xFB
      }
      guard withAddress(&here, { bind(descriptor, $0, $1) }) == 0 else { return }
      for address in addresses {
        set(descriptor, Int32(IPPROTO_IPV6), IPV6_MULTICAST_IF, address.interface)
        _ = withAddress(&group) { sendto(descriptor, message, message.count, 0, $0, $1) }
      }
    }
  }

  /// The address of the interface. On loopback any address of 127.0.0.0/8 will do, and a random one
  /// is better, because an address of its own is asked for nothing that another process knows.
  private static func source(_ address: HostAddress) -> [UInt8] {
    guard address.isLoopback else { return address.address.bytes }
    return [127] + (0..<3).map { _ in UInt8.random(in: 1...254) }
  }

  private static let port = UInt16(5353).bigEndian

  private static func set<Value>(
    _ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Value
  ) {
    withUnsafeBytes(of: value) { bytes in
      _ = setsockopt(descriptor, level, option, bytes.baseAddress, socklen_t(bytes.count))
    }
  }

  private static func withAddress<Address, Result>(
    _ address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    withUnsafeBytes(of: &address) { bytes in
      body(
        bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
  }
}
