import CAvahi
import Foundations

/// An mDNS responder inside this process, for hosts where none runs.
///
/// It shares UDP port 5353 with any number of others on the same host: a daemon, other processes of
/// ours. For that it has a host name of its own and publishes its addresses itself, without the
/// reverse records, which would be unique to an address and so collide with the other responders'.
final class EmbeddedResponder: Responder {
  private let avahi: CoreLibrary
  private let loop: AvahiLoop
  private let server: OpaquePointer
  private let states: ReportBox<ResponderState>
  private let lifetime = Lifetime()
  private let only: Set<String>?
  private let makeHostName: () -> String
  /// Who only listens keeps its addresses to itself.
  private var isPublishing = false
  private var published: [HostAddress: OpaquePointer] = [:]
  private var interfaces: HostInterfaces

  /// - Parameter only: names of the interfaces to use; `nil` for all, loopback included.
  init(
    _ loop: AvahiLoop, only: Set<String>?, interfaces: HostInterfaces,
    makeHostName: @escaping () -> String, _ report: @escaping (ResponderState) -> Void
  ) throws(AvahiError) {
    let avahi = try CoreLibrary()
    self.avahi = avahi
    self.loop = loop
    self.only = only
    self.interfaces = interfaces
    self.makeHostName = makeHostName
    states = ReportBox(loop, report)
    // It would write to standard error.
    avahi.setLogFunction { _, _ in }
    var settings = AvahiServerConfig()
    _ = avahi.serverConfigInit(&settings)
    defer { avahi.serverConfigFree(&settings) }
    settings.host_name = avahi_strdup(makeHostName())
    settings.publish_addresses = 0
    settings.publish_hinfo = 0
    settings.publish_workstation = 0
    settings.publish_domain = 0
    settings.enable_wide_area = 0
    settings.disallow_other_stacks = 0
    // As the daemon's own configuration has it: a flood of questions gets a bounded flood of answers.
    settings.ratelimit_interval = 1_000_000
    settings.ratelimit_burst = 1_000
    for name in only ?? [] {
      settings.allow_interfaces = avahi_string_list_add(settings.allow_interfaces, name)
    }
    var number: Int32 = 0
    guard
      let server = avahi.serverNew(loop.api, &settings, Self.changed, states.context, &number)
    else { throw AvahiError(number: number) }
    self.server = server
  }

  private static let changed: AvahiServerCallback = { _, state, context in
    let states = ReportBox<ResponderState>.take(context)
    switch state {
    case AVAHI_SERVER_RUNNING: states.leave(.running)
    case AVAHI_SERVER_REGISTERING: states.leave(.registering)
    // The host name is random and nothing of it is probed, so this is somebody's mischief.
    case AVAHI_SERVER_COLLISION: states.leave(.gone("its host name is taken"))
    case AVAHI_SERVER_FAILURE: states.leave(.gone("it failed"))
    case _: break
    }
  }

  func makeGroup(_ report: @escaping (GroupReport) -> Void) throws(AvahiError)
    -> any ServiceGroup
  {
    isPublishing = true
    publishAddresses()
    let box = ReportBox(loop, report)
    guard let group = avahi.entryGroupNew(server, Self.groupChanged, box.context) else {
      throw lastError
    }
    return EmbeddedGroup(
      avahi, server, group,
      AvahiLookup(group, box, lifetime) { [avahi] in avahi.entryGroupFree($0) })
  }

  private static let groupChanged: AvahiSEntryGroupCallback = { _, _, state, context in
    let box = ReportBox<GroupReport>.take(context)
    switch state {
    case AVAHI_ENTRY_GROUP_ESTABLISHED: box.leave(.established)
    case AVAHI_ENTRY_GROUP_COLLISION: box.leave(.collision)
    case AVAHI_ENTRY_GROUP_FAILURE: box.leave(.failed("the responder gave it up"))
    case _: break
    }
  }

