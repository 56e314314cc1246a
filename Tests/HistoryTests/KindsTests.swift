import Chat
import Foundation
import Foundations
import History
import SwiftProtobuf
import Testing
import Wire

@Suite("History of all kinds")
struct KindsTests {
  let directory: Directory
  let store: HistoryStore

  init() async throws {
    directory = try Directory()
    store = try HistoryStore(path: directory.history, now: wall(0))
    try await store.register(meetingRecord(), at: wall(0))
  }

  /// What a meeting of two may leave.
  private func entries() -> (all: [Entry], said: Entry, poll: Entry, reply: Entry) {
    var alice = Author(1)
    var bob = Author(2)
    let came = alice.say(.joined(name: "Alice"))
    let bobCame = bob.say(.joined(name: "Bob"))
    let said = alice.say("teh plan", at: 10)
    let reply = bob.say(.reply(to: said.hash, "what plan?"), at: 20)
    let edit = alice.say(.edit(of: said.hash, "the plan"), at: 30)
    let reaction = bob.say(.reaction(to: said.hash, "👍"), at: 40)
    let poll = alice.say(.poll("Tea?", options: ["Yes", "No"]), at: 50)
    let vote = bob.say(.vote(in: poll.hash, [1]), at: 60)
    let hand = bob.say(.hand(isRaised: true), at: 70)
    let moderation = alice.say(
      .moderation(Moderation(action: .loweredHand, member: bob.id, reason: "later")), at: 80)
    return (
      [came, bobCame, said, reply, edit, reaction, poll, vote, hand, moderation], said, poll, reply
    )
  }

  @Test("Two of one name are told apart, alike for everybody, in whatever order their words came")
  func oneName() async throws {
    var first = Author(1)
    var second = Author(2)
    var third = Author(3)
    let entries = [
      first.say(.joined(name: "Ada"), at: 10), second.say(.joined(name: "ada\u{200D}"), at: 20),
      third.say(.joined(name: "Ada (2)"), at: 30),
      second.say("one", at: 40), first.say("two", at: 50), third.say("three", at: 60),
    ]
    let reaction = first.say(.reaction(to: entries[4].hash, "👍"), at: 70)
    for entry in [third, second, first].flatMap({ author in
      (entries + [reaction]).filter { $0.author == author.id }
    }) {
      try await store.append([entry], at: wall(99))
    }
    let messages = try await store.messages(limit: 10)
    #expect(messages.map(\.name).count == 3)
    #expect(Set(messages.map { DistinctNames.key($0.name) }).count == 3, "\(messages.map(\.name))")
    #expect(messages[1].name == "Ada")
    #expect(messages[1].reactions.map(\.names) == [["Ada"]])
    #expect(messages[0].name.hasSuffix("(2)"))
    // Elsewhere she is the only one.
    let other = signingKey(2000)
    let elsewhere = MeetingID(publicKey: other.publicKey)
    try await store.register(
      MeetingRecord(id: elsewhere, genesisKey: other.publicKey, title: "Other", chain: nil),
      at: wall(0))
    var again = Author(2, in: elsewhere)
    try await store.append([again.say("alone")], at: wall(99))
    let alone = try await store.messages(meeting: elsewhere, limit: 10)
    #expect(alone.map { DistinctNames.key($0.name) } == ["ada"])
  }

  @Test("Messages are shown with what others made of them", arguments: [false, true])
  func messages(isReversed: Bool) async throws {
    let (all, said, poll, reply) = entries()
    // Whatever comes first, it ends alike.
    for entry in isReversed ? all.reversed() : all { try await store.append([entry], at: wall(99)) }
    let messages = try await store.messages(limit: 50)
    #expect(messages.map(\.kind) == ["text", "reply", "poll", "hand", "moderation"])
    #expect(messages[0].text == "the plan")
    #expect(messages[0].isEdited)
    #expect(messages[0].reactions.map(\.emoji) == ["👍"])
    #expect(messages[0].reactions.map(\.names) == [["Bob"]])
    #expect(messages[1].target == said.id)
    #expect(messages[1].id == reply.id)
    #expect(messages[2].id == poll.id)
    #expect(messages[2].answers.map(\.text) == ["Yes", "No"])
    #expect(messages[2].answers.map(\.names) == [[], ["Bob"]])
    #expect(messages[3].text == "raised")
    #expect(messages[4].text == "lowered Bob's hand: later")
    #expect(try await store.messages(attendance: true, limit: 50).count == 7)
    #expect(try await store.messages(search: "teh", limit: 5).isEmpty)
    #expect(try await store.messages(search: "the", limit: 5).map(\.id) == [said.id])
    #expect(try await store.messages(search: "tea", limit: 5).map(\.id) == [poll.id])
    // By what can be answered, too.
    #expect(try await store.messages(search: "yes", limit: 5).map(\.text) == ["Tea?"])
    #expect(try await store.meetings()[0].messages == 3)
    #expect(try await store.entries(of: meeting) == all.sorted())
  }

