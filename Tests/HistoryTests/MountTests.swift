import Chat
import Foundation
import Foundations
import Glibc
import Testing
import Wire

@testable import History

@Suite("History on a file system of its own", .enabled(if: Mount.canBeMade))
struct MountTests {
  let mount: Mount
  private var directory: Directory { mount.directory }

  init() throws {
    mount = try Mount()
  }

  /// A meeting with what was said in it.
  /// - Parameter isPending: as a crash leaves it, with everything still in the log.
  private func keep(_ entries: [Entry], isPending: Bool = false) async throws {
    let store = try HistoryStore(path: directory.history, now: wall(0))
    try await store.register(meetingRecord(), at: wall(0))
    try await store.append(entries, at: wall(0))
    guard isPending else { return await store.close() }
    let names = [directory.history, directory.history + "-wal"]
    let contents = try names.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
    await store.close()
    for (name, content) in zip(names, contents) {
      try content.write(to: URL(fileURLWithPath: name))
    }
    unlink(directory.history + "-shm")
  }

  /// What was said is read when `happening` has made it unwritable.
  private func stillReads(
    _ said: [Entry], isPending: Bool, _ happening: () throws -> Void
  ) async throws -> HistoryStore {
    try await keep(said, isPending: isPending)
    try happening()
    let reader = try HistoryStore(reading: directory.history)
    #expect(try await reader.entries(of: meeting) == said)
    #expect(try await reader.messages(search: "hel", limit: 5).map(\.id) == [said[0].id])
    return reader
  }

  @Test(
    "On a full disk what was kept is read, also what is still in the log", arguments: [false, true])
  func fullReading(isPending: Bool) async throws {
    var alice = Author(1)
    let said = [alice.say("hello"), alice.say("and more")]
    let reader = try await stillReads(said, isPending: isPending) { try mount.fill() }
    let refusal = await failure { try await reader.forget(meeting, at: wall(0)) }
    #expect(refusal?.code == "history-unwritable")
    await reader.close()
    // Once there is room everything is as it was.
    try mount.empty()
    let again = try HistoryStore(path: directory.history, now: wall(1))
    #expect(await again.takeWarnings().isEmpty)
    #expect(try await again.entries(of: meeting) == said)
    await again.close()
  }

  @Test("A meeting on a full disk finds what was kept, and keeps on as soon as there is room")
  func fullWriting() async throws {
    var alice = Author(1)
    let said = [alice.say("hello"), alice.say("and more")]
    try await keep(said)
    try mount.fill()
    let store = try HistoryStore(path: directory.history, now: wall(1))
    #expect(try await store.recentMeetings().map(\.id) == [meeting])
    #expect(try await store.entries(of: meeting) == said)
    let later = [alice.say("too much"), alice.say("it fits")]
    let refusal = await failure { try await store.append([later[0]], at: wall(1)) }
    #expect(refusal?.code == "disk-full")
    #expect(refusal?.message.contains("The disk is full") == true)
    // Others read what was kept meanwhile.
    let reader = try HistoryStore(reading: directory.history)
    #expect(try await reader.entries(of: meeting) == said)
    await reader.close()
    try mount.empty()
    for entry in later { try await store.append([entry], at: wall(2)) }
    let again = try HistoryStore(reading: directory.history)
    #expect(try await again.entries(of: meeting) == said + later)
    await again.close()
    await store.close()
    #expect(directory.names.filter { $0.hasPrefix("history") } == ["history.sqlite"])
  }

  @Test("A meeting that begins on a full disk is kept with its members once there is room")
  func fullBeginning() async throws {
    var alice = Author(1)
    let said = alice.say("hello")
    try await HistoryStore(path: directory.history, now: wall(0)).close()
    try mount.fill()
    let store = try HistoryStore(path: directory.history, now: wall(1))
    for work in [
      { () async throws -> Void in try await store.register(meetingRecord(), at: wall(1)) },
      { try await store.remember([member(signingKey(2), name: "Bob")], in: meeting, at: wall(1)) },
      { try await store.append([said], at: wall(1)) },
    ] {
      let refusal = await failure(of: work)
      #expect(refusal?.code == "disk-full")
    }
    try mount.empty()
    try await store.append([said], at: wall(2))
    #expect(try await store.entries(of: meeting) == [said])
    #expect(try await store.recentMeetings().first?.members.map(\.name) == ["Bob"])
    await store.close()
  }

