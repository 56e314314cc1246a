import CAvahi
import Foundations
import Glibc
import Synchronization

/// The thread on which everything of Avahi's happens.
///
/// Avahi's lock is never taken: other threads leave their work in a mailbox, so that nobody waits
/// while Avahi waits for the bus.
///
/// Safety: `poll`, `api` and `descriptor` never change; `mailbox` has its own lock; all else is
/// touched on the loop's thread only, and before ``start(keeping:)`` or after ``stop()``, when there is no
/// such thread.
final class AvahiLoop: @unchecked Sendable {
  private let poll: OpaquePointer
  let api: UnsafePointer<AvahiPoll>
  /// An `eventfd` that wakes the thread.
  private let descriptor: Int32
  /// `nil` once the loop has stopped.
  private let mailbox = Mutex<[@Sendable () -> Void]?>([])
  private var later: [() -> Void] = []
  private var mailWatch: LoopWatch?
  private var resident: AnyObject?

  init() throws(Failure) {
    let descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard descriptor >= 0 else { throw Self.failure }
    guard let poll = avahi_threaded_poll_new() else {
      Glibc.close(descriptor)
      throw Self.failure
    }
    self.descriptor = descriptor
    self.poll = poll
    api = avahi_threaded_poll_get(poll)
  }

  private static let failure = Failure(
    "no-resources", exit: .system,
    "The system has no thread or file descriptor left for finding others. Close some programs.")

  /// Starts the thread, which keeps the loop and `resident` alive until ``stop()``.
  func start(keeping resident: AnyObject) {
    self.resident = resident
    mailWatch = watch(descriptor) { [self] in empty() }
    avahi_threaded_poll_start(poll)
  }

  /// Does `work` on the loop's thread, in the order of the calls; not at all after ``stop()``.
  func perform(_ work: @escaping @Sendable () -> Void) {
    mailbox.withLock { mail in
      guard mail != nil else { return }
      mail?.append(work)
      wake()
    }
  }

  /// Does `work` soon, outside Avahi's callbacks. On the loop's thread only.
  func soon(_ work: @escaping () -> Void) {
    later.append(work)
    wake()
  }

  /// Does `work` once after `delay`, unless the timer is cancelled. On the loop's thread only.
  func after(_ delay: Duration, _ work: @escaping () -> Void) -> LoopTimer {
    LoopTimer(api, delay, work)
  }

  /// Does `work` whenever `descriptor` has something to read. On the loop's thread only.
  func watch(_ descriptor: Int32, _ work: @escaping () -> Void) -> LoopWatch {
    LoopWatch(api, descriptor, work)
  }

  /// Ends the thread, waiting for what it is doing. Not on the loop's own thread.
  func stop() {
    mailbox.withLock { $0 = nil }
    avahi_threaded_poll_stop(poll)
    mailWatch?.cancel()
    mailWatch = nil
    later = []
    resident = nil
    avahi_threaded_poll_free(poll)
    Glibc.close(descriptor)
  }

  private func wake() {
    var one: UInt64 = 1
    // It can fail only when the counter is full, and then the thread is being woken already.
    _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
  }

  private func empty() {
    var count: UInt64 = 0
    _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
    let mail = mailbox.withLock { mail in
      defer { if mail != nil { mail = [] } }
      return mail ?? []
    }
    let reports = later
    later = []
    for work in reports { work() }
    for work in mail { work() }
  }
}

/// One call in the future.
final class LoopTimer {
  private let api: UnsafePointer<AvahiPoll>
  private var timeout: OpaquePointer?
  private var work: (() -> Void)?

  fileprivate init(
    _ api: UnsafePointer<AvahiPoll>, _ delay: Duration, _ work: @escaping () -> Void
  ) {
    self.api = api
    self.work = work
    var time = timeval()
    avahi_elapse_time(&time, UInt32(clamping: delay.nanoseconds / 1_000_000), 0)
    timeout = api.pointee.timeout_new(
      api, &time, Self.expired, Unmanaged.passUnretained(self).toOpaque())
  }

  deinit { cancel() }

  func cancel() {
    if let timeout { api.pointee.timeout_free(timeout) }
    timeout = nil
    work = nil
  }

  private static let expired: AvahiTimeoutCallback = { _, context in
    let timer = Unmanaged<LoopTimer>.fromOpaque(context!).takeUnretainedValue()
    let work = timer.work
    timer.cancel()
    work?()
  }
}

/// A file descriptor that is listened to.
final class LoopWatch {
  private let api: UnsafePointer<AvahiPoll>
  private var watch: OpaquePointer?
  private let work: () -> Void

