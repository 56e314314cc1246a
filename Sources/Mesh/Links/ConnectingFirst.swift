package import Foundations

extension Links {
  /// How long the first address may try alone, and each next one before the one after it. RFC 8305
  /// §5 has 250 ms for the Internet; on a local network an answer comes within a few milliseconds.
  private static let stagger = Duration.milliseconds(50)

  /// Addresses tried at most, of all that a record or an advertisement names.
  private static let attempts = 24

  /// Opens a stream to the one of `addresses` that answers first (RFC 8305): they are tried in order,
  /// the next as soon as one fails or ``stagger`` has passed. The others are given up.
  ///
  /// A link-local address without a scope is tried on each interface.
  /// - Throws: what kept the last of them from answering, a mismatch before an unreachable address.
  package func connectFirst(
    of addresses: [NetworkAddress], purpose: StreamPurpose, timeout: Duration = .seconds(3)
  ) async throws(Failure) -> FramedStream {
    var waiting = Self.expanded(addresses)[...]
    let outcome: Result<FramedStream, Failure> = await withTaskGroup(of: Event.self) { group in
      var problem = Failure("unreachable", exit: .noHost, "No address is known to connect to.")
      var running = 0
      func start() {
        guard let address = waiting.popFirst() else { return }
        running += 1
        group.addTask {
          do throws(Failure) {
            return .connected(
              try await self.connect(to: address, purpose: purpose, timeout: timeout))
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

  private enum Event: Sendable {
    case connected(FramedStream)
    case failed(Failure)
    case staggered(left: Int)
  }

  /// `addresses` without repetitions, link-local ones on each interface.
  private static func expanded(_ addresses: [NetworkAddress]) -> [NetworkAddress] {
    var known: Set<NetworkAddress> = []
    let expanded = addresses.flatMap { address -> [NetworkAddress] in
      guard address.host.isLinkLocalIPv6, !address.host.contains("%") else { return [address] }
      let interfaces = Set(LocalAddresses.current().filter(\.isIPv6).map(\.interface)).sorted()
      return interfaces.map {
        NetworkAddress(host: "\(address.host)%\($0)", port: address.port)
      }
    }
    return Array(expanded.filter { known.insert($0).inserted }.prefix(attempts))
  }
}
