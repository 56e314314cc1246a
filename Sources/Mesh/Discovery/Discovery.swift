import Dispatch
package import Foundations

/// What this process lets others on the network know.
package struct Advertisement: Hashable, Sendable {
  /// The service's instance name: 1 to 63 bytes, random unless its user chose to be visible.
  package var label: String
  package var port: UInt16
  /// See ``TextRecord`` for what fits.
  package var attributes: [String: String]
  /// By which it is found alone, without all others (RFC 6763 §7.1): labels as `_n7`.
  package var subtypes: Set<String>

  package init(
    label: String, port: UInt16, attributes: [String: String], subtypes: Set<String> = []
  ) {
    self.label = label
    self.port = port
    self.attributes = attributes
    self.subtypes = subtypes
  }
}

/// A service as it is heard on one interface over one of IPv4 and IPv6.
///
/// Its label and attributes are a stranger's words: whoever shows them cleans them first.
package struct Found: Hashable, Sendable {
  package let label: String
  /// In the order of their coming, with the interface as the scope of a link-local one.
  package let addresses: [NetworkAddress]
  /// Keys are in lower case.
  package let attributes: [String: String]
  /// The interface's name: "eth0".
  package let interface: String

  package init(
    label: String, addresses: [NetworkAddress], attributes: [String: String], interface: String
  ) {
    self.label = label
    self.addresses = addresses
    self.attributes = attributes
    self.interface = interface
  }
}

package enum DiscoveryEvent: Hashable, Sendable {
  /// A service of somebody else's, or what is new about it. A service is told of for each interface
  /// and protocol by itself, with all its addresses there.
  case found(Found)
  /// The last trace of a service is gone. A host that died without a word is *not* told of: mDNS
  /// keeps its records for up to 75 minutes.
  case lost(label: String)
  /// An advertisement can be seen by others. `registered` differs from the `label` asked for when
  /// somebody had that one already.
  case published(label: String, registered: String)
  /// Who answers for this process from now on.
  case responder(ResponderKind)
  /// This host's interfaces or addresses aren't what they were.
  case networkChanged
  /// What hinders discovery, as a sentence for people; it goes on trying.
  case problem(String)
  /// What was heard before ``Discovery/mark()`` stands before this.
  case mark
}

/// Finds services of `_virtue._tcp` on the local network and publishes ours, by mDNS (RFC 6762) and
/// DNS-SD (RFC 6763).
///
/// Out of scope: other networks than the local one, and hosts that died without a word (gossip
/// notices them). An attacker on the network can see every advertisement, publish any, keep ours off
/// the air, and fill what is known with services of its own: nothing found here is trusted, and
/// nothing is told that must stay secret.
package final class Discovery: Sendable {
  /// Which responder may be used.
  package enum Choice: String, CaseIterable, Sendable {
    /// Avahi's daemon where one answers, else one inside this process.
    case automatic
    case daemon
    case embedded
  }

  /// Events that nobody fetched yet; the oldest are dropped. It holds all that is known several
  /// times over.
  package static let mostWaitingEvents = 4_096
  /// How many services one process publishes: an invitation each, and itself.
  package static let mostAdvertisements = 16

  /// What happens, for one reader.
  package let events: AsyncStream<DiscoveryEvent>

  private let loop: AvahiLoop
  private let engine: DiscoveryEngine
  private let tell: @Sendable (DiscoveryEvent) -> Void

  /// Subtypes of one service.
  package static let mostSubtypes = 64

  /// - Parameters:
  ///   - subtype: what to look for; `nil` for all services.
  ///   - interfaces: names of those to use; `nil` for all, with loopback, over which processes of
  ///     one host meet when there is nothing else. One that doesn't exist is waited for.
  ///   - secrets: for the random host name of the responder inside this process.
  ///   - log: is told what a developer may want to know.
  package init(
    interfaces: [String]? = nil, subtype: String? = nil, responder: Choice = .automatic,
    secrets: SecretSource = .system,
    log: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(Failure) {
    let (events, continuation) = AsyncStream.makeStream(
      of: DiscoveryEvent.self, bufferingPolicy: .bufferingNewest(Self.mostWaitingEvents))
    self.events = events
    tell = { continuation.yield($0) }
    let loop = try AvahiLoop()
    let engine = DiscoveryEngine(
      loop, only: interfaces.map(Set.init), subtype: subtype, choice: responder,
      secrets: secrets, tell: tell, finish: { continuation.finish() },
      log: log)
    self.loop = loop
    self.engine = engine
    loop.start(keeping: engine)
    loop.perform { engine.start() }
  }

  /// Publishes a service, or changes what is published under this label.
  package func publish(_ advertisement: Advertisement) throws(Failure) {
    guard (1...63).contains(advertisement.label.utf8.count),
      !advertisement.label.utf8.contains(0), advertisement.port > 0,
      advertisement.subtypes.count <= Self.mostSubtypes
    else {
      throw Failure(
        "bad-advertisement", exit: .usage,
        "\"\(advertisement.label)\" can't be published: it needs a name of 1 to 63 bytes and a port."
      )
    }
    let text: [[UInt8]]
    do { text = try TextRecord.encode(advertisement.attributes) } catch {
      throw Failure(
        "bad-advertisement", exit: .usage,
        "What is to be published with \"\(advertisement.label)\" doesn't fit: \(error).")
    }
    loop.perform { [engine] in engine.publish(advertisement, text) }
  }

  /// Whether what others offer is found without haste: one service every half second. For members whom
  /// word of newcomers reaches anyway, so that thirty who join at once don't drown each other's answers.
  package func setCalm(_ isCalm: Bool) {
    loop.perform { [engine] in engine.isCalm = isCalm }
  }

  /// Looks for one subtype from now on, or for all services.
  package func seek(_ subtype: String?) {
    loop.perform { [engine] in engine.seek(subtype) }
  }

  /// Asks once more who is there, at once. For whoever misses somebody: a responder's own questions get
  /// rarer, down to one an hour (RFC 6762 §5.2), and somebody who comes back to this part of the network
  /// needn't say anything by itself.
  package func askAnew() {
    loop.perform { [engine] in engine.askAnew() }
  }

  /// Puts a mark among the events, for a reader whose time is up: cancelling it would end them for the
  /// next one too.
  package func mark() { tell(.mark) }

  /// Takes a service back; others are told at once.
  package func withdraw(_ label: String) {
    loop.perform { [engine] in engine.withdraw(label) }
  }

  /// Takes all services back and ends ``events``. Returns when nothing of it runs any more.
  package func close() async {
    guard engine.beginClosing() else { return }
    await withCheckedContinuation { continuation in
      loop.perform { [engine] in
        engine.close()
        continuation.resume()
      }
    }
    loop.stop()
  }

  /// Closing is better, because it can be waited for.
  deinit {
    guard engine.beginClosing() else { return }
    loop.perform { [loop, engine] in
      engine.close()
      DispatchQueue.global().async { loop.stop() }
    }
  }
}
