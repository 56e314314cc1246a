import Foundation
import Foundations
import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// Takes connections into the kernel's backlog and never reads from them.
final class SilentServer: Sendable {
  private let descriptor: CInt
  let address: NetworkAddress

  init() throws {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listening = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    let status = withUnsafeMutableBytes(of: &name) { bytes in
      let pointer = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
      return Glibc.bind(listening, pointer, size) | getsockname(listening, pointer, &size)
        | Glibc.listen(listening, 16)
    }
    descriptor = listening
    guard descriptor >= 0, status == 0 else {
      throw POSIXError(.init(rawValue: errno) ?? .EIO)
    }
    address = NetworkAddress(host: "127.0.0.1", port: UInt16(bigEndian: name.sin_port))
  }

  deinit {
    Glibc.close(descriptor)
  }
}

/// How many file descriptors this process has open.
func openDescriptors() throws -> Int {
  try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
}

/// Somebody who has nothing to do with any meeting: closes each connection, and counts them.
final class Bystander: Sendable {
  private final class Count: Sendable {
    let value = Mutex(0)
  }

  private let counted = Count()
  private let channel: any Channel
  let address: NetworkAddress

  init() async throws {
    let counted = counted
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        counted.value.withLock { $0 += 1 }
        return channel.close()
      }
      .bind(host: "127.0.0.1", port: 0).get()
    address = NetworkAddress(
      host: "127.0.0.1", port: UInt16(channel.localAddress?.port ?? 0))
  }

  var connections: Int { counted.value.withLock { $0 } }

  func close() async throws { try await channel.close() }
}
