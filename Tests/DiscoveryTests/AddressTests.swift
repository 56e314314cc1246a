import Foundations
import Testing

@testable import Discovery

@Suite("Addresses from records")
struct AddressTests {
  private func address(_ bytes: UInt8...) -> RawAddress { RawAddress(bytes)! }

  private func ipv6(_ head: [UInt8], _ tail: [UInt8]) -> RawAddress {
    RawAddress(head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail)!
  }

  @Test("A link-local IPv6 address comes with its interface, others come as they are")
  func scope() {
    let local = ipv6([0xFE, 0x80], [7])
    #expect(
      local.reachable(port: 80, over: "eth0", isLoopback: false)?.description
        == "[fe80::7%eth0]:80")
    #expect(
      ipv6([0xFD], [1]).reachable(port: 80, over: "eth0", isLoopback: false)?.host == "fd00::1")
    #expect(
      address(192, 0, 2, 9).reachable(port: 80, over: "eth0", isLoopback: false)?.description
        == "192.0.2.9:80")
  }

  @Test("A loopback address counts on the loopback interface only")
  func loopback() {
    for here in [address(127, 0, 0, 1), ipv6([], [1])] {
      #expect(here.reachable(port: 80, over: "eth0", isLoopback: false) == nil)
      #expect(here.reachable(port: 80, over: "lo", isLoopback: true) != nil)
    }
  }

  @Test("What isn't one host's address is refused")
  func impossible() {
    let mapped = ipv6([], [0xFF, 0xFF, 10, 0, 0, 1])
    let compatible = ipv6([], [10, 0, 0, 1])
    for none in [
      address(0, 0, 0, 0), address(224, 0, 0, 251), address(255, 255, 255, 255), ipv6([], []),
      ipv6([0xFF, 2], [0xFB]), mapped, compatible,
    ] {
      #expect(none.reachable(port: 80, over: "eth0", isLoopback: false) == nil)
    }
    #expect(address(10, 0, 0, 1).reachable(port: 0, over: "eth0", isLoopback: false) == nil)
    for size in [0, 1, 3, 5, 15, 17] {
      #expect(RawAddress([UInt8](repeating: 1, count: size)) == nil)
    }
  }

  @Test("A direct question is a DNS query for our service type, or for one service, by unicast too")
  func question() {
    let type = Array("\u{7}_virtue\u{4}_tcp\u{5}local\u{0}".utf8)
    #expect(
      DirectQuestion.whoOffers(subtype: nil).message
        == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + type + [0, 12, 0x80, 1])
    let subtype = Array("\u{2}_7\u{4}_sub".utf8) + type
    #expect(
      DirectQuestion.whoOffers(subtype: "_7").message
        == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + subtype + [0, 12, 0x80, 1])
    let service = Array("\u{3}a.b".utf8) + type
    #expect(
      DirectQuestion.what(label: "a.b").message
        == [0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0] + service + [0, 33, 0x80, 1] + service
        + [0, 16, 0x80, 1])
    for label in ["", String(repeating: "x", count: 64)] {
      #expect(DirectQuestion.what(label: label).message == nil)
    }
  }
}
