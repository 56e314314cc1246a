import Foundation
import Synchronization

/// A program that is told and answers in lines of JSON.
final class Conversation: Sendable {
  struct Broken: Error, CustomStringConvertible {
    let description: String
  }

  private struct Problem: Decodable { var error: String }
  private struct Command: Encodable {
    var command: String
    var sdp: String?
  }

  private let name: String
  private let process = Process()
  private let input: FileHandle
  private let lines: Lines
  private let ended: AsyncStream<Int32>
  /// Longer than any answer takes; a program that hangs is a failure, not a wait.
  private static let patience = 20.0

  init(_ name: String, _ program: String, _ arguments: [String]) throws {
    self.name = name
    let (toChild, fromChild) = (Pipe(), Pipe())
    input = toChild.fileHandleForWriting
    lines = Lines(fromChild.fileHandleForReading)
    let (ended, end) = AsyncStream.makeStream(of: Int32.self)
    self.ended = ended
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardInput = toChild
    process.standardOutput = fromChild
    process.terminationHandler = { end.yield($0.terminationStatus) }
    try process.run()
  }

  deinit {
    if process.isRunning { process.terminate() }
  }

  func ask<Answer: Decodable>(_ command: String, sdp: String? = nil) async throws -> Answer {
    let line = try JSONEncoder().encode(Command(command: command, sdp: sdp)) + Data("\n".utf8)
    try input.write(contentsOf: line)
    guard let answer = await lines.next(within: Self.patience) else {
      throw Broken(description: "\(name) doesn't answer “\(command)”")
    }
    if let problem = try? JSONDecoder().decode(Problem.self, from: answer) {
      throw Broken(description: "\(name) can't “\(command)”: \(problem.error)")
    }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(Answer.self, from: answer)
  }

  /// Ends the input, which ends the program.
  func finish() async throws {
    try input.close()
    let watchdog = Task { [process] in
      try await Task.sleep(for: .seconds(Self.patience))
      process.terminate()
    }
    defer { watchdog.cancel() }
    for await status in ended {
      guard status == 0 else { throw Broken(description: "\(name) ended with \(status)") }
      return
    }
  }
}

/// The lines that a pipe brings.
private final class Lines: Sendable {
  private let stream: AsyncStream<Data>

  init(_ handle: FileHandle) {
    let (stream, continuation) = AsyncStream.makeStream(of: Data.self)
    self.stream = stream
    let rest = Mutex(Data())
    handle.readabilityHandler = { handle in
      let data = handle.availableData
      guard !data.isEmpty else {
        handle.readabilityHandler = nil
        return continuation.finish()
      }
      rest.withLock { rest in
        rest += data
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
          continuation.yield(Data(rest[..<end]))
          rest = Data(rest[rest.index(after: end)...])
        }
      }
    }
  }

  /// `nil` at the end, or when nothing comes in time.
  func next(within seconds: Double) async -> Data? {
    await withTaskGroup(of: Data?.self) { group in
      group.addTask { [stream] in
        for await line in stream { return line }
        return nil
      }
      group.addTask {
        try? await Task.sleep(for: .seconds(seconds))
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }
}

struct Description: Decodable { var sdp: String }

struct Nothing: Decodable {}

struct OurAnswer: Decodable { var report: OurReport }

/// What `sdp-adapter` reports.
struct OurReport: Decodable {
  struct Watched: Decodable {
    var seconds: Double
    var frames: Int
    var unreadable: Int
    var backward: Int
    var skipped: Int
    var leastPSNR: Double
    var width: Int
    var height: Int
  }

  var watched: Watched
  var framesSent: Int
  var keyframesSent: Int
  var retransmissionsSent: Int
  var keyframesAskedOfUs: Int
  var framesReceived: Int
  var framesDecoded: Int
  var packetsRepaired: Int
  var retransmissionsAsked: Int
  var keyframesAsked: Int
  var packetsLost: Int
  var soundPacketsReceived: Int
  var malformed: Int
  var roundTripMilliseconds: Double?
  var pair: String
}

/// What `peer.py` reports.
struct TheirReport: Decodable {
  var seconds: Double
  var frames: Int
  var framesPerSecond: Double
  var unreadable: Int
  var backward: Int
  var skipped: Int
  var width: Int
  var height: Int
  var leastPSNR: Double
  var meanPSNR: Double
  var pitch: Double
  var purity: Double
  var sentFrames: Int
  var lostIn: Int
  var lostOut: Int
  var packetsReceived: Int
  var dtls: String
  var srtpProfile: String
}
