package import Foundations
import NIOCore
import NIOPosix
import Synchronization

/// Takes connections until it is closed.
package final class LinkListener: Sendable {
  /// The port on which it really listens.
  package let port: UInt16
  /// The streams whose TLS handshake is done, for one task to take. Each counts as unconfirmed until
  /// ``FramedStream/confirm()``.
  package let incoming: AsyncStream<FramedStream>

  private let channels: [any Channel]
  private let register: IncomingRegister
  private let openStreams: OpenStreams
  private let isOpen = Mutex(true)

  init(
    channels: [any Channel], incoming: AsyncStream<FramedStream>, register: IncomingRegister,
    openStreams: OpenStreams
  ) {
    self.channels = channels
    self.incoming = incoming
    self.register = register
    self.openStreams = openStreams
    addresses = channels.map { NetworkAddress($0.localAddress) }
    port = addresses.first?.port ?? 0
  }

  package var statistics: LinkStatistics { register.statistics }

  /// Where it listens: wildcards, or the addresses of the interfaces that were named.
  package let addresses: [NetworkAddress]

  /// Takes no more connections and drops the unconfirmed ones. Confirmed streams go on.
  package func close() async {
    let isFirst = isOpen.withLock { isOpen in
      defer { isOpen = false }
      return isOpen
    }
    guard isFirst else { return }
    for channel in channels { try? await channel.close() }
    register.close()
    openStreams.remove(self)
  }
}

/// Opens the sockets of one listener, which all have the same port.
struct ListeningSockets {
  let links: Links
  let register: IncomingRegister

  /// A port that is free for the first socket is nearly always free for the others too.
  private static let portTries = 16
  private static let backlog: CInt = 128

  func open(port: UInt16, interfaces: [String]?) async throws(Failure) -> [any Channel] {
    let hosts = try Self.hosts(of: interfaces)
    for _ in 1..<Self.portTries where port == 0 {
      do {
        return try await open(hosts, port: 0)
      } catch  where error.code == Self.portInUse {
        continue
      }
    }
    return try await open(hosts, port: port)
  }

  private static func hosts(of interfaces: [String]?) throws(Failure) -> [String] {
    guard let interfaces else { return ["0.0.0.0", "::"] }
    let hosts = LocalAddresses.current(interfaces: interfaces).map(\.scopedHost)
    guard !hosts.isEmpty else {
      throw Failure(
        "no-interface", exit: .unavailable,
        "No network interface called \(interfaces.joined(separator: " or ")) is up.")
    }
    return hosts
  }

  /// Opens as many of `hosts` as have their address family on this computer, at least one.
  private func open(_ hosts: [String], port: UInt16) async throws(Failure) -> [any Channel] {
    var channels: [any Channel] = []
    var port = port
    var problem: Failure?
    for host in hosts {
      do {
        let channel = try await open(NetworkAddress(host: host, port: port))
        channels.append(channel)
        port = NetworkAddress(channel.localAddress).port
      } catch  where error.code == Self.addressMissing {
        problem = error
      } catch {
        for channel in channels { try? await channel.close() }
        throw error
      }
    }
    if channels.isEmpty, let problem { throw problem }
    return channels
  }

  private func open(_ address: NetworkAddress) async throws(Failure) -> any Channel {
    let target = try address.socketAddress()
    let (settings, limits) = (links.settings, links.limits)
    let (openStreams, register) = (links.openStreams, register)
    let plain = ServerBootstrap(group: links.group)
      .serverChannelOption(.backlog, value: Self.backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = StreamHandler(
            side: .listener(register), limits: limits, openStreams: openStreams)
          try channel.pipeline.syncOperations.addHandlers([settings.makeServerHandler(), handler])
        }
      }
    let options = SocketOptions(unacknowledged: limits.unacknowledged)
    var bootstrap = options.apply(to: plain) { $0.childChannelOption($1, value: $2) }
    if target.protocol == .inet6 {
      bootstrap = bootstrap.serverChannelOption(
        ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only), value: 1)
    }
    do {
      return try await bootstrap.bind(to: target).get()
    } catch let error as IOError {
      throw Self.failure(error, at: address)
    } catch {
      throw Failure("cannot-listen", exit: .system, "Can't listen on \(address): \(error)")
    }
  }

  private static let portInUse = "port-in-use"
  private static let addressMissing = "no-such-address"

  private static func failure(_ error: IOError, at address: NetworkAddress) -> Failure {
    switch error.errnoCode {
    case EADDRINUSE:
      Failure(
        portInUse, exit: .cannotCreate,
        "Port \(address.port) is in use by another program; choose another one.")
    case EACCES, EPERM:
      Failure(
        "port-not-allowed", exit: .noPermission,
        "Port \(address.port) needs rights that this program doesn't have; choose one above 1023.")
    case EADDRNOTAVAIL, EAFNOSUPPORT:
      Failure(addressMissing, exit: .unavailable, "\(address) is no address of this computer.")
    case _:
      Failure("cannot-listen", exit: .system, "Can't listen on \(address): \(error)")
    }
  }
}
