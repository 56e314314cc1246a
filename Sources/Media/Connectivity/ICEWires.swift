import CNice
import Foundations
import Glibc

/// The libnice agent behind an ``ICEAgent``, and where its callbacks arrive.
///
/// It is an object of its own so that it can outlive the agent by the moment that a callback under way,
/// or the hop to the media thread, takes.
final class ICEWires: @unchecked Sendable {
  // Safety: everything but `thread` and the constants is touched on the media thread only, which
  // `check` verifies; `closeFromAnywhere` hops there.
  let agent: OpaquePointer
  let stream: UInt32
  private let thread: MediaThread

  var onCandidate: ((String) -> Void)?
  var onGathered: (() -> Void)?
  var onState: ((ICEState) -> Void)?
  var onDatagram: (([UInt8]) -> Void)?
  var state = ICEState.disconnected
  /// Whether a TURN server has to be told about the end.
  var usesRelay = false
  private(set) var isClosed = false
  /// Whether libnice is on the stack, delivering a datagram.
  private var isReceiving = false

  /// Bytes of each socket's buffers. With the kernel's 208 KiB, an unpaced burst of a keyframe to
  /// several peers lost 40 % of its packets.
  private static let bufferByteCount: Int32 = 1 << 20

  init(thread: MediaThread, controlling: Bool) {
    precondition(thread.isCurrent, "agents are made on their thread")
    self.thread = thread
    // Consent freshness is left off: after a cut of 10 s it ends a path that works again, and dead
    // peers are noticed by the mesh.
    agent = nice_agent_new_full(
      thread.context, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_NONE)
    stream = nice_agent_add_stream(agent, 1)
    set("controlling-mode", controlling)
    // Debian's build would ask the network's router for a port.
    set("upnp", false)
    set("ice-tcp", false)
    // Milliseconds between checks (RFC 8445 §14.2 allows 5; 20 is libnice's), and until an unanswered
    // one is repeated: 500 is meant for the Internet.
    set("stun-pacing-timer", 5)
    set("stun-initial-timeout", 100)
    connect()
  }

  func check() {
    precondition(thread.isCurrent, "agents are used on their thread")
  }

  private var object: UnsafeMutableRawPointer { UnsafeMutableRawPointer(agent) }

  func set(_ property: String, _ value: Bool) {
    virtue_object_set_boolean(object, property, value ? 1 : 0)
  }

  func set(_ property: String, _ value: UInt32) {
    virtue_object_set_unsigned(object, property, value)
  }

  func set(_ property: String, _ value: String) {
    virtue_object_set_string(object, property, value)
  }

  // MARK: - Callbacks