  @Test("Where not even an empty history can be made, it is said what to do")
  func fullNew() async throws {
    try mount.fill()
    let trouble = await failure { _ = try HistoryStore(path: directory.history, now: wall(0)) }
    #expect(trouble?.code == "disk-full")
    let memory = try HistoryStore(
      insteadOf: directory.history, because: try #require(trouble))
    let warnings = await memory.takeWarnings()
    #expect(warnings[0].message.contains("Once there is room, start virtue again."))
  }

  @Test(
    "A history that can't be written is read, also what is still in its log",
    arguments: [false, true])
  func readOnly(isPending: Bool) async throws {
    var alice = Author(1)
    let said = [alice.say("hello"), alice.say("and more")]
    let reader = try await stillReads(said, isPending: isPending) { try mount.makeReadOnly() }
    #expect(try await reader.hash(of: meeting)?.count == 32)
    #expect(try await reader.recentMeetings().map(\.id) == [meeting])
    await reader.close()
    let refusal = await failure { _ = try HistoryStore(path: directory.history, now: wall(1)) }
    #expect(refusal?.code == "history-unwritable")

    // Whoever meets there goes on from it, and none of that is kept.
    let memory = try HistoryStore(
      insteadOf: directory.history, because: try #require(refusal))
    #expect(await memory.takeWarnings().map(\.code) == ["history-unwritable"])
    #expect(try await memory.recentMeetings().map(\.id) == [meeting])
    let later = alice.say("not kept")
    try await memory.append([later], at: wall(1))
    #expect(try await memory.entries(of: meeting) == said + [later])
    #expect(try await memory.messages(search: "kept", limit: 5).map(\.id) == [later.id])
    await memory.close()
    let again = try HistoryStore(reading: directory.history)
    #expect(try await again.entries(of: meeting) == said)
    await again.close()
  }

  @Test("Where a copy finds no place, each place is named with what it lacks")
  func noPlace() async throws {
    var alice = Author(1)
    try await keep([alice.say("hello")], isPending: true)
    let full = try Mount()
    try full.fill()
    let places = [full.directory.path, "/nonexistent"]
    let refusal = #expect(throws: Problem.self) {
      _ = try DatabaseFile.openUnnamedCopy(of: directory.history, in: places)
    }
    let failure = Failure.reading(try #require(refusal), path: directory.history)
    #expect(failure.code == "disk-full")
    #expect(failure.message.contains("\(full.directory.path): No space left on device"))
    #expect(failure.message.contains("/nonexistent: No such file or directory"))
    #expect(full.directory.names == ["filling"])
  }

  @Test("One that is damaged or no history is told of where nothing can be written, too")
  func readOnlyDamaged() async throws {
    try Data("this is no database at all, but text".utf8)
      .write(to: URL(fileURLWithPath: directory.history))
    try mount.makeReadOnly()
    let refusal = await failure { _ = try HistoryStore(reading: directory.history) }
    #expect(refusal?.code == "history-damaged")
  }
}

/// A small file system in memory. It is gone with this value.
final class Mount: Sendable {
  /// The superuser's alone.
  static let canBeMade = geteuid() == 0 && (try? Mount()) != nil

  let directory: Directory
  private var filling: String { directory.path + "/filling" }

  init() throws {
    directory = try Directory()
    guard Glibc.mount("virtue-test", directory.path, "tmpfs", 0, "size=4m") == 0 else {
      throw POSIXError(.init(rawValue: errno) ?? .EPERM)
    }
  }

  /// `MNT_DETACH` (umount2(2)): whatever is still open in it.
  deinit {
    umount2(directory.path, 2)
  }

  /// To the last byte.
  func fill() throws {
    let file = open(filling, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    defer { close(file) }
    let block = [UInt8](repeating: 1, count: 4096)
    while write(file, block, block.count) > 0 {}
    guard errno == ENOSPC else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
  }

  func makeReadOnly() throws {
    // MS_RDONLY and MS_REMOUNT (mount(2)).
    guard Glibc.mount(nil, directory.path, nil, 1 | 32, nil) == 0 else {
      throw POSIXError(.init(rawValue: errno) ?? .EPERM)
    }
  }

  func empty() throws {
    guard unlink(filling) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
  }
}