  func browse(
    _ interface: Int32?, subtype: String?, _ report: @escaping (BrowseReport) -> Void
  ) throws(AvahiError) -> any OpenLookup {
    let box = ReportBox(loop, report)
    let browser = avahi.serviceBrowserNew(
      server, interface ?? AvahiTypes.everyInterface, AvahiTypes.everyProtocol,
      ServiceRecord.type(ofSubtype: subtype), ServiceRecord.domain, AvahiLookupFlags(rawValue: 0),
      Self.browsed,
      box.context)
    guard let browser else { throw lastError }
    return AvahiLookup(browser, box, lifetime) { [avahi] in avahi.serviceBrowserFree($0) }
  }

  private static let browsed: AvahiSServiceBrowserCallback = {
    _, interface, family, event, name, _, _, _, context in
    let box = ReportBox<BrowseReport>.take(context)
    switch event {
    case AVAHI_BROWSER_NEW:
      if let item = AvahiTypes.item(name, interface, family) { box.leave(.appeared(item)) }
    case AVAHI_BROWSER_REMOVE:
      if let item = AvahiTypes.item(name, interface, family) { box.leave(.vanished(item)) }
    case AVAHI_BROWSER_FAILURE: box.leave(.failed("the responder stopped browsing"))
    case _: break
    }
  }

  func resolve(_ item: Item, _ report: @escaping (ServiceReport) -> Void)
    throws(AvahiError) -> any OpenLookup
  {
    let box = ReportBox(loop, report)
    let family = AvahiTypes.number(item.place.family)
    let resolver = avahi.serviceResolverNew(
      server, item.place.interface, family, item.label, ServiceRecord.type, ServiceRecord.domain,
      family, AVAHI_LOOKUP_NO_ADDRESS, Self.resolved, box.context)
    guard let resolver else { throw lastError }
    return AvahiLookup(resolver, box, lifetime) { [avahi] in avahi.serviceResolverFree($0) }
  }

  private static let resolved: AvahiSServiceResolverCallback = {
    _, _, _, event, _, _, _, host, _, port, text, _, context in
    let box = ReportBox<ServiceReport>.take(context)
    guard event == AVAHI_RESOLVER_FOUND, let host, let host = String(validatingCString: host)
    else { return box.leave(.failed) }
    box.leave(.found(host: host, port: port, text: AvahiTypes.entries(text)))
  }

  func findAddresses(
    of host: String, at place: Place, _ report: @escaping (AddressReport) -> Void
  ) throws(AvahiError) -> any OpenLookup {
    let box = ReportBox(loop, report)
    let type = place.family == .ipv4 ? AVAHI_DNS_TYPE_A : AVAHI_DNS_TYPE_AAAA
    guard let key = avahi.keyNew(host, UInt16(AVAHI_DNS_CLASS_IN), UInt16(type)) else {
      throw AvahiError(number: Int32(AVAHI_ERR_INVALID_HOST_NAME))
    }
    defer { avahi.keyUnref(key) }
    let browser = avahi.recordBrowserNew(
      server, place.interface, AvahiTypes.number(place.family), key,
      AVAHI_LOOKUP_USE_MULTICAST, Self.addressed, box.context)
    guard let browser else { throw lastError }
    return AvahiLookup(browser, box, lifetime) { [avahi] in avahi.recordBrowserFree($0) }
  }

  private static let addressed: AvahiSRecordBrowserCallback = {
    _, _, family, event, record, _, context in
    let box = ReportBox<AddressReport>.take(context)
    let address = record.flatMap { record in
      switch Int32(record.pointee.key.pointee.type) {
      case Int32(AVAHI_DNS_TYPE_A):
        withUnsafeBytes(of: record.pointee.data.a.address) { RawAddress(Array($0)) }
      case Int32(AVAHI_DNS_TYPE_AAAA):
        withUnsafeBytes(of: record.pointee.data.aaaa.address) { RawAddress(Array($0)) }
      case _: nil
      }
    }
    switch (event, address) {
    case (AVAHI_BROWSER_NEW, let address?): box.leave(.added(address))
    case (AVAHI_BROWSER_REMOVE, let address?): box.leave(.removed(address))
    case (AVAHI_BROWSER_FAILURE, _): box.leave(.failed)
    case _: break
    }
  }