  private func connect() {
    let gathered: @convention(c) (OpaquePointer?, UInt32, UnsafeMutableRawPointer?) -> Void = {
      _, _, data in
      ICEWires.wires(data)?.tell { $0.onGathered?() }
    }
    let changed:
      @convention(c) (OpaquePointer?, UInt32, UInt32, UInt32, UnsafeMutableRawPointer?) -> Void = {
        _, _, _, state, data in
        ICEWires.wires(data)?.take(state: state)
      }
    let found:
      @convention(c) (
        OpaquePointer?, UnsafeMutablePointer<NiceCandidate>?, UnsafeMutableRawPointer?
      ) -> Void = { _, candidate, data in
        guard let candidate, let wires = ICEWires.wires(data),
          let line = wires.line(of: candidate)
        else { return }
        wires.tell { $0.onCandidate?(line) }
      }
    connect("candidate-gathering-done", unsafeBitCast(gathered, to: GCallback.self))
    connect("component-state-changed", unsafeBitCast(changed, to: GCallback.self))
    connect("new-candidate-full", unsafeBitCast(found, to: GCallback.self))
    nice_agent_attach_recv(
      agent, stream, 1, thread.context,
      { _, _, _, count, bytes, data in
        guard let bytes, let wires = ICEWires.wires(data) else { return }
        wires.take(datagram: Array(UnsafeRawBufferPointer(start: bytes, count: Int(count))))
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  private func connect(_ signal: String, _ callback: @escaping GCallback) {
    g_signal_connect_data(
      object, signal, callback, Unmanaged.passUnretained(self).toOpaque(), nil, GConnectFlags(0))
  }

  private static func wires(_ data: UnsafeMutableRawPointer?) -> ICEWires? {
    guard let data else { return nil }
    let wires = Unmanaged<ICEWires>.fromOpaque(data).takeUnretainedValue()
    return wires.isClosed ? nil : wires
  }

  /// Calls back in the loop's next turn: libnice signals in the middle of our own calls too, where the
  /// agent's owner doesn't expect to be called.
  private func tell(_ call: @escaping @Sendable (ICEWires) -> Void) {
    thread.run { [self] in
      if !isClosed { call(self) }
    }
  }

  /// Comes from the loop only, so it is passed on at once.
  private func take(datagram: [UInt8]) {
    isReceiving = true
    onDatagram?(datagram)
    isReceiving = false
  }

  private func take(state number: UInt32) {
    let new: ICEState? =
      switch NiceComponentState(number) {
      case NICE_COMPONENT_STATE_DISCONNECTED: .disconnected
      case NICE_COMPONENT_STATE_GATHERING: .gathering
      case NICE_COMPONENT_STATE_CONNECTING: .connecting
      case NICE_COMPONENT_STATE_CONNECTED: .connected
      case NICE_COMPONENT_STATE_READY: .ready
      case NICE_COMPONENT_STATE_FAILED: .failed
      case _: nil
      }
    guard let new else { return }
    state = new
    tell { $0.onState?(new) }
  }

  func line(of candidate: UnsafeMutablePointer<NiceCandidate>) -> String? {
    guard let text = nice_agent_generate_local_candidate_sdp(agent, candidate) else { return nil }
    defer { g_free(text) }
    let line = String(cString: text)
    return line.hasPrefix("a=") ? String(line.dropFirst(2)) : line
  }

  // MARK: - Sockets

  func descriptors() -> [Int32] {
    guard !isClosed, let sockets = nice_agent_get_sockets(agent, stream, 1) else { return [] }
    defer { g_ptr_array_unref(sockets) }
    return (0..<Int(sockets.pointee.len)).compactMap { index in
      sockets.pointee.pdata[index].map {
        g_socket_get_fd($0.assumingMemoryBound(to: GSocket.self))
      }
    }
  }

  func enlargeBuffers() {
    var size = Self.bufferByteCount
    let length = socklen_t(MemoryLayout<Int32>.size)
    for descriptor in descriptors() {
      // Beyond the system's limit with the right to do so, up to it without.
      if setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, length) != 0 {
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, length)
      }
      if setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &size, length) != 0 {
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, length)
      }
    }
  }

  // MARK: - The end

  func closeFromAnywhere() {
    if thread.isCurrent {
      close()
    } else {
      thread.run { self.close() }
    }
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    onCandidate = nil
    onGathered = nil
    onState = nil
    onDatagram = nil
    state = .disconnected
    if isReceiving {
      // Its agent goes when libnice has returned.
      thread.run { self.release() }
    } else {
      release()
    }
  }

  private func release() {
    let data = Unmanaged.passUnretained(self).toOpaque()
    g_signal_handlers_disconnect_matched(object, G_SIGNAL_MATCH_DATA, 0, 0, nil, nil, data)
    guard usesRelay else { return free() }
    // First the relay gets its port back. Its answer is read as long as datagrams are, so this object
    // stays, silent, until then.
    thread.farewells += 1
    nice_agent_close_async(
      agent,
      { _, _, data in
        guard let data else { return }
        let wires = Unmanaged<ICEWires>.fromOpaque(data).takeRetainedValue()
        wires.thread.farewells -= 1
        wires.free()
      }, Unmanaged.passRetained(self).toOpaque())
  }

  private func free() {
    nice_agent_attach_recv(agent, stream, 1, thread.context, nil, nil)
    nice_agent_remove_stream(agent, stream)
    g_object_unref(object)
  }
}
