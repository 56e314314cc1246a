package import Foundations

/// The short-term credentials of one side of an ICE session (RFC 8445 §5.3).
package struct ICECredentials: Hashable, Sendable {
  package let ufrag: String
  package let password: String

  /// `nil` unless `ufrag` has 4 to 256 ICE characters and `password` 22 to 256 (RFC 8839 §5.4).
  package init?(ufrag: String, password: String) {
    guard (4...256).contains(ufrag.utf8.count), (22...256).contains(password.utf8.count),
      ufrag.utf8.allSatisfy(isICECharacter), password.utf8.allSatisfy(isICECharacter)
    else { return nil }
    self.ufrag = ufrag
    self.password = password
  }

  /// Fresh ones: 48 bits of user fragment, 144 of password.
  package static func make(from secrets: SecretSource) -> ICECredentials {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    func text(_ count: Int) -> String {
      String(decoding: secrets.bytes(count).map { alphabet[Int($0 & 63)] }, as: UTF8.self)
    }
    guard let credentials = ICECredentials(ufrag: text(8), password: text(24)) else {
      preconditionFailure("the alphabet has only ICE characters")
    }
    return credentials
  }
}

/// A TURN server and how it knows us.
package struct TURNServer: Hashable, Sendable {
  package let address: NetworkAddress
  package let username: String
  package let password: String

  package init(address: NetworkAddress, username: String, password: String) {
    self.address = address
    self.username = username
    self.password = password
  }
}

/// What an ``ICEAgent`` is told once and for all.
package struct ICEConfiguration: Sendable {
  package var controlling: Bool
  /// libnice makes up its own when there are none.
  package var credentials: ICECredentials?
  /// UDP ports that may be used; any when `nil`.
  package var ports: ClosedRange<UInt16>?
  /// The only interfaces to use; every real one when `nil`.
  package var interfaces: [String]?
  package var stun: NetworkAddress?
  package var turn: TURNServer?
  /// Go through the TURN server even where a direct path exists.
  package var relayOnly: Bool

  package init(
    controlling: Bool, credentials: ICECredentials? = nil, ports: ClosedRange<UInt16>? = nil,
    interfaces: [String]? = nil, stun: NetworkAddress? = nil, turn: TURNServer? = nil,
    relayOnly: Bool = false
  ) {
    self.controlling = controlling
    self.credentials = credentials
    self.ports = ports
    self.interfaces = interfaces
    self.stun = stun
    self.turn = turn
    self.relayOnly = relayOnly
  }

  /// UDP ports that go with the links' TCP port when that was asked for: the 200 above it.
  package static func ports(above port: UInt16) -> ClosedRange<UInt16>? {
    guard port < UInt16.max else { return nil }
    return port + 1...UInt16(clamping: Int(port) + 200)
  }
}

/// Where an agent's component stands. `failed` can lead back to `connecting` when more candidates
/// come, and all of them to `gathering` by a restart.
package enum ICEState: Hashable, Sendable {
  case disconnected
  case gathering
  /// Checks are running.
  case connecting
  /// A pair works: datagrams can be sent.
  case connected
  /// The best pair is chosen.
  case ready
  case failed
}
