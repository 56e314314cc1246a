import ArgumentParser
import Chat
import Foundation
import Foundations
import History
import SwiftProtobuf
import Wire

/// What the conversation's disk can do, and how fast a newcomer catches up.
struct ChatBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat",
    abstract: "Keeping messages, searching a million of them, and catching up.")

  @Option(help: "How many messages are kept and searched.")
  var messages = 1_000_000

  @Option(help: "How many a newcomer gets.")
  var newcomer = 100_000

  @Option(help: "Where to write; a place of its own is made there.")
  var directory = NSTemporaryDirectory()

  /// As many as one batch of the exchange may hold.
  private static let batch = ChatBounds.batchEntries
  /// Lines that each wait for the disk before the next is said.
  private static let singleLines = 1000
  private static let searches = 25

  func run() async throws {
    let place = "\(directory)/virtue-bench-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: place) }
    var report = Report("Chat: \(messages) messages kept, \(newcomer) fetched")
    try await catchUp(in: place, &report)
    try await keep(in: place, &report)
    report.print()
  }

  // MARK: - The disk

  private func keep(in place: String, _ report: inout Report) async throws {
    var chat = MadeUpChat(seed: 1)
    let (store, path) = try await makeStore(place + "/kept.sqlite", for: chat)
    var latencies: [Double] = []
    let start = ContinuousClock.now
    for _ in 0..<min(Self.singleLines, messages) {
      let entry = try chat.next()
      latencies.append(try await time { try await store.append([entry], at: wall) } * 1000)
    }
    report.add(
      "single lines, each on the disk before the next",
      Double(latencies.count) / (ContinuousClock.now - start).inSeconds, "a second")
    report.add(distribution: "of one, until it is acknowledged", latencies, "ms")

    var busy = 0.0
    var kept = latencies.count
    while kept < messages {
      var entries: [Entry] = []
      for _ in 0..<min(Self.batch, messages - kept) { entries.append(try chat.next()) }
      busy += try await time { try await store.append(entries, at: wall) }
      kept += entries.count
    }
    if kept > latencies.count {
      report.add(
        "in batches of \(Self.batch)", Double(kept - latencies.count) / busy, "a second")
    }
    try await search(store, &report)
    report.add(
      "listing the newest 1000",
      try await time { _ = try await store.messages(limit: 1000) } * 1000, "ms")
    await store.close()
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber
    report.add("file", (size?.doubleValue ?? .nan) / Double(messages), "bytes a message")
  }

  /// Words from the most frequent to those that hardly occur, alone, together and only begun.
  private func search(_ store: HistoryStore, _ report: inout Report) async throws {
    var all: [Double] = []
    func measure(_ name: String, _ words: (Int) -> String) async throws {
      var times: [Double] = []
      for number in 0..<Self.searches {
        times.append(
          try await time { _ = try await store.messages(search: words(number), limit: 100) } * 1000)
      }
      all += times
      report.add("search for \(name), median", times.quantile(0.5), "ms")
    }
    try await measure("one of the most frequent words") { MadeUpChat.word($0) }
    try await measure("a middling word") { MadeUpChat.word(500 + $0 * 20) }
    try await measure("a rare word") { MadeUpChat.word(15_000 + $0 * 100) }
    try await measure("two words together") {
      MadeUpChat.word(10 + $0) + " " + MadeUpChat.word(800 + $0)
    }
    try await measure("the beginning of a word") { String(MadeUpChat.word(3000 + $0).prefix(5)) }
    report.add(distribution: "search, of all these", all, "ms", aim: "median at most 20")
  }

  // MARK: - Catching up

  /// One member that has everything, one that has nothing, and the real messages between them. The
  /// network's own time is left out; every wait of the exchange is counted.
  private func catchUp(in place: String, _ report: inout Report) async throws {
    var chat = MadeUpChat(seed: 2)
    var entries: [Entry] = []
    for _ in 0..<newcomer { entries.append(try chat.next()) }
    var full = ChatLog(
      meeting: chat.meeting, key: SigningKey(from: .system), stored: entries)
    var empty = ChatLog(meeting: chat.meeting, key: SigningKey(from: .system), stored: [])
    let (store, _) = try await makeStore(place + "/newcomer.sqlite", for: chat)
    let start = ContinuousClock.now
    var waited = Duration.zero
    func now() -> Moment { .zero + (ContinuousClock.now - start) + waited }
    var toFull: [ChatLog.Input] = [.linkUp(empty.me)]
    var toEmpty: [ChatLog.Input] = [.linkUp(full.me)]
    var (bytes, onDisk) = (0, 0.0)
    while empty.entryCount < entries.count || !toEmpty.isEmpty {
      var outputs: [ChatLog.Output] = []
      if toFull.isEmpty, toEmpty.isEmpty {
        guard let deadline = [full.deadline, empty.deadline].compactMap({ $0 }).min() else { break }
        waited += max(.zero, deadline - now())
        full.wake(at: now(), into: &outputs)
        toEmpty += try Self.travel(outputs, from: full.me, &bytes)
        outputs = []
        empty.wake(at: now(), into: &outputs)
      }
      if !toEmpty.isEmpty { empty.handle(toEmpty.removeFirst(), at: now(), into: &outputs) }
      for case .commit(let fresh) in outputs {
        onDisk += try await time { try await store.append(fresh, at: wall) }
        toEmpty.append(.committed(fresh.map(\.id)))
      }
      toFull += try Self.travel(outputs, from: empty.me, &bytes)
      outputs = []
      if !toFull.isEmpty { full.handle(toFull.removeFirst(), at: now(), into: &outputs) }
      toEmpty += try Self.travel(outputs, from: full.me, &bytes)
    }
    let total = (ContinuousClock.now - start + waited).inSeconds
    let kept = try await store.hash(of: chat.meeting)
    guard kept == HistoryHash.of(entries) else {
      throw ValidationError("The newcomer ended with another history.")
    }
    await store.close()
    report.add("a newcomer gets \(newcomer), checked and on the disk, in", total, "s")
    report.add("of it on the disk", onDisk, "s")
    report.add("of it waiting", waited.inSeconds, "s")
    report.add("sent for it", Double(bytes) / 1_048_576, "MiB")
  }

  /// Through bytes, as between two computers.
  private static func travel(
    _ outputs: [ChatLog.Output], from sender: PeerID, _ bytes: inout Int
  ) throws -> [ChatLog.Input] {
    var inputs: [ChatLog.Input] = []
    for output in outputs {
      switch output {
      case .sendHeads(let heads, _):
        bytes += heads.wire.count
        inputs.append(.heads(try WireChatHeads(wire: heads.wire), from: sender))
      case .sendBatch(let batch, _):
        bytes += batch.wire.count
        inputs.append(.batch(try WireChatBatch(wire: batch.wire), from: sender))
      case .commit, .discount, .recount, .restore, .evict, .publish, .show, .refused, .misbehaviour:
        break
      }
    }
    return inputs
  }

  // MARK: - Parts

  private var wall: WallTime { HostClock().wallTime() }

  private func makeStore(
    _ path: String, for chat: MadeUpChat
  ) async throws -> (HistoryStore, String) {
    let store = try HistoryStore(path: path, now: wall)
    try await store.register(
      MeetingRecord(id: chat.meeting, genesisKey: chat.genesisKey, title: "Long", chain: nil),
      at: wall)
    return (store, path)
  }

  /// Seconds that it took.
  private func time(_ body: () async throws -> Void) async rethrows -> Double {
    let start = ContinuousClock.now
    try await body()
    return (ContinuousClock.now - start).inSeconds
  }
}