  @Test("What doesn't count is kept and neither found, shown nor hashed, until it counts again")
  func uncounted() async throws {
    var alice = Author(1)
    var bob = Author(2)
    let came = alice.say(.joined(name: "Alice"))
    let said = alice.say("first words", at: 10)
    let poll = bob.say(.poll("Tea?", options: ["Yes", "No"]), at: 15)
    let edit = alice.say(.edit(of: said.hash, "second words"), at: 20)
    let reaction = alice.say(.reaction(to: poll.hash, "👍"), at: 30)
    let vote = alice.say(.vote(in: poll.hash, [1]), at: 40)
    let late = alice.say("third words", at: 50)
    let deletion = alice.say(.delete([late.hash]), at: 60)
    let all = [came, said, poll, edit, reaction, vote, late]
    try await store.append(all, at: wall(99))
    let past = [edit, reaction, vote, late]
    try await store.setCounted(past.map(\.hash), false, at: wall(100))
    // Saying it again changes nothing, nor does an entry that isn't here.
    try await store.setCounted([late.hash, deletion.hash], false, at: wall(100))
    #expect(try await store.hash(of: meeting) == HistoryHash.of([said, poll]))
    let messages = try await store.messages(limit: 9)
    #expect(messages.map(\.text) == ["first words", "Tea?"])
    #expect(messages[0].isEdited == false)
    #expect(messages[1].reactions.isEmpty && messages[1].answers.allSatisfy(\.names.isEmpty))
    for word in ["second", "third"] {
      #expect(try await store.messages(search: word, limit: 9).isEmpty)
    }
    #expect(try await store.messages(search: "first", limit: 9).map(\.id) == [said.id])
    #expect(try await store.entries(of: meeting) == all)
    // Its author's word that it is to go stands, though it isn't counted either.
    try await store.append([deletion], at: wall(101))
    try await store.setCounted([deletion.hash], false, at: wall(101))
    #expect(try await store.messages(limit: 9).count == 2)
    #expect(try await store.hash(of: meeting) == HistoryHash.of([said, poll]))

    try await store.setCounted((past + [deletion]).map(\.hash), true, at: wall(102))
    #expect(try await store.hash(of: meeting) == HistoryHash.of(all + [deletion]))
    let again = try await store.messages(limit: 9)
    #expect(again.map(\.text) == ["second words", "Tea?", ""])
    #expect(again.map(\.kind) == ["text", "poll", "deleted"])
    #expect(again[1].reactions.map(\.names) == [["Alice"]])
    #expect(again[1].answers.map(\.names) == [[], ["Alice"]])
    #expect(try await store.messages(search: "second", limit: 9).map(\.id) == [said.id])
    #expect(try await store.messages(search: "first", limit: 9).isEmpty)
  }

  @Test("Who was removed is kept with the meeting and forgotten with it")
  func removals() async throws {
    #expect(try await store.removals(of: meeting) == nil)
    let removals = WireRemovals.with {
      $0.revocations = [signingKey(1).sign([1, 2, 3], for: .revocation)]
    }
    try await store.keep(removals, of: meeting, at: wall(1))
    try await store.register(meetingRecord(), at: wall(2))
    #expect(try await store.removals(of: meeting) == removals)
    try await store.forget(meeting, at: wall(3))
    #expect(try await store.removals(of: meeting) == nil)
  }

