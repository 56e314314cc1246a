import Glibc

/// The computer's clocks. Only drivers and the composition root hold one; cores are told the time.
package struct HostClock: Sendable {
  package init() {}

  /// `CLOCK_MONOTONIC`.
  package func now() -> Moment {
    Moment(nanoseconds: Self.read(CLOCK_MONOTONIC))
  }

  /// `CLOCK_REALTIME`.
  package func wallTime() -> WallTime {
    WallTime(milliseconds: Self.read(CLOCK_REALTIME) / 1_000_000)
  }

  /// Processor time that this process has used, over all its threads.
  package func processorTime() -> Duration {
    .nanoseconds(Self.read(CLOCK_PROCESS_CPUTIME_ID))
  }

  /// Blocks the calling thread until `moment`; returns at once when it has passed.
  package func sleep(until moment: Moment) {
    var time = timespec(
      tv_sec: Int(moment.nanoseconds / 1_000_000_000),
      tv_nsec: Int(moment.nanoseconds % 1_000_000_000))
    while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
  }

  fileprivate static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

extension HostClock {
  /// When this process was started, to the kernel's hundredth of a second; now, where /proc is
  /// missing.
  package func processStart() -> Moment {
    // proc(5): field 22 of stat is the start in clock ticks after boot; the name in field 2 may hold
    // spaces and ends at the last parenthesis.
    guard let file = fopen("/proc/self/stat", "r") else { return now() }
    defer { fclose(file) }
    var line = [UInt8](repeating: 0, count: 1024)
    let count = fread(&line, 1, line.count, file)
    let text = String(decoding: line[..<count], as: UTF8.self)
    let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
    guard fields.count > 20, let ticks = Int64(fields[20]) else { return now() }
    let sinceBoot = ticks * 1_000_000_000 / Int64(sysconf(Int32(_SC_CLK_TCK)))
    return now() - .nanoseconds(Self.read(CLOCK_BOOTTIME) - sinceBoot)
  }
}
