import COpenSSL
import Foundations

/// OpenSSL's side of a ``DTLSSession``: a BIO that takes and hands over whole datagrams in memory.
enum DatagramBIO {
  /// Bytes of the largest datagram that DTLS may send: what passes every path that ICE finds.
  static let payloadLimit = 1200

  private static let retryFlags =
    BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY

  /// A BIO that `session` owns through its `SSL`.
  static func make(for session: DTLSSession) -> OpaquePointer? {
    guard let method, let bio = BIO_new(method) else { return nil }
    BIO_set_data(bio, Unmanaged.passUnretained(session).toOpaque())
    return bio
  }

  private static func session(of bio: OpaquePointer?) -> DTLSSession? {
    guard let bio, let data = BIO_get_data(bio) else { return nil }
    return Unmanaged<DTLSSession>.fromOpaque(data).takeUnretainedValue()
  }

  /// Made once for the process.
  // Safety: written once, under the lock of a static's first use, and only read by `BIO_new`.
  private nonisolated(unsafe) static let method: OpaquePointer? = {
    let index = BIO_get_new_index()
    guard index != -1, let method = BIO_meth_new(index | BIO_TYPE_SOURCE_SINK, "datagrams") else {
      return nil
    }
    BIO_meth_set_create(method) { bio in
      BIO_set_init(bio, 1)
      return 1
    }
    BIO_meth_set_write(method) { bio, bytes, count in
      guard let bytes, count > 0 else { return 0 }
      let datagram = UnsafeRawBufferPointer(start: bytes, count: Int(count))
      DatagramBIO.session(of: bio)?.libraryWrites(datagram)
      return count
    }
    BIO_meth_set_read(method) { bio, buffer, count in
      BIO_clear_flags(bio, DatagramBIO.retryFlags)
      guard let buffer, count > 0,
        let datagram = DatagramBIO.session(of: bio)?.libraryReads()
      else {
        BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
        return -1
      }
      // A datagram larger than the buffer is cut, as a socket would.
      let kept = min(Int(count), datagram.count)
      UnsafeMutableRawBufferPointer(start: buffer, count: kept).copyBytes(from: datagram[..<kept])
      return Int32(kept)
    }
    BIO_meth_set_ctrl(method) { bio, command, _, pointer in
      switch command {
      case BIO_CTRL_FLUSH: return 1
      case BIO_CTRL_DGRAM_QUERY_MTU, BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return DatagramBIO.payloadLimit
      case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
        if let pointer {
          DatagramBIO.session(of: bio)?
            .librarySetsTimer(pointer.assumingMemoryBound(to: timeval.self))
        }
        return 1
      case _: return 0
      }
    }
    return method
  }()
}
