import Foundations

/// What either of Avahi's faces can do for us: the daemon's client, or the responder inside this
/// process.
///
/// Everything here is used on the ``AvahiLoop``'s thread only, and every report arrives from the
/// loop, never from inside one of Avahi's callbacks: who gets one may close anything.
protocol Responder: AnyObject {
  func makeGroup(_ report: @escaping (GroupReport) -> Void) throws(AvahiError) -> any ServiceGroup

  /// Listens for services of our type, or of one subtype of it, on one interface or on all.
  func browse(
    _ interface: Int32?, subtype: String?, _ report: @escaping (BrowseReport) -> Void
  ) throws(AvahiError) -> any OpenLookup

  /// Asks for a service's host, port and text, and for changes of them.
  func resolve(_ item: Item, _ report: @escaping (ServiceReport) -> Void)
    throws(AvahiError) -> any OpenLookup

  /// Asks for a host's addresses of the place's family, and for changes of them.
  func findAddresses(
    of host: String, at place: Place, _ report: @escaping (AddressReport) -> Void
  ) throws(AvahiError) -> any OpenLookup

  /// This host's addresses changed.
  func update(_ interfaces: HostInterfaces)

  /// Takes everything back that was published (with goodbyes, RFC 6762 §10.1) and ends all reports.
  func close()
}

/// Which of the two answers.
package enum ResponderKind: String, Sendable {
  /// Avahi's daemon, over D-Bus.
  case daemon
  /// A responder inside this process.
  case embedded
}

enum ResponderState: Sendable {
  case running
  /// Its own host name is being settled; what was published must be published again afterwards.
  case registering
  /// The daemon isn't there (yet).
  case waiting
  case gone(String)
}

/// Records that are published together.
protocol ServiceGroup: AnyObject {
  func add(_ service: ServiceRecord, on interface: Int32?) throws(AvahiError)
  /// Lets the service be found by the subtype alone; it may be of another group.
  func add(subtype: String, of label: String, on interface: Int32?) throws(AvahiError)
  func commit() throws(AvahiError)
  func updateText(_ service: ServiceRecord, on interface: Int32?) throws(AvahiError)
  func close()
}

/// A browser or resolver that goes on reporting until it is closed.
protocol OpenLookup: AnyObject {
  func close()
}

/// What a group publishes.
struct ServiceRecord: Sendable {
  /// `_virtue._tcp` in `local`.
  static let type = "_virtue._tcp"
  static let domain = "local"

  let label: String
  let port: UInt16
  let text: [[UInt8]]
  /// Labels of RFC 6763 §7.1's subtypes.
  let subtypes: Set<String>

  init(label: String, port: UInt16, text: [[UInt8]], subtypes: Set<String> = []) {
    self.label = label
    self.port = port
    self.text = text
    self.subtypes = subtypes
  }

  /// As DNS has the name, without its domain: `_n7._sub._virtue._tcp`.
  static func type(ofSubtype subtype: String?) -> String {
    subtype.map { "\($0)._sub.\(type)" } ?? type
  }
}

enum GroupReport: Sendable {
  case established
  /// Somebody else has the label already.
  case collision
  case failed(String)
}

enum BrowseReport: Sendable {
  case appeared(Item)
  case vanished(Item)
  case failed(String)
}

enum ServiceReport: Sendable {
  case found(host: String, port: UInt16, text: [[UInt8]])
  case failed
}

enum AddressReport: Sendable {
  case added(RawAddress)
  case removed(RawAddress)
  case failed
}

/// An error number of Avahi's.
struct AvahiError: Error, Sendable, CustomStringConvertible {
  let isCollision: Bool
  let description: String
}
