import CAvahi
import Foundations

/// Avahi's daemon over D-Bus.
final class DaemonResponder: Responder {
  private let avahi: ClientLibrary
  private let loop: AvahiLoop
  private let client: OpaquePointer
  private let states: ReportBox<ResponderState>
  private let lifetime = Lifetime()

  /// - Parameter patiently: without a daemon, whether to wait for one instead of failing. Without a
  ///   bus it fails anyway.
  init(
    _ loop: AvahiLoop, patiently: Bool, _ report: @escaping (ResponderState) -> Void
  ) throws(AvahiError) {
    let avahi = try ClientLibrary()
    self.avahi = avahi
    self.loop = loop
    states = ReportBox(loop, report)
    var number: Int32 = 0
    let flags = patiently ? AVAHI_CLIENT_NO_FAIL : AvahiClientFlags(rawValue: 0)
    guard
      let client = avahi.clientNew(loop.api, flags, Self.changed, states.context, &number)
    else { throw AvahiError(number: number) }
    self.client = client
  }

  private static let changed: AvahiClientCallback = { _, state, context in
    let states = ReportBox<ResponderState>.take(context)
    switch state {
    case AVAHI_CLIENT_S_RUNNING: states.leave(.running)
    case AVAHI_CLIENT_S_REGISTERING, AVAHI_CLIENT_S_COLLISION: states.leave(.registering)
    case AVAHI_CLIENT_CONNECTING: states.leave(.waiting)
    case _: states.leave(.gone("the connection to Avahi's daemon broke"))
    }
  }

  func makeGroup(_ report: @escaping (GroupReport) -> Void) throws(AvahiError)
    -> any ServiceGroup
  {
    let box = ReportBox(loop, report)
    guard let group = avahi.entryGroupNew(client, Self.groupChanged, box.context) else {
      throw lastError
    }
    return DaemonGroup(
      avahi, group, AvahiLookup(group, box, lifetime) { [avahi] in _ = avahi.entryGroupFree($0) })
  }

  private static let groupChanged: AvahiEntryGroupCallback = { _, state, context in
    let box = ReportBox<GroupReport>.take(context)
    switch state {
    case AVAHI_ENTRY_GROUP_ESTABLISHED: box.leave(.established)
    case AVAHI_ENTRY_GROUP_COLLISION: box.leave(.collision)
    case AVAHI_ENTRY_GROUP_FAILURE: box.leave(.failed("Avahi's daemon gave it up"))
    case _: break
    }
  }

  func browse(
    _ interface: Int32?, subtype: String?, _ report: @escaping (BrowseReport) -> Void
  ) throws(AvahiError) -> any OpenLookup {
    let box = ReportBox(loop, report)
    let browser = avahi.serviceBrowserNew(
      client, interface ?? AvahiTypes.everyInterface, AvahiTypes.everyProtocol,
      ServiceRecord.type(ofSubtype: subtype), ServiceRecord.domain, AvahiLookupFlags(rawValue: 0),
      Self.browsed,
      box.context)
    guard let browser else { throw lastError }
    return AvahiLookup(browser, box, lifetime) { [avahi] in _ = avahi.serviceBrowserFree($0) }
  }

  private static let browsed: AvahiServiceBrowserCallback = {
    _, interface, family, event, name, _, _, _, context in
    let box = ReportBox<BrowseReport>.take(context)
    switch event {
    case AVAHI_BROWSER_NEW:
      if let item = AvahiTypes.item(name, interface, family) { box.leave(.appeared(item)) }
    case AVAHI_BROWSER_REMOVE:
      if let item = AvahiTypes.item(name, interface, family) { box.leave(.vanished(item)) }
    case AVAHI_BROWSER_FAILURE: box.leave(.failed("Avahi's daemon stopped browsing"))
    case _: break
    }
  }

