import Foundations
import Glibc

/// Sends mDNS packets that nobody well-meaning would send, by multicast over loopback: made-up
/// services with every kind of label, text and address, and packets that are plain garbage.
func flood(packets: Int) {
  let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
  defer { close(descriptor) }
  var yes: Int32 = 1
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &yes, 4)
  var choice = ip_mreqn()
  choice.imr_ifindex = Int32(if_nametoindex("lo"))
  choice.imr_address.s_addr = UInt32(0x7F00_0001).bigEndian
  setsockopt(
    descriptor, Int32(IPPROTO_IP), IP_MULTICAST_IF, &choice,
    socklen_t(MemoryLayout<ip_mreqn>.size))
  var here = sockaddr_in()
  here.sin_family = sa_family_t(AF_INET)
  here.sin_port = UInt16(5353).bigEndian
  var group = here
  group.sin_addr.s_addr = UInt32(0xE000_00FB).bigEndian
  _ = withUnsafePointer(to: &here) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  var hostile = HostilePackets(seed: 5353)
  for number in 0..<packets {
    let packet = hostile.next(number)
    _ = withUnsafePointer(to: &group) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, packet, packet.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    // About what a network card would still let through.
    if number % 20 == 0 { usleep(1_000) }
  }
}

private struct HostilePackets {
  private var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  mutating func next(_ number: Int) -> [UInt8] {
    switch number % 10 {
    case 0: bytes(upTo: 1_400)
    case 1: Array(service(number).prefix(Int.random(in: 0...200, using: &generator)))
    case 2: corrupted(service(number))
    case _: service(number)
    }
  }

  /// A response that announces one service with its records.
  private mutating func service(_ number: Int) -> [UInt8] {
    let type = name(["_virtue", "_tcp", "local"].map { Array($0.utf8) })
    var label = bytes(upTo: 40) + Array("\(number)".utf8)
    if number % 3 == 0 { label = Array("plain\(number)".utf8) }
    let service = [UInt8(label.count)] + label + type
    let host = name([Array("host\(number % 97)".utf8), Array("local".utf8)])
    var text: [UInt8] = []
    for _ in 0..<Int.random(in: 0...40, using: &generator) {
      let entry = bytes(upTo: 20)
      text += [UInt8(entry.count)] + entry
    }
    let address = number % 5 == 0 ? [127, 0, 0, 1] : [10, 9, UInt8(number & 255), 1]
    return [0, 0, 0x84, 0, 0, 0, 0, 4, 0, 0, 0, 0]
      + record(type, 12, service)
      + record(service, 33, [0, 0, 0, 0, UInt8(number >> 8 & 255), UInt8(number & 255)] + host)
      + record(service, 16, text.isEmpty ? [0] : text)
      + record(host, 1, address)
  }

  private func record(_ name: [UInt8], _ type: UInt8, _ data: [UInt8]) -> [UInt8] {
    name + [0, type, 0, 1, 0, 0, 0, 120, UInt8(data.count >> 8), UInt8(data.count & 255)] + data
  }

  private func name(_ labels: [[UInt8]]) -> [UInt8] {
    labels.flatMap { [UInt8($0.count)] + $0 } + [0]
  }

  private mutating func bytes(upTo limit: Int) -> [UInt8] {
    (0..<Int.random(in: 0...limit, using: &generator)).map { _ in
      UInt8.random(in: 0...255, using: &generator)
    }
  }

  private mutating func corrupted(_ packet: [UInt8]) -> [UInt8] {
    var packet = packet
    for _ in 0..<8 {
      packet[Int.random(in: packet.indices, using: &generator)] = UInt8.random(
        in: 0...255, using: &generator)
    }
    return packet
  }
}
