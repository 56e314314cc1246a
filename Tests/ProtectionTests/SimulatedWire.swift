import Foundations

@testable import Protection

/// What a simulated path does to datagrams; shares are of 1.
struct Weather {
  var loss = 0.0
  var duplication = 0.0
  /// Datagrams held back by up to 40 ms, so that later ones overtake them.
  var reordering = 0.0
}

/// Two DTLS sessions and the path between them, on simulated time.
final class SimulatedWire {
  private(set) var now = Moment(nanoseconds: 1_000_000_000)
  private(set) var client: DTLSSession!
  private(set) var server: DTLSSession!
  /// Sees each datagram on its way, and may change it; `nil` loses it.
  var interfere: ((_ datagram: [UInt8], _ toServer: Bool) -> [UInt8]?)?
  private(set) var sent = 0

  private struct Flight {
    let arrival: Moment
    let order: Int
    let toServer: Bool
    let datagram: [UInt8]
  }

  private var flights: [Flight] = []
  private var chance: SeededGenerator
  private let weather: Weather

  init(
    client: DTLSIdentity, server: DTLSIdentity, clientExpects: [UInt8]? = nil,
    serverExpects: [UInt8]? = nil, weather: Weather = Weather(), seed: UInt64 = 1
  ) {
    self.weather = weather
    chance = SeededGenerator(seed: seed)
    self.client = DTLSSession(
      role: .client, identity: client, peerFingerprint: clientExpects ?? server.fingerprint
    ) { [unowned self] in post($0, toServer: true) }
    self.server = DTLSSession(
      role: .server, identity: server, peerFingerprint: serverExpects ?? client.fingerprint
    ) { [unowned self] in post($0, toServer: false) }
  }

  func start() {
    server.start(at: now)
    client.start(at: now)
  }

  func post(_ datagram: [UInt8], toServer: Bool) {
    sent += 1
    var datagram = datagram
    if let interfere {
      guard let changed = interfere(datagram, toServer) else { return }
      datagram = changed
    }
    if Double.random(in: 0..<1, using: &chance) < weather.loss { return }
    let copies = Double.random(in: 0..<1, using: &chance) < weather.duplication ? 2 : 1
    for _ in 0..<copies {
      var delay = Duration.microseconds(Int.random(in: 200...1500, using: &chance))
      if Double.random(in: 0..<1, using: &chance) < weather.reordering {
        delay += .milliseconds(Int.random(in: 1...40, using: &chance))
      }
      flights.append(
        Flight(arrival: now + delay, order: sent, toServer: toServer, datagram: datagram))
    }
  }

  /// Runs until nothing is on its way and no deadline is near, or `limit` has passed.
  func run(for limit: Duration = .seconds(12), until done: () -> Bool = { false }) {
    let end = now + limit
    while !done() {
      let arrival = flights.map(\.arrival).min()
      let deadline = [client.deadline, server.deadline].compactMap { $0 }.min()
      guard let next = [arrival, deadline].compactMap({ $0 }).min(), next <= end else { return }
      now = max(now, next)
      deliver()
      client.wake(at: now)
      server.wake(at: now)
    }
  }

  private func deliver() {
    let due = flights.filter { $0.arrival <= now }.sorted {
      ($0.arrival, $0.order) < ($1.arrival, $1.order)
    }
    flights.removeAll { $0.arrival <= now }
    for flight in due {
      (flight.toServer ? server : client)!.receive(flight.datagram, at: now)
    }
  }
}

extension DTLSSession {
  var keys: SRTPKeys? {
    if case .connected(let keys) = state { keys } else { nil }
  }

  var failure: String? {
    if case .failed(let reason) = state { reason } else { nil }
  }
}
