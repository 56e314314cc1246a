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

  private struct State {
    var isOpen = true
    var sockets: [ListeningSocket]
  }

  private let interfaces: [String]?
  private let opener: ListeningSockets
  private let state: Mutex<State>

  init(
    sockets: [ListeningSocket], interfaces: [String]?, incoming: AsyncStream<FramedStream>,
    opener: ListeningSockets
  ) {
    self.interfaces = interfaces
    self.incoming = incoming
    self.opener = opener
    state = Mutex(State(sockets: sockets))
    port = sockets.first.map { NetworkAddress($0.channel.localAddress).port } ?? 0
  }

  package var statistics: LinkStatistics { opener.register.statistics }

  /// Where it listens: wildcards, each bound to an interface where interfaces were named.
  package var addresses: [NetworkAddress] {
    state.withLock(\.sockets).map { NetworkAddress($0.channel.localAddress) }
  }

  /// What a member record says of where this host is reached: those of its addresses, as they are now,
  /// that are listened on.
  package var advertised: [NetworkAddress] {
    let sockets = state.withLock(\.sockets)
    return LocalAddresses.current(interfaces: interfaces)
      .filter { address in sockets.contains { $0.place.takes(address) } }
      .byUse
      .map { NetworkAddress(host: $0.host, port: port) }
  }

  /// Listens also on those of the named interfaces that have come since, or come back. One call at a
  /// time.
  /// - Throws: what kept it from listening on one of them; on the others it does.
  package func renew() async throws(Failure) {
    guard interfaces != nil else { return }
    let present = ListeningPlace.present(on: interfaces)
    let gone = state.withLock { state in
      let gone = state.sockets.filter { !present.contains($0.place) }
      state.sockets.removeAll { !present.contains($0.place) }
      return gone
    }
    for socket in gone { try? await socket.channel.close() }
    let known = Set(state.withLock(\.sockets).map(\.place))
    var problem: Failure?
    for place in present where !known.contains(place) {
      do {
        let socket = try await opener.open(place, port: port)
        let isOpen = state.withLock { state in
          if state.isOpen { state.sockets.append(socket) }
          return state.isOpen
        }
        if !isOpen { try? await socket.channel.close() }
      } catch  where error.code == ListeningSockets.addressMissing {
        continue
      } catch {
        problem = error
      }
    }
    if let problem { throw problem }
  }

  /// Takes no more connections and drops the unconfirmed ones. Confirmed streams go on.
  package func close() async {
    let sockets = state.withLock { state -> [ListeningSocket]? in
      guard state.isOpen else { return nil }
      state.isOpen = false
      return state.sockets
    }
    guard let sockets else { return }
    for socket in sockets { try? await socket.channel.close() }
    opener.register.close()
    opener.links.openStreams.remove(self)
  }
}

/// A socket that listens.
struct ListeningSocket: Sendable {
  let place: ListeningPlace
  let channel: any Channel
}

/// Opens the sockets of one listener, which all have the same port.
struct ListeningSockets {
  let links: Links
  let register: IncomingRegister

  /// A port that is free for the first socket is nearly always free for the others too.
  private static let portTries = 16

  func open(port: UInt16, interfaces: [String]?) async throws(Failure) -> [ListeningSocket] {
    if let interfaces, LocalAddresses.current(interfaces: interfaces).isEmpty {
      throw Failure(
        "no-interface", exit: .unavailable,
        "No network interface called \(interfaces.joined(separator: " or ")) is up.")
    }
    let places = ListeningPlace.present(on: interfaces)
    for _ in 1..<Self.portTries where port == 0 {
      do {
        return try await open(places, port: 0)
      } catch  where error.code == Self.portInUse {
        continue
      }
    }
    return try await open(places, port: port)
  }

  /// Opens as many of `places` as have their address family on this computer, at least one.
  private func open(
    _ places: [ListeningPlace], port: UInt16
  ) async throws(Failure) -> [ListeningSocket] {
    var sockets: [ListeningSocket] = []
    var port = port
    var problem: Failure?
    for place in places {
      do {
        let socket = try await open(place, port: port)
        sockets.append(socket)
        port = NetworkAddress(socket.channel.localAddress).port
      } catch  where error.code == Self.addressMissing {
        problem = error
      } catch {
        for socket in sockets { try? await socket.channel.close() }
        throw error
      }
    }
    if sockets.isEmpty, let problem { throw problem }
    return sockets
  }

  func open(_ place: ListeningPlace, port: UInt16) async throws(Failure) -> ListeningSocket {
    let attempt = Attempt()
    guard links.openStreams.begin(attempt) else { throw Links.closedFailure }
    defer { links.openStreams.end(attempt) }
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
      let channel = try await bootstrap.withBoundSocket(place.listen(port: port)).get()
      return ListeningSocket(place: place, channel: channel)
    } catch let error as IOError {
      throw Self.failure(error, at: place, port: port)
    } catch {
      throw Failure("cannot-listen", exit: .system, "Can't listen on \(place): \(error)")
    }
  }

  private static let portInUse = "port-in-use"
  static let addressMissing = "no-such-address"

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
