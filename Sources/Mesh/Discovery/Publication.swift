import CAvahi

/// One service of ours on its way to being published, and after. On the loop's thread only.
final class Publication {
  /// Alternative names tried one after the other: more are somebody's mischief.
  static let mostRenames = 16

  /// The label that was asked for.
  let requested: String
  /// Under the label that is published or tried now.
  var service: ServiceRecord
  private(set) var registeredPort: UInt16?
  /// Whether the name is ours and others hear of it.
  var isEstablished = false
  /// In a row.
  var failures = 0
  var retry: LoopTimer?
  private var group: (any ServiceGroup)?
  /// One for each subtype, so that they come and go while the service stays.
  private var subtypes: [String: any ServiceGroup] = [:]
  private var interfaces: [Int32?] = []
  private var renames = 0

  init(requested: String, service: ServiceRecord) {
    self.requested = requested
    self.service = service
  }

  /// Publishes it anew, on `interfaces` or on all when `nil`; with none it waits to be called again.
  func register(
    with responder: any Responder, on interfaces: [Int32]?,
    _ report: @escaping (GroupReport) -> Void
  ) throws(AvahiError) {
    close()
    self.interfaces = interfaces.map { $0.map(Optional.some) } ?? [nil]
    guard !self.interfaces.isEmpty else { return }
    while true {
      let group = try responder.makeGroup(report)
      do {
        for interface in self.interfaces { try group.add(service, on: interface) }
        try group.commit()
        self.group = group
        registeredPort = service.port
        return
      } catch {
        group.close()
        // Another process that uses the same daemon has it.
        guard error.isCollision, rename() else { throw error }
      }
    }
  }

  /// Changes the text in place; `false` when that isn't possible.
  func updateText() -> Bool {
    guard let group else { return false }
    do {
      for interface in interfaces { try group.updateText(service, on: interface) }
      return true
    } catch {
      return false
    }
  }

  /// Publishes the subtypes that are new and takes back those that aren't wanted any more. They are
  /// shared records, which nobody else can have taken.
  func publishSubtypes(with responder: any Responder) throws(AvahiError) {
    guard group != nil else { return }
    for (subtype, group) in subtypes where !service.subtypes.contains(subtype) {
      group.close()
      subtypes[subtype] = nil
    }
    for subtype in service.subtypes where subtypes[subtype] == nil {
      let group = try responder.makeGroup { _ in }
      do {
        for interface in interfaces {
          try group.add(subtype: subtype, of: service.label, on: interface)
        }
        try group.commit()
        subtypes[subtype] = group
      } catch {
        group.close()
        throw error
      }
    }
  }

  /// Takes the next name: "name #2"; `false` when enough were tried.
  func rename() -> Bool {
    renames += 1
    guard renames <= Self.mostRenames,
      let next = avahi_alternative_service_name(service.label)
    else {
      renames = 0
      return false
    }
    defer { avahi_free(next) }
    service = ServiceRecord(
      label: String(cString: next), port: service.port, text: service.text,
      subtypes: service.subtypes)
    return true
  }

  func close() {
    retry?.cancel()
    retry = nil
    for group in subtypes.values { group.close() }
    subtypes = [:]
    group?.close()
    group = nil
    registeredPort = nil
    isEstablished = false
  }
}