  @Test(
    "A deleted message is gone from the search and from the file, whichever came first",
    arguments: [false, true])
  func deletion(isReversed: Bool) async throws {
    var alice = Author(1)
    let said = alice.say("unforgettable xylophone")
    let edit = alice.say(.edit(of: said.hash, "unspeakable xylophone"))
    let after = alice.say("something else")
    let deletion = alice.say(.delete([said.hash, edit.hash]))
    let all = [said, edit, after, deletion]
    let hash = HistoryHash.of(all)
    for entry in isReversed ? all.reversed() : all { try await store.append([entry], at: wall(0)) }
    #expect(try await store.messages(search: "xylophone", limit: 9).isEmpty)
    let messages = try await store.messages(limit: 9)
    #expect(messages.map(\.kind) == ["deleted", "text"], "its edits are no lines of their own")
    #expect(messages[0].text.isEmpty)
    let kept = try await store.entries(of: meeting)
    #expect(kept.map(\.body.kind) == ["deleted", "deleted", "text", "delete"])
    // The gap can be passed on, and the history is still the same.
    #expect(throws: Never.self) { try Entry(verifying: kept[0].signed, meeting: meeting) }
    #expect(try await store.hash(of: meeting) == hash)
    await store.close()
    for name in directory.names {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: directory.path + "/" + name))
      #expect(bytes.range(of: Data("xylophone".utf8)) == nil, "in \(name)")
    }
  }

  @Test("What was deleted is gone from the file at the next orderly end, if a run crashes before")
  func deletionBeforeCrash() async throws {
    var alice = Author(1)
    let said = alice.say("unforgettable xylophone")
    try await store.append([said, alice.say(.delete([said.hash]))], at: wall(0))
    // That run never closes its file.
    let next = try HistoryStore(path: directory.history, now: wall(1))
    await next.close()
    await store.close()
    for name in directory.names {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: directory.path + "/" + name))
      #expect(bytes.range(of: Data("xylophone".utf8)) == nil, "in \(name)")
    }
  }

  @Test("A gap whose delete isn't kept has its text again, and with it what that is found by")
  func restored() async throws {
    var alice = Author(1)
    let said = alice.say("the old plan")
    let edit = alice.say(.edit(of: said.hash, "the new plan"))
    let delete = alice.say(.delete([said.hash, edit.hash]))
    let gaps = try [said, edit].map { try #require($0.deleted(by: delete)) }
    try await store.append(gaps, at: wall(99))
    #expect(try await store.messages(search: "plan", limit: 10).isEmpty)
    try await store.restore(said, at: wall(99))
    #expect(try await store.messages(search: "old", limit: 10).map(\.text) == ["the old plan"])
    try await store.restore(edit, at: wall(99))
    #expect(try await store.messages(search: "plan", limit: 10).map(\.text) == ["the new plan"])
    #expect(try await store.entries(of: meeting).map(\.body) == [said, edit].map(\.body))
    // What doesn't count is still not found.
    try await store.append([gaps[0]], at: wall(99))
    try await store.setCounted([said.hash], false, at: wall(99))
    try await store.restore(said, at: wall(99))
    #expect(try await store.messages(search: "plan", limit: 10).isEmpty)
    try await store.append([delete], at: wall(99))
    #expect(try await store.entries(of: meeting).prefix(2).map(\.body) == [.deleted, .deleted])
  }

  @Test("What has no place in its log any more is gone from the messages, the search and the hash")
  func evicted() async throws {
    var alice = Author(1)
    let said = alice.say("the old plan")
    let edit = alice.say(.edit(of: said.hash, "the new plan"))
    let more = alice.say("more of the plan")
    try await store.append([said], at: wall(99))
    let before = try await store.hash(of: meeting)
    try await store.append([edit, more], at: wall(99))
    try await store.evict([edit.hash, more.hash, delete(said, by: &alice).hash], at: wall(99))
    #expect(try await store.messages(limit: 10).map(\.text) == ["the old plan"])
    #expect(try await store.messages(search: "new", limit: 10).isEmpty)
    #expect(try await store.messages(search: "plan", limit: 10).count == 1)
    #expect(try await store.hash(of: meeting) == before)
  }

  private func delete(_ entry: Entry, by author: inout Author) -> Entry {
    author.say(.delete([entry.hash]))
  }

  @Test("Nobody's delete or edit touches what somebody else said")
  func foreign() async throws {
    var alice = Author(1)
    var bob = Author(2)
    let said = alice.say("mine")
    try await store.append(
      [said, bob.say(.delete([said.hash])), bob.say(.edit(of: said.hash, "changed"))], at: wall(0))
    #expect(try await store.messages(search: "mine", limit: 9).map(\.id) == [said.id])
    #expect(try await store.messages(limit: 9).map(\.text) == ["mine"])
    #expect(try await store.messages(limit: 9)[0].isEdited == false)
  }

  @Test("Deleting an edit gives the text before it back to the search")
  func deletedEdit() async throws {
    var alice = Author(1)
    let said = alice.say("first")
    let edit = alice.say(.edit(of: said.hash, "second"))
    try await store.append([said, edit], at: wall(0))
    #expect(try await store.messages(search: "first", limit: 9).isEmpty)
    try await store.append([alice.say(.delete([edit.hash]))], at: wall(0))
    #expect(try await store.messages(search: "first", limit: 9).map(\.id) == [said.id])
    #expect(try await store.messages(search: "second", limit: 9).isEmpty)
  }

  @Test("Whoever signs two entries with one number is marked, and both are kept")
  func contradiction() async throws {
    var alice = Author(1)
    var double = Author(1)
    var bob = Author(2)
    try await store.append([alice.say("yes"), double.say("no"), bob.say("well")], at: wall(0))
    let messages = try await store.messages(limit: 9)
    #expect(messages.count == 3)
    for message in messages { #expect(message.isContradicted == (message.author == alice.id)) }
  }

  @Test("A meeting whose history can't be kept goes on with one in memory")
  func inMemory() async throws {
    let trouble = await failure { _ = try HistoryStore(path: "/proc/history.sqlite", now: wall(0)) }
    let memory = try HistoryStore(
      insteadOf: "/proc/history.sqlite", because: try #require(trouble))
    let warnings = await memory.takeWarnings()
    #expect(warnings.map(\.code) == ["history-unwritable"])
    #expect(warnings[0].message.contains("nothing that is said is kept"))
    try await memory.register(meetingRecord(), at: wall(0))
    let all = entries().all
    try await memory.append(all, at: wall(0))
    #expect(try await memory.entries(of: meeting) == all.sorted())
  }
}
