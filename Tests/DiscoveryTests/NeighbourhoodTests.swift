import Foundations
import Testing

@testable import Discovery

/// A responder that hears what a test tells it.
private final class ScriptedResponder: Responder {
  final class Lookup: OpenLookup {
    var isOpen = true
    func close() { isOpen = false }
  }

  var browse: ((BrowseReport) -> Void)?
  var services: [String: (lookup: Lookup, report: (ServiceReport) -> Void)] = [:]
  var addresses: [String: (lookup: Lookup, report: (AddressReport) -> Void)] = [:]
  var mostOpen = 0
  var asked = 0

  func makeGroup(_ report: @escaping (GroupReport) -> Void) throws(AvahiError)
    -> any ServiceGroup
  { throw AvahiError(isCollision: false, description: "not scripted") }

  func browse(
    _ interface: Int32?, subtype: String?, _ report: @escaping (BrowseReport) -> Void
  ) throws(AvahiError) -> any OpenLookup {
    browse = report
    return Lookup()
  }

  func resolve(_ item: Item, _ report: @escaping (ServiceReport) -> Void)
    throws(AvahiError) -> any OpenLookup
  {
    let lookup = Lookup()
    services[item.label] = (lookup, report)
    asked += 1
    mostOpen = max(mostOpen, services.values.count { $0.lookup.isOpen })
    return lookup
  }

  func findAddresses(
    of host: String, at place: Place, _ report: @escaping (AddressReport) -> Void
  ) throws(AvahiError) -> any OpenLookup {
    let lookup = Lookup()
    addresses[host] = (lookup, report)
    return lookup
  }

  func update(_ interfaces: HostInterfaces) {}
  func close() {}

  func appear(_ label: String) {
    browse?(.appeared(Item(label: label, place: Place(interface: 2, family: .ipv4))))
  }

  func vanish(_ label: String) {
    browse?(.vanished(Item(label: label, place: Place(interface: 2, family: .ipv4))))
  }

  func answer(_ label: String) {
    services[label]?.report(.found(host: "\(label).local", port: 7, text: [Array("v=1".utf8)]))
    addresses["\(label).local"]?.report(.added(RawAddress([10, 0, 0, 1])!))
  }
}

@Suite("Listening to the neighbourhood")
struct NeighbourhoodTests {
  private let loop: AvahiLoop
  private let responder = ScriptedResponder()

  init() throws { loop = try AvahiLoop() }

  @Test("A service is reported with its port, text and addresses, and followed as they change")
  func resolving() throws {
    var reports: [Neighbourhood.Report] = []
    let neighbourhood = Neighbourhood(loop, responder, ownLabels: [], ask: { _ in }) {
      reports.append($0)
    }
    try neighbourhood.browse(nil)
    responder.appear("a")
    responder.answer("a")
    responder.addresses["a.local"]?.report(.added(RawAddress([10, 0, 0, 2])!))
    responder.addresses["a.local"]?.report(.removed(RawAddress([10, 0, 0, 1])!))
    guard case .seen(let item, 7, let addresses, ["v": "1"]) = reports.last else {
      Issue.record("\(reports)")
      return
    }
    #expect(item.label == "a")
    #expect(addresses.map(\.text) == ["10.0.0.2"])
    responder.vanish("a")
    guard case .lost = reports.last else {
      Issue.record("\(reports)")
      return
    }
    #expect(responder.services["a"]?.lookup.isOpen == false)
    #expect(responder.addresses["a.local"]?.lookup.isOpen == false)
  }

  @Test("A service of our own isn't asked for, unless its name turns out to be another's")
  func own() throws {
    let neighbourhood = Neighbourhood(loop, responder, ownLabels: ["mine"], ask: { _ in }) { _ in }
    try neighbourhood.browse(nil)
    responder.appear("mine")
    #expect(responder.asked == 0)
    neighbourhood.own("mine #2")
    neighbourhood.disown("mine")
    #expect(responder.services.keys.sorted() == ["mine"])
    responder.appear("mine #2")
    #expect(responder.asked == 1)
  }

  @Test("A name that this process gave up is heard again once its own echo is gone")
  func givenUp() throws {
    let neighbourhood = Neighbourhood(
      loop, responder, ownLabels: ["mine", "silent"], ask: { _ in }
    ) { _ in }
    try neighbourhood.browse(nil)
    responder.appear("mine")
    neighbourhood.release("mine")
    neighbourhood.release("silent")
    responder.appear("mine")
    #expect(responder.asked == 0)
    responder.vanish("mine")
    responder.appear("mine")
    responder.appear("silent")
    #expect(responder.services.keys.sorted() == ["mine", "silent"])
  }

  @Test("A flood of services that never answer opens a bounded number of lookups")
  func flood() throws {
    let neighbourhood = Neighbourhood(loop, responder, ownLabels: [], ask: { _ in }) { _ in }
    try neighbourhood.browse(nil)
    for number in 0..<5_000 { responder.appear("flood\(number)") }
    #expect(responder.mostOpen == Neighbourhood.mostOpen)
    #expect(responder.asked == Neighbourhood.mostOpen)
  }

  @Test("Many services that answer are all reported, up to the bound")
  func many() throws {
    var seen: Set<String> = []
    let neighbourhood = Neighbourhood(loop, responder, ownLabels: [], ask: { _ in }) { report in
      if case .seen(let item, _, let addresses, _) = report, !addresses.isEmpty {
        seen.insert(item.label)
      }
    }
    try neighbourhood.browse(nil)
    for number in 0..<2_000 { responder.appear("s\(number)") }
    while let next = responder.services.first(where: {
      $0.value.lookup.isOpen && !seen.contains($0.key)
    }) {
      responder.answer(next.key)
    }
    #expect(seen.count == Neighbourhood.mostItems)
    #expect(responder.mostOpen <= Neighbourhood.mostOpen)
  }

  @Test("Who fell silent and is announced still is asked about again, each time the network is")
  func silence() throws {
    var seen = 0
    let neighbourhood = Neighbourhood(loop, responder, ownLabels: [], ask: { _ in }) { report in
      if case .seen(_, _, let addresses, _) = report, !addresses.isEmpty { seen += 1 }
    }
    try neighbourhood.browse(nil)
    responder.appear("a")
    responder.appear("b")
    responder.answer("a")
    responder.answer("b")
    neighbourhood.askAnew()
    #expect(responder.asked == 2)
    for round in 1...2 * Neighbourhood.mostAttempts {
      responder.services["a"]?.report(.failed)
      neighbourhood.askAnew()
      neighbourhood.askAnew()
      #expect(responder.asked == 2 + round)
    }
    seen = 0
    responder.answer("a")
    #expect(seen == 1)
  }

  @Test("A host that claims endless addresses has eight")
  func addresses() throws {
    var most = 0
    let neighbourhood = Neighbourhood(loop, responder, ownLabels: [], ask: { _ in }) { report in
      if case .seen(_, _, let addresses, _) = report { most = max(most, addresses.count) }
    }
    try neighbourhood.browse(nil)
    responder.appear("a")
    responder.answer("a")
    for number in 0..<200 {
      responder.addresses["a.local"]?.report(.added(RawAddress([10, 1, 1, UInt8(number)])!))
    }
    #expect(most == Neighbourhood.mostAddresses)
  }
}
