package import Foundation

/// A process whose output is read line by line.
package final class Child: Sendable {
  package let output = Journal()
  private let box = Box()
  private let input: FileHandle
  private let errorFile: String

  // Safety: `Process` is set up in `init`; afterwards only its thread-safe members are used.
  private final class Box: @unchecked Sendable {
    let process = Process()
  }

  /// - Parameter arguments: the program, looked for in PATH, and what it is given.
  package init(_ arguments: [String]) throws {
    let (output, input) = (Pipe(), Pipe())
    self.input = input.fileHandleForWriting
    errorFile = NSTemporaryDirectory() + "/virtue-lab-\(UUID().uuidString).err"
    _ = FileManager.default.createFile(atPath: errorFile, contents: nil)
    let process = box.process
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.standardOutput = output
    process.standardInput = input
    process.standardError = FileHandle(forWritingAtPath: errorFile)
    signal(SIGPIPE, SIG_IGN)
    let exited = self.output
    process.terminationHandler = { process in
      let status =
        process.terminationReason == .exit
        ? process.terminationStatus : 128 + process.terminationStatus
      // What it printed last is read first; a grandchild that still holds the pipe is not waited for.
      Task {
        await exited.printed(within: .seconds(1))
        await exited.end(status: status)
      }
    }
    try process.run()
    let reader = output.fileHandleForReading
    let journal = self.output
    // A thread keeps the order of lines and their time of arrival.
    let (lines, continuation) = AsyncStream.makeStream(of: Journal.Line.self)
    Thread.detachNewThread {
      var pending = Data()
      while true {
        let data = reader.availableData
        if data.isEmpty { break }
        pending.append(data)
        while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
          let text = String(decoding: pending[..<end], as: UTF8.self)
          continuation.yield(Journal.Line(text: text, arrived: .now))
          pending = Data(pending[pending.index(after: end)...])
        }
      }
      continuation.finish()
    }
    Task {
      for await line in lines { await journal.append(line) }
      await journal.endLines()
    }
  }

  deinit {
    kill()
    try? FileManager.default.removeItem(atPath: errorFile)
  }

  package var errors: String {
    String((try? String(contentsOfFile: errorFile, encoding: .utf8))?.suffix(2000) ?? "")
  }

  /// The process that this one started, while there is exactly one.
  package var onlyChild: pid_t? {
    let own = box.process.processIdentifier
    let list = try? String(contentsOfFile: "/proc/\(own)/task/\(own)/children", encoding: .utf8)
    let children = list?.split(separator: " ") ?? []
    return children.count == 1 ? pid_t(String(children[0])) : nil
  }

  package func write(line: String) {
    try? input.write(contentsOf: Data((line + "\n").utf8))
  }

  package func endInput() { try? input.close() }

  /// Kills what was started itself, for example nsenter.
  package func kill() {
    if box.process.isRunning { Foundation.kill(box.process.processIdentifier, SIGKILL) }
  }

  /// As Ctrl-C does.
  package func interrupt() { box.process.interrupt() }

  package func exit(within limit: Duration) async throws -> Int32 {
    try await output.exit(within: limit)
  }
}

/// What a process has printed, to be waited for.
package actor Journal {
  package struct Line: Sendable {
    package let text: String
    package let arrived: ContinuousClock.Instant
  }

  package private(set) var lines: [Line] = []
  private(set) var status: Int32?
  private var isPrinted = false
  private var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
  private var nextWaiter = 0

  /// Waits for the end of what is printed.
  func printed(within limit: Duration) async {
    let deadline = ContinuousClock.now + limit
    while !isPrinted, ContinuousClock.now < deadline {
      _ = await changes(from: lines.count, ended: false, before: deadline)
    }
  }

  func endLines() {
    isPrinted = true
    wake()
  }

  func append(_ line: Line) {
    lines.append(line)
    wake()
  }

  func end(status: Int32) {
    self.status = status
    wake()
  }

  /// The first line, of the past or to come, that fits.
  package func first(
    _ what: String, within limit: Duration, where fits: @Sendable (Line) -> Bool
  ) async throws -> Line {
    let deadline = ContinuousClock.now + limit
    var read = 0
    while true {
      if let line = lines[read...].first(where: fits) { return line }
      read = lines.count
      let ended = status != nil
      guard await changes(from: read, ended: ended, before: deadline) else {
        throw LabError(description: "In vain waited \(limit) until \(what). Printed:\n\(tail)")
      }
    }
  }

  package func exit(within limit: Duration) async throws -> Int32 {
    let deadline = ContinuousClock.now + limit
    while true {
      if let status { return status }
      guard await changes(from: lines.count, ended: false, before: deadline) else {
        throw LabError(description: "It has not ended within \(limit). Printed:\n\(tail)")
      }
    }
  }

  /// Its last lines without the many statistics.
  package var tail: String {
    lines.map(\.text).filter { !$0.contains(#""event":"statistics""#) }.suffix(25)
      .joined(separator: "\n")
  }

  private func changes(
    from count: Int, ended: Bool, before deadline: ContinuousClock.Instant
  ) async -> Bool {
    if lines.count > count || (status != nil) != ended { return true }
    let number = nextWaiter
    nextWaiter += 1
    let alarm = Task {
      try await Task.sleep(until: deadline, clock: .continuous)
      self.wake(number, with: false)
    }
    defer { alarm.cancel() }
    return await withCheckedContinuation { waiters[number] = $0 }
  }

  private func wake() {
    for number in waiters.keys { wake(number, with: true) }
  }

  private func wake(_ number: Int, with changed: Bool) {
    waiters.removeValue(forKey: number)?.resume(returning: changed)
  }
}