  func resolve(_ item: Item, _ report: @escaping (ServiceReport) -> Void)
    throws(AvahiError) -> any OpenLookup
  {
    let box = ReportBox(loop, report)
    let family = AvahiTypes.number(item.place.family)
    let resolver = avahi.serviceResolverNew(
      client, item.place.interface, family, item.label, ServiceRecord.type, ServiceRecord.domain,
      family, AVAHI_LOOKUP_NO_ADDRESS, Self.resolved, box.context)
    guard let resolver else { throw lastError }
    return AvahiLookup(resolver, box, lifetime) { [avahi] in _ = avahi.serviceResolverFree($0) }
  }

  private static let resolved: AvahiServiceResolverCallback = {
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
    let browser = avahi.recordBrowserNew(
      client, place.interface, AvahiTypes.number(place.family), host,
      UInt16(AVAHI_DNS_CLASS_IN), UInt16(type), AvahiLookupFlags(rawValue: 0), Self.addressed,
      box.context)
    guard let browser else { throw lastError }
    return AvahiLookup(browser, box, lifetime) { [avahi] in _ = avahi.recordBrowserFree($0) }
  }

  private static let addressed: AvahiRecordBrowserCallback = {
    _, _, _, event, _, _, _, data, size, _, context in
    let box = ReportBox<AddressReport>.take(context)
    let address = data.flatMap {
      RawAddress(Array(UnsafeRawBufferPointer(start: $0, count: min(size, 17))))
    }
    switch (event, address) {
    case (AVAHI_BROWSER_NEW, let address?): box.leave(.added(address))
    case (AVAHI_BROWSER_REMOVE, let address?): box.leave(.removed(address))
    case (AVAHI_BROWSER_FAILURE, _): box.leave(.failed)
    case _: break
    }
  }

  /// The daemon watches the interfaces itself.
  func update(_ interfaces: HostInterfaces) {}

  func close() {
    guard !lifetime.isOver else { return }
    lifetime.isOver = true
    states.close()
    // Its groups, browsers and resolvers go with it.
    avahi.clientFree(client)
  }

  deinit { close() }

  private var lastError: AvahiError { AvahiError(number: avahi.clientErrno(client)) }
}

private final class DaemonGroup: ServiceGroup {
  private let avahi: ClientLibrary
  private let group: OpaquePointer
  private let lookup: AvahiLookup<GroupReport>

  init(
    _ avahi: ClientLibrary, _ group: OpaquePointer, _ lookup: AvahiLookup<GroupReport>
  ) {
    self.avahi = avahi
    self.group = group
    self.lookup = lookup
  }

  func add(_ service: ServiceRecord, on interface: Int32?) throws(AvahiError) {
    try check(
      AvahiTypes.withList(service.text) { text in
        avahi.entryGroupAddService(
          group, interface ?? AvahiTypes.everyInterface, AvahiTypes.everyProtocol,
          AvahiPublishFlags(rawValue: 0), service.label, ServiceRecord.type, ServiceRecord.domain,
          nil, service.port, text)
      })
  }

  func add(subtype: String, of label: String, on interface: Int32?) throws(AvahiError) {
    try check(
      avahi.entryGroupAddSubtype(
        group, interface ?? AvahiTypes.everyInterface, AvahiTypes.everyProtocol,
        AvahiPublishFlags(rawValue: 0), label, ServiceRecord.type, ServiceRecord.domain,
        ServiceRecord.type(ofSubtype: subtype)))
  }

  func commit() throws(AvahiError) {
    try check(avahi.entryGroupCommit(group))
  }

  func updateText(_ service: ServiceRecord, on interface: Int32?) throws(AvahiError) {
    try check(
      AvahiTypes.withList(service.text) { text in
        avahi.entryGroupUpdateServiceText(
          group, interface ?? AvahiTypes.everyInterface, AvahiTypes.everyProtocol,
          AvahiPublishFlags(rawValue: 0), service.label, ServiceRecord.type, ServiceRecord.domain,
          text)
      })
  }

  func close() { lookup.close() }

  private func check(_ number: Int32) throws(AvahiError) {
    guard number >= 0 else { throw AvahiError(number: number) }
  }
}
