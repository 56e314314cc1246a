import Foundations
import Glibc
import NIOCore

extension NetworkAddress {
  /// The address of an IP socket; "?" for any other, or for one that is gone.
  init(_ address: SocketAddress?) {
    let host = address?.withSockAddr { pointer, size in
      numericHost(pointer, size: socklen_t(size))
    }
    self.init(host: (host ?? nil) ?? "?", port: address?.port.flatMap(UInt16.init(exactly:)) ?? 0)
  }

  /// No name is looked up: `host` is numeric, with a scope ("%eth0") where it is link-local.
  func socketAddress() throws(Failure) -> SocketAddress {
    do {
      return try SocketAddress(ipAddress: host, port: Int(port))
    } catch {
      throw Failure("bad-address", exit: .usage, "“\(self)” is no address of this network.")
    }
  }
}

extension SocketAddress {
  /// One name for each IP address, in whatever form it was written: without scope, an IPv4 address in IPv6
  /// (RFC 4291 §2.5.5.2) as what it is.
  var hostName: String {
    let host = NetworkAddress(self).host.prefix { $0 != "%" }
    let mapped = "::ffff:"
    return String(
      host.hasPrefix(mapped) && host.contains(".") ? host.dropFirst(mapped.count) : host)
  }
}

/// The text of an IP address, with the scope of a link-local one.
func numericHost(_ address: UnsafePointer<sockaddr>, size: socklen_t) -> String? {
  var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
  let status = getnameinfo(
    address, size, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
  guard status == 0 else { return nil }
  return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// What both ends of every connection set on their socket.
///
/// Small frames leave at once; a host that dies is given up after `unacknowledged`, whether data is
/// on its way to it (`TCP_USER_TIMEOUT`) or not (keep-alives after a second, which the same option
/// bounds: tcp(7)).
struct SocketOptions {
  let unacknowledged: Duration
  /// The kernel's number of the interface that it keeps to; `nil` for none.
  var interface: CInt?

  func apply<Bootstrap>(
    to bootstrap: Bootstrap,
    with set: (Bootstrap, ChannelOptions.Types.SocketOption, SocketOptionValue) -> Bootstrap
  ) -> Bootstrap {
    var options: [(ChannelOptions.Types.SocketOption, SocketOptionValue)] = [
      (.init(level: .tcp, name: .tcp_nodelay), 1),
      (.init(level: .socket, name: .so_keepalive), 1),
      (.init(level: .tcp, name: .init(rawValue: TCP_KEEPIDLE)), 1),
      (.init(level: .tcp, name: .init(rawValue: TCP_KEEPINTVL)), 1),
      (
        .init(level: .tcp, name: .init(rawValue: TCP_USER_TIMEOUT)),
        SocketOptionValue(unacknowledged.milliseconds)
      ),
    ]
    if let interface {
      // By number, which unlike SO_BINDTODEVICE's name is an option like the others.
      options.append(
        (
          .init(level: .socket, name: .init(rawValue: SO_BINDTOIFINDEX)),
          SocketOptionValue(interface)
        ))
    }
    return options.reduce(bootstrap) { set($0, $1.0, $1.1) }
  }
}
