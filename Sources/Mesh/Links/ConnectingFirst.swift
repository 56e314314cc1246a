package import Foundations
import NIOCore
import Synchronization

extension Links {
  /// How long the first address may try alone, and each next one before the one after it. RFC 8305
  /// §5 has 250 ms for the Internet; on a local network an answer comes within a few milliseconds.
  private static let stagger = Duration.milliseconds(50)

  /// Addresses tried at most, of all that a record or an advertisement names; over each interface that
  /// was named.
  private static let attempts = 24

  /// Opens a stream to the one of `addresses` that answers first (RFC 8305): they are tried in order,
  /// the next as soon as one fails or ``stagger`` has passed. The others are given up.
  ///
  /// A link-local address without a scope is tried on each interface, and where interfaces were named
  /// each address is, on those.
  /// - Parameter source: addresses at which too many attempts failed that came from there are left out
  ///   for a moment.
  /// - Throws: what kept the last of them from answering, a mismatch before an unreachable address.
  package func connectFirst(
    of addresses: [NetworkAddress], from source: AddressSource, purpose: StreamPurpose,
    timeout: Duration = .seconds(3)
  ) async throws(Failure) -> FramedStream {
    var waiting = ways(to: addresses)[...]
    let outcome: Result<FramedStream, Failure> = await withTaskGroup(of: Event.self) { group in
      var problem = nowhere(addresses)
      var running = 0
      func start() {
        guard let way = nextWay(among: &waiting, from: source) else { return }
        running += 1
        group.addTask {
          do throws(Failure) {
            let stream = try await self.connect(
              to: way.address, over: way.interface, purpose: purpose, timeout: timeout)
            if let host = way.host {
              self.failedAttempts.withLock { $0.succeed(host, from: source) }
            }
            return .connected(stream)
          } catch {
            return .failed(error)
          }
        }
        guard !waiting.isEmpty else { return }
        let left = waiting.count
        group.addTask {
          try? await Task.sleep(for: Self.stagger)
          return .staggered(left: left)
        }
      }
      start()
      while running > 0, let event = await group.next() {
        switch event {
        case .connected(let stream):
          group.cancelAll()
          for await case .connected(let late) in group { late.close() }
          return .success(stream)
        case .failed(let failure):
          running -= 1
          if problem.exit == .noHost { problem = failure }
          start()
        case .staggered(let left):
          // Of an address that was followed already, because it failed, this says nothing new.
          if left == waiting.count { start() }
        }
        if Task.isCancelled { waiting = [] }
      }
      group.cancelAll()
      return .failure(problem)
    }
    return try outcome.get()
  }

  /// The next that may be tried.
  private func nextWay(
    among waiting: inout ArraySlice<Way>, from source: AddressSource
  ) -> Way? {
    while let way = waiting.popFirst() {
      guard let host = way.host else { return way }
      let mayTry = failedAttempts.withLock {
        $0.begin(host, from: source, at: HostClock().now())
      }
      if mayTry { return way }
    }
    return nil
  }

  private func nowhere(_ addresses: [NetworkAddress]) -> Failure {
    let list = addresses.map(\.description).joined(separator: " and ")
    return Failure(
      "unreachable", exit: .noHost,
      addresses.isEmpty
        ? "No address is known to connect to."
        : "No network interface that is in use leads to \(list), or nobody answered there lately.")
  }

  private enum Event: Sendable {
    case connected(FramedStream)
    case failed(Failure)
    case staggered(left: Int)
  }

  private struct Way: Hashable {
    let address: NetworkAddress
    /// `nil` for whichever leads there.
    let interface: String?
    /// Where the attempt is counted; `nil` for what is no address.
    var host: String? { (try? address.socketAddress())?.hostName }
  }

  /// All ways to `addresses`, each once.
  private func ways(to addresses: [NetworkAddress]) -> [Way] {
    let local = LocalAddresses.everything()
    var known: Set<Way> = []
    let all = addresses.flatMap { ways(to: $0, from: local) }.filter { known.insert($0).inserted }
    return Array(all.prefix(Self.attempts * (interfaces?.count ?? 1)))
  }

  private func ways(to address: NetworkAddress, from local: [LocalAddress]) -> [Way] {
    if address.host.isLinkLocalIPv6 {
      let scope = address.host.split(separator: "%").dropFirst().first.map(String.init)
      let present = Set(local.filter { $0.isIPv6 && !$0.isLoopback }.map(\.interface)).sorted()
      return (scope.map { [$0] } ?? present)
        .filter { interfaces?.contains($0) ?? true }
        .map { interface in
          Way(
            address: scope == nil
              ? NetworkAddress(host: "\(address.host)%\(interface)", port: address.port) : address,
            interface: interfaces == nil ? nil : interface)
        }
    }
    guard let interfaces else { return [Way(address: address, interface: nil)] }
    // What goes to this computer itself goes over loopback, but a socket that is bound to loopback
    // reaches none of the other interfaces' addresses.
    let isOwn = local.contains { $0.host == address.host && !$0.isLoopback }
    let hasLoopback = local.contains { $0.isLoopback && interfaces.contains($0.interface) }
    if isOwn, hasLoopback { return [Way(address: address, interface: nil)] }
    return interfaces.map { Way(address: address, interface: $0) }
  }
}
