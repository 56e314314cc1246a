import ArgumentParser
import Dispatch
import Foundation
import Foundations
import Meeting

/// Runs a meeting in a terminal: prints its events, takes chat from standard input, and leaves on
/// Ctrl-C.
struct MeetingRunner {
  let arguments: MeetingArguments

  func run(
    _ open: @escaping @Sendable (MeetingOptions) async throws(Failure) -> MeetingSession
  ) async throws {
    let printer: any EventPrinter =
      arguments.json ? JSONEventPrinter() : TextEventPrinter()
    let signals = InterruptSignals(beforeExit: { printer.finish() })
    defer { printer.finish() }
    do {
      let options = try arguments.makeOptions()
      let opening = Task { try await open(options) }
      signals.onInterrupt { opening.cancel() }
      let session = try await opening.value
      signals.onInterrupt { Task { await session.leave() } }
      let input = StandardInput { line in await session.take(line: line) }
      input.start()
      for await event in session.events {
        printer.print(event)
      }
      if let failure = await session.failure { throw failure }
      try printer.confirm()
    } catch let failure as Failure where failure.code == "cancelled" {
      throw ExitCode(130)
    } catch let failure as Failure {
      printer.print(.failed(failure))
      throw ExitCode(failure.exit.rawValue)
    } catch is CancellationError {
      throw ExitCode(130)
    }
  }
}

/// SIGINT, SIGTERM and SIGHUP, turned into a call; a second one ends the program at once.
final class InterruptSignals: Sendable {
  /// One that follows sooner is the same again, and what is under way may clean up: timeout(1) signals both
  /// its child and the group that it is in.
  private static let same = Duration.milliseconds(300)

  private let queue = DispatchQueue(label: "signals")
  private let state: State

  // Safety: touched on `queue` only.
  private final class State: @unchecked Sendable {
    var sources: [any DispatchSourceSignal] = []
    var handler: (@Sendable () -> Void)?
    var first: Moment?
  }

  /// - Parameter beforeExit: what a second SIGINT leaves time for.
  init(beforeExit: @escaping @Sendable () -> Void = {}) {
    let state = State()
    self.state = state
    signal(SIGPIPE, SIG_IGN)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        let now = HostClock().now()
        guard let first = state.first else {
          state.first = now
          state.handler?()
          return
        }
        guard now - first >= Self.same else { return }
        beforeExit()
        _exit(130)
      }
      source.resume()
      state.sources.append(source)
    }
  }

  func onInterrupt(_ handler: @escaping @Sendable () -> Void) {
    queue.async { [state] in
      state.handler = handler
      // An interrupt that came before is not lost.
      if state.first != nil { handler() }
    }
  }
}

/// Standard input as lines, read on a thread of its own, no faster than they are taken. Its end is not
/// the meeting's.
final class StandardInput: Sendable {
  private let take: @Sendable (String) async -> Void
  /// A longer line is cut here: chat text is bounded anyway.
  private static let lineLimit = 16_384
  /// Lines read ahead; further ones stay in the pipe.
  private static let mostWaiting = 64

  init(take: @escaping @Sendable (String) async -> Void) {
    self.take = take
  }

  func start() {
    let (lines, continuation) = AsyncStream.makeStream(of: String.self)
    let room = DispatchSemaphore(value: Self.mostWaiting)
    let thread = Thread {
      var pending: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(STDIN_FILENO, &chunk, chunk.count)
        guard count > 0 else {
          if count < 0, errno == EINTR { continue }
          break
        }
        for byte in chunk[..<count] {
          if byte == UInt8(ascii: "\n") {
            room.wait()
            continuation.yield(String(decoding: pending, as: UTF8.self))
            pending.removeAll(keepingCapacity: true)
          } else if pending.count < Self.lineLimit {
            pending.append(byte)
          }
        }
      }
      if !pending.isEmpty { continuation.yield(String(decoding: pending, as: UTF8.self)) }
      continuation.finish()
    }
    thread.name = "standard input"
    thread.start()
    Task { [take] in
      for await line in lines {
        await take(line)
        room.signal()
      }
    }
  }
}
