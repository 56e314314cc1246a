import Foundations
import Testing

@testable import Discovery

@Suite("What is known of services around")
struct SightingsTests {
  private func item(_ label: String, _ interface: Int32 = 2, _ family: AddressFamily = .ipv4)
    -> Item
  {
    Item(label: label, place: Place(interface: interface, family: family))
  }

  private func found(_ label: String, _ hosts: String...) -> Found {
    Found(
      label: label, addresses: hosts.map { NetworkAddress(host: $0, port: 9) }, attributes: [:],
      interface: "eth0")
  }

  @Test("A service is news once it has an address, and again when something changed")
  func news() {
    var sightings = Sightings()
    #expect(sightings.see(item("a"), as: found("a")) == [])
    #expect(
      sightings.see(item("a"), as: found("a", "10.0.0.1")) == [.found(found("a", "10.0.0.1"))])
    #expect(sightings.see(item("a"), as: found("a", "10.0.0.1")) == [])
    let both = found("a", "10.0.0.1", "10.0.0.2")
    #expect(sightings.see(item("a"), as: both) == [.found(both)])
  }

  @Test("It is lost with its last item, and only if it was told of")
  func losses() {
    var sightings = Sightings()
    _ = sightings.see(item("a", 2), as: found("a", "10.0.0.1"))
    _ = sightings.see(item("a", 3), as: found("a", "10.0.1.1"))
    _ = sightings.see(item("b"), as: found("b"))
    #expect(sightings.lose(item("a", 2)) == [])
    #expect(sightings.lose(item("a", 3)) == [.lost(label: "a")])
    #expect(sightings.lose(item("a", 3)) == [])
    #expect(sightings.lose(item("b")) == [])
  }

  @Test("Losing its addresses for a moment doesn't make it forgotten")
  func addressless() {
    var sightings = Sightings()
    _ = sightings.see(item("a"), as: found("a", "10.0.0.1"))
    #expect(sightings.see(item("a"), as: found("a")) == [])
    #expect(sightings.lose(item("a")) == [.lost(label: "a")])
  }

  @Test("When the responder changes, what is heard again is no news, and what isn't is lost")
  func change() {
    var sightings = Sightings()
    for label in ["a", "b", "c"] {
      _ = sightings.see(item(label), as: found(label, "10.0.0.1"))
    }
    sightings.startOver()
    #expect(sightings.see(item("b"), as: found("b", "10.0.0.1")) == [])
    #expect(sightings.giveUpStale() == [.lost(label: "a"), .lost(label: "c")])
    #expect(sightings.giveUpStale() == [])
  }
}
