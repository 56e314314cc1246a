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

  /// Where it listens: wildcards, each bound to an interface where interfaces were named.
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

  func open(port: UInt16, interfaces: [String]?) async throws(Failure) -> [any Channel] {
    let places = try Self.places(on: interfaces)
    for _ in 1..<Self.portTries where port == 0 {
      do {
        return try await open(places, port: 0)
      } catch  where error.code == Self.portInUse {
        continue
      }
    }
    return try await open(places, port: port)
  }

  private static func places(on interfaces: [String]?) throws(Failure) -> [ListeningPlace] {
    guard let interfaces else { return ListeningPlace.both(on: nil) }
    let present = Set(LocalAddresses.current(interfaces: interfaces).map(\.interface)).sorted()
    guard !present.isEmpty else {
      throw Failure(
        "no-interface", exit: .unavailable,
        "No network interface called \(interfaces.joined(separator: " or ")) is up.")
    }
    return present.flatMap { ListeningPlace.both(on: $0) }
  }

  /// Opens as many of `places` as have their address family on this computer, at least one.
  private func open(
    _ places: [ListeningPlace], port: UInt16
  ) async throws(Failure) -> [any Channel] {
    var channels: [any Channel] = []
    var port = port
    var problem: Failure?
    for place in places {
      do {
        let channel = try await open(place, port: port)
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

  private func open(
    _ place: ListeningPlace, port: UInt16
  ) async throws(Failure) -> any Channel {
    let (settings, limits) = (links.settings, links.limits)
    let (openStreams, register) = (links.openStreams, register)
    let plain = ServerBootstrap(group: links.group)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = StreamHandler(
            side: .listener(register), limits: limits, openStreams: openStreams)
          try channel.pipeline.syncOperations.addHandlers([settings.makeServerHandler(), handler])
        }
      }
    let options = SocketOptions(unacknowledged: limits.unacknowledged)
    let bootstrap = options.apply(to: plain) { $0.childChannelOption($1, value: $2) }
    do {
      return try await bootstrap.withBoundSocket(place.listen(port: port)).get()
    } catch let error as IOError {
      throw Self.failure(error, at: place, port: port)
    } catch {
      throw Failure("cannot-listen", exit: .system, "Can't listen on \(place): \(error)")
    }
  }

  private static let portInUse = "port-in-use"
  private static let addressMissing = "no-such-address"

  private static func failure(
    _ error: IOError, at place: ListeningPlace, port: UInt16
  ) -> Failure {
    switch error.errnoCode {
    case EADDRINUSE:
      Failure(
        portInUse, exit: .cannotCreate,
        "Port \(port) is in use by another program; choose another one.")
    // Of a socket that is bound to an interface, that is what isn't permitted: the port is EACCES.
    case EPERM where place.interface != nil:
      Failure("cannot-listen", exit: .system, "Can't listen on \(place): \(error)")
    case EACCES, EPERM:
      Failure(
        "port-not-allowed", exit: .noPermission,
        "Port \(port) needs rights that this program doesn't have; choose one above 1023.")
    // ENODEV: the interface went away since it was looked up.
    case EADDRNOTAVAIL, EAFNOSUPPORT, ENODEV:
      Failure(addressMissing, exit: .unavailable, "\(place) is no place to listen at here.")
    case _:
      Failure("cannot-listen", exit: .system, "Can't listen on \(place): \(error)")
    }
  }
}
