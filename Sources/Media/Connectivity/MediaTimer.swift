import CNice
package import Foundations

/// A timer of a ``MediaThread``. Used on that thread; it may be released anywhere, and is then cancelled.
package final class MediaTimer {
  /// When it will fire; `nil` when it isn't set.
  package var deadline: Moment? { body.deadline }

  private let source: UnsafeMutablePointer<GSource>
  private let body: Body
  private let thread: MediaThread

  /// What the source holds on to, so that it outlasts a timer released while it fires.
  private final class Body {
    var call: (() -> Void)?
    var deadline: Moment?
    let isOneShot: Bool

    init(isOneShot: Bool, _ call: @escaping () -> Void) {
      self.isOneShot = isOneShot
      self.call = call
    }

    func fire() {
      guard deadline != nil else { return }
      deadline = nil
      let call = call
      // What the closure holds is let go of, or it might hold the timer.
      if isOneShot { self.call = nil }
      call?()
    }
  }

  init(on thread: MediaThread, isOneShot: Bool, _ call: @escaping () -> Void) {
    precondition(thread.isCurrent, "timers are made on their thread")
    self.thread = thread
    body = Body(isOneShot: isOneShot, call)
    source = makeSource()
    g_source_set_callback(
      source,
      { data in
        // A source stays ready until told otherwise.
        g_source_set_ready_time(g_main_current_source(), -1)
        if let data { Unmanaged<Body>.fromOpaque(data).takeUnretainedValue().fire() }
        return 1
      }, Unmanaged.passRetained(body).toOpaque(),
      { data in
        if let data { Unmanaged<Body>.fromOpaque(data).release() }
      })
    g_source_attach(source, thread.context)
  }

  deinit {
    g_source_destroy(source)
    g_source_unref(source)
  }

  /// Fires at `moment` instead of any earlier setting; `nil` unsets it.
  package func set(_ moment: Moment?) {
    precondition(thread.isCurrent, "timers are set on their thread")
    guard moment != body.deadline else { return }
    body.deadline = moment
    // GLib counts microseconds of the same clock, rounded up here so as not to be early; -1 unsets.
    g_source_set_ready_time(source, moment.map { max(0, Int($0.nanoseconds + 999) / 1000) } ?? -1)
  }

  /// Never fires again, and lets go of the closure.
  package func cancel() {
    precondition(thread.isCurrent, "timers are cancelled on their thread")
    body.deadline = nil
    body.call = nil
    g_source_destroy(source)
  }
}

/// A source that is dispatched when its ready time comes, and calls its callback.
func makeSource() -> UnsafeMutablePointer<GSource> {
  g_source_new(readyTimeFunctions, UInt32(MemoryLayout<GSource>.size))
}

// Safety: written once, under the lock of a global's first use; GLib only reads it.
private nonisolated(unsafe) let readyTimeFunctions: UnsafeMutablePointer<GSourceFuncs> = {
  let functions = UnsafeMutablePointer<GSourceFuncs>.allocate(capacity: 1)
  functions.initialize(to: GSourceFuncs())
  functions.pointee.dispatch = { _, callback, data in callback?(data) ?? 0 }
  return functions
}()