  func update(_ interfaces: HostInterfaces) {
    self.interfaces = interfaces
    publishAddresses()
  }

  func close() {
    guard !lifetime.isOver else { return }
    lifetime.isOver = true
    states.close()
    avahi.serverFree(server)
  }

  deinit { close() }

  // MARK: - Addresses

  /// Each address is a group of its own, so that one that comes or goes leaves the others in peace.
  private func publishAddresses() {
    guard isPublishing else { return }
    let wanted = Set(
      interfaces.addresses.filter { address in
        (only?.contains(address.interfaceName) ?? true) && address.address.isOfOneHost
          && address.address.isLoopback == address.isLoopback
      })
    for (address, group) in published where !wanted.contains(address) {
      avahi.entryGroupFree(group)
      published[address] = nil
    }
    for address in wanted where published[address] == nil {
      published[address] = publish(address)
    }
  }

  private func publish(_ address: HostAddress) -> OpaquePointer? {
    var value = AvahiAddress()
    guard avahi_address_parse(address.address.text, AvahiTypes.everyProtocol, &value) != nil,
      let group = avahi.entryGroupNew(server, { _, _, _, _ in }, nil)
    else { return nil }
    // No probing either: nobody else has the host name, and the address is known at once.
    let flags = AvahiPublishFlags(
      rawValue: AVAHI_PUBLISH_NO_REVERSE.rawValue | AVAHI_PUBLISH_NO_PROBE.rawValue)
    guard
      avahi.serverAddAddress(
        server, group, address.interface, AvahiTypes.everyProtocol, flags, nil, &value) >= 0,
      avahi.entryGroupCommit(group) >= 0
    else {
      avahi.entryGroupFree(group)
      return nil
    }
    return group
  }

  private var lastError: AvahiError { AvahiError(number: avahi.serverErrno(server)) }
}

private final class EmbeddedGroup: ServiceGroup {
  private let avahi: CoreLibrary
  private let server: OpaquePointer
  private let group: OpaquePointer
  private let lookup: AvahiLookup<GroupReport>

  init(
    _ avahi: CoreLibrary, _ server: OpaquePointer, _ group: OpaquePointer,
    _ lookup: AvahiLookup<GroupReport>
  ) {
    self.avahi = avahi
    self.server = server
    self.group = group
    self.lookup = lookup
  }

  func add(_ service: ServiceRecord, on interface: Int32?) throws(AvahiError) {
    try check(
      AvahiTypes.withList(service.text) { text in
        avahi.serverAddService(
          server, group, interface ?? AvahiTypes.everyInterface, AvahiTypes.everyProtocol,
          AvahiPublishFlags(rawValue: 0), service.label, ServiceRecord.type, ServiceRecord.domain,
          nil, service.port, text)
      })
  }

  func add(subtype: String, of label: String, on interface: Int32?) throws(AvahiError) {
    try check(
      avahi.serverAddSubtype(
        server, group, interface ?? AvahiTypes.everyInterface, AvahiTypes.everyProtocol,
        AvahiPublishFlags(rawValue: 0), label, ServiceRecord.type, ServiceRecord.domain,
        ServiceRecord.type(ofSubtype: subtype)))
  }

  func commit() throws(AvahiError) {
    try check(avahi.entryGroupCommit(group))
  }

  func updateText(_ service: ServiceRecord, on interface: Int32?) throws(AvahiError) {
    try check(
      AvahiTypes.withList(service.text) { text in
        avahi.serverUpdateServiceText(
          server, group, interface ?? AvahiTypes.everyInterface, AvahiTypes.everyProtocol,
          AvahiPublishFlags(rawValue: 0), service.label, ServiceRecord.type, ServiceRecord.domain,
          text)
      })
  }

  func close() { lookup.close() }

  private func check(_ number: Int32) throws(AvahiError) {
    guard number >= 0 else { throw AvahiError(number: number) }
  }
}