  fileprivate init(
    _ api: UnsafePointer<AvahiPoll>, _ descriptor: Int32, _ work: @escaping () -> Void
  ) {
    self.api = api
    self.work = work
    watch = api.pointee.watch_new(
      api, descriptor, AVAHI_WATCH_IN, Self.readable, Unmanaged.passUnretained(self).toOpaque())
  }

  deinit { cancel() }

  func cancel() {
    if let watch { api.pointee.watch_free(watch) }
    watch = nil
  }

  private static let readable: AvahiWatchCallback = { _, _, _, context in
    Unmanaged<LoopWatch>.fromOpaque(context!).takeUnretainedValue().work()
  }
}

/// Where one of Avahi's callbacks leaves its reports, which go on from the loop.
final class ReportBox<Report> {
  private let loop: AvahiLoop
  private var deliver: ((Report) -> Void)?

  init(_ loop: AvahiLoop, _ deliver: @escaping (Report) -> Void) {
    self.loop = loop
    self.deliver = deliver
  }

  var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

  static func take(_ context: UnsafeMutableRawPointer?) -> ReportBox {
    Unmanaged<ReportBox>.fromOpaque(context!).takeUnretainedValue()
  }

  func leave(_ report: Report) {
    loop.soon { [self] in deliver?(report) }
  }

  /// Reports that are on their way are dropped.
  func close() { deliver = nil }
}

/// Whether a responder is still open: what belongs to it goes with it, and must not be freed again.
final class Lifetime {
  var isOver = false
}

/// One of Avahi's objects with the box that its callback fills.
final class AvahiLookup<Report>: OpenLookup {
  private var pointer: OpaquePointer?
  private let box: ReportBox<Report>
  private let lifetime: Lifetime
  private let free: (OpaquePointer) -> Void

  init(
    _ pointer: OpaquePointer, _ box: ReportBox<Report>, _ lifetime: Lifetime,
    free: @escaping (OpaquePointer) -> Void
  ) {
    self.pointer = pointer
    self.box = box
    self.lifetime = lifetime
    self.free = free
  }

  deinit { close() }

  func close() {
    if let pointer, !lifetime.isOver { free(pointer) }
    pointer = nil
    box.close()
  }
}

extension AvahiError {
  init(number: Int32) {
    self.init(
      isCollision: number == Int32(AVAHI_ERR_COLLISION),
      description: String(cString: avahi_strerror(number)))
  }
}

/// What both faces hand over in the same C types.
enum AvahiTypes {
  /// The protocol number of a family.
  static func number(_ family: AddressFamily) -> Int32 {
    switch family {
    case .ipv4: Int32(AVAHI_PROTO_INET)
    case .ipv6: Int32(AVAHI_PROTO_INET6)
    }
  }

  static func place(_ interface: Int32, _ number: Int32) -> Place? {
    guard interface > 0 else { return nil }
    switch number {
    case Int32(AVAHI_PROTO_INET): return Place(interface: interface, family: .ipv4)
    case Int32(AVAHI_PROTO_INET6): return Place(interface: interface, family: .ipv6)
    case _: return nil
    }
  }

  /// `nil` for a label that isn't UTF-8, or for a place that can't be.
  static func item(
    _ label: UnsafePointer<CChar>?, _ interface: Int32, _ protocolNumber: Int32
  ) -> Item? {
    guard let label, let place = place(interface, protocolNumber),
      let text = String(validatingCString: label), !text.isEmpty
    else { return nil }
    return Item(label: text, place: place)
  }

  /// Copies at most as many entries as ``TextRecord`` looks at.
  static func entries(_ list: UnsafeMutablePointer<AvahiStringList>?) -> [[UInt8]] {
    var entries: [[UInt8]] = []
    var next = list
    while let entry = next, entries.count < 4 * TextRecord.mostEntries {
      let size = avahi_string_list_get_size(entry)
      entries.append(
        Array(UnsafeBufferPointer(start: avahi_string_list_get_text(entry), count: size)))
      next = avahi_string_list_get_next(entry)
    }
    return entries
  }

  /// Calls `body` with `entries` as Avahi's list.
  static func withList<Result>(
    _ entries: [[UInt8]], _ body: (UnsafeMutablePointer<AvahiStringList>?) -> Result
  ) -> Result {
    var list: UnsafeMutablePointer<AvahiStringList>?
    // The list grows at its head.
    for entry in entries.reversed() {
      list = avahi_string_list_add_arbitrary(list, entry, entry.count)
    }
    defer { avahi_string_list_free(list) }
    return body(list)
  }

  static let everyInterface = Int32(AVAHI_IF_UNSPEC)
  static let everyProtocol = Int32(AVAHI_PROTO_UNSPEC)
}
