import Chat
import Foundation
import Foundations
import Testing
import Wire

@Suite("Transcript")
struct TranscriptTests {
  /// Alice and Bob, who hear each other at once.
  struct Pair {
    var alice = Member(1)
    var bob = Member(2)
    private var time: Int64 = 0

    @discardableResult
    mutating func alice(_ body: WireChatBody) -> Entry {
      time += 1
      let entry = alice.handle(.compose(body, wall: wall(time))).compactMap(\.shown)[0]
      bob.handle(.received([entry.signed], from: alice.id))
      return entry
    }

    @discardableResult
    mutating func bob(_ body: WireChatBody) -> Entry {
      time += 1
      let entry = bob.handle(.compose(body, wall: wall(time))).compactMap(\.shown)[0]
      alice.handle(.received([entry.signed], from: bob.id))
      return entry
    }

    var transcript: Transcript { Transcript(bob.log.ordered) }
  }

  @Test("The latest edit by its author is shown, and no one else's")
  func edits() {
    var pair = Pair()
    let said = pair.alice(.text("teh"))
    pair.bob(.edit(of: said.hash, "vandalised"))
    #expect(pair.transcript[said.hash]?.isEdited == false)
    pair.alice(.edit(of: said.hash, "the"))
    let last = pair.alice(.edit(of: said.hash, "then"))
    let hand = pair.alice(.hand(isRaised: true))
    pair.alice(.edit(of: hand.hash, "no text to edit"))
    #expect(pair.transcript[said.hash]?.text == "then")
    #expect(pair.transcript[said.hash]?.isEdited == true)
    #expect(pair.transcript[hand.hash]?.text == "")
    // Deleting an edit gives the one before it back.
    pair.alice(.delete([last.hash]))
    #expect(pair.transcript[said.hash]?.text == "the")
  }

  @Test("Reactions count each member once, and can be taken back")
  func reactions() {
    var pair = Pair()
    let said = pair.alice(.text("cake"))
    for _ in 0..<2 { pair.bob(.reaction(to: said.hash, "🎂")) }
    pair.alice(.reaction(to: said.hash, "🎂"))
    pair.alice(.reaction(to: said.hash, "👍"))
    let line = pair.transcript[said.hash]
    #expect(line?.reactions.map(\.emoji) == ["🎂", "👍"])
    #expect(line?.reactions[0].members == [pair.bob.id, pair.alice.id])
    pair.alice(.reaction(to: said.hash, "👍", isWithdrawn: true))
    pair.bob(.reaction(to: said.hash, "👍", isWithdrawn: true))
    #expect(pair.transcript[said.hash]?.reactions.map(\.emoji) == ["🎂"])
  }

  @Test("A member's latest vote counts, as far as the poll allows")
  func votes() {
    var pair = Pair()
    let one = pair.alice(.poll("Tea?", options: ["Yes", "No"]))
    let many = pair.alice(.poll("When?", options: ["Mo", "Tu", "We"], allowsSeveral: true))
    pair.bob(.vote(in: one.hash, [0]))
    pair.bob(.vote(in: one.hash, [1]))
    pair.alice(.vote(in: one.hash, [0, 1]))
    pair.alice(.vote(in: many.hash, [0, 2, 15]))
    pair.bob(.vote(in: many.hash, [2]))
    #expect(pair.transcript[one.hash]?.votes == [[pair.alice.id], [pair.bob.id]])
    let both = [pair.alice.id, pair.bob.id].sorted()
    #expect(pair.transcript[many.hash]?.votes == [[pair.alice.id], [], both])
    pair.bob(.vote(in: many.hash, []))
    #expect(pair.transcript[many.hash]?.votes == [[pair.alice.id], [], [pair.alice.id]])
  }

  @Test("Hands are kept in the order in which they went up")
  func hands() {
    var pair = Pair()
    pair.bob(.hand(isRaised: true))
    pair.alice(.hand(isRaised: true))
    pair.bob(.hand(isRaised: true))
    #expect(pair.transcript.raisedHands == [pair.bob.id, pair.alice.id])
    pair.bob(.hand(isRaised: false))
    #expect(pair.transcript.raisedHands == [pair.alice.id])
    pair.alice(.left(name: "Alice"))
    #expect(pair.transcript.raisedHands.isEmpty)
  }

  @Test("Attendance is read from the log: who came, went, and came again")
  func attendance() {
    var pair = Pair()
    let came = pair.alice(.joined(name: "Alice"))
    pair.bob(.joined(name: "Bob"))
    let went = pair.alice(.left(name: "Alice"))
    pair.alice(.joined(name: "Alice"))
    let stays = pair.transcript.attendance
    #expect(stays.map(\.name) == ["Alice", "Bob", "Alice"])
    #expect(stays[0].from == came.clock)
    #expect(stays[0].until == went.clock)
    #expect(stays[1].until == nil)
  }

  @Test("It is the same whatever order the entries come in")
  func order() {
    var pair = Pair()
    let poll = pair.alice(.poll("Tea?", options: ["Yes", "No"]))
    pair.bob(.vote(in: poll.hash, [0]))
    let said = pair.alice(.text("one"))
    pair.alice(.edit(of: said.hash, "two"))
    pair.bob(.reaction(to: said.hash, "👍"))
    var chance = SeededGenerator(seed: 3)
    for _ in 0..<20 {
      let shuffled = Transcript(pair.alice.log.ordered.shuffled(using: &chance))
      #expect(shuffled[said.hash]?.text == "two")
      #expect(shuffled[poll.hash]?.votes == [[pair.bob.id], []])
      #expect(shuffled.lines.map(\.entry) == pair.transcript.lines.map(\.entry))
    }
  }
}

@Suite("Commands of chat")
struct ChatCommandTests {
  @Test("One's own latest message needs no number, and what was deleted is none")
  func last() throws {
    var alice = Member(1)
    var bob = Member(2)
    #expect(throws: ChatCommand.Problem.noSuchEntry("last")) {
      try alice.log.body(of: ChatCommand(parsing: "edit last x")!)
    }
    let first = alice.say("one", at: 1)!
    let second = alice.say("two", at: 2)!
    let other = bob.say("three", at: 3)!
    alice.handle(.received([other.signed], from: bob.id))
    #expect(
      try alice.log.body(of: ChatCommand(parsing: "edit last x")!) == .edit(of: second.hash, "x"))
    alice.handle(.compose(.delete([second.hash]), wall: wall(4)))
    #expect(
      try alice.log.body(of: ChatCommand(parsing: "delete last")!) == .delete([first.hash]))
  }

  @Test("Each is read as it is written in the help")
  func read() throws {
    let name = ChatCommand.EntryName("0a1b2c")!
    let commands: [(String, ChatCommand)] = [
      ("reply 0a1b2c  well,  yes ", .reply(to: name, "well,  yes")),
      ("edit #0A1B2C no", .edit(name, "no")),
      ("delete 0a1b2c", .delete(name)),
      ("edit Last no", .edit(ChatCommand.EntryName("last")!, "no")),
      ("react 0a1b2c 👍", .react(to: name, "👍", isWithdrawn: false)),
      ("unreact 0a1b2c 👍", .react(to: name, "👍", isWithdrawn: true)),
      ("poll Tea? | Yes | No", .poll("Tea?", options: ["Yes", "No"], allowsSeveral: false)),
      ("poll *When? | Mo|Tu", .poll("When?", options: ["Mo", "Tu"], allowsSeveral: true)),
      ("vote 0a1b2c 2", .vote(name, [2])),
      ("vote 0a1b2c 3, 1 3", .vote(name, [1, 3])),
      ("vote 0a1b2c 0", .vote(name, [])),
      ("hand", .hand(isRaised: true)),
      ("hand up", .hand(isRaised: true)),
      ("hand down", .hand(isRaised: false)),
    ]
    for (line, command) in commands {
      #expect(try ChatCommand(parsing: line) == command, "\(line)")
    }
    for line in ["", " ", "leave", "replyx 0a1b", "mute Bob"] {
      #expect(try ChatCommand(parsing: line) == nil)
    }
  }

  @Test(
    "One that is written wrong says how to write it",
    arguments: [
      "reply", "reply 0a1b2c", "reply yes no", "reply 0a1 x", "edit", "delete", "delete me",
      "react 0a1b2c", "poll", "poll Tea?", "poll Tea? | Yes", "poll | |", "vote 0a1b2c",
      "vote 0a1b2c x", "vote 0a1b2c -1", "hand wave",
      "poll q" + String(repeating: "|a", count: 17),
    ])
  func usage(line: String) {
    let problem = #expect(throws: ChatCommand.Problem.self) { try ChatCommand(parsing: line) }
    #expect(problem?.sentence.hasPrefix("Write it as /\(line.split(separator: " ")[0]) ") == true)
  }

  @Test("It finds the message by the beginning of its identifier, and says when it can't")
  func resolve() throws {
    var alice = Member(1)
    var bob = Member(2)
    let said = alice.say("hello")!
    bob.handle(.received([said.signed], from: alice.id))
    let own = bob.say("mine")!
    func problem(_ line: String) -> ChatCommand.Problem? {
      do throws(ChatCommand.Problem) {
        _ = try bob.log.body(of: ChatCommand(parsing: line)!)
        return nil
      } catch {
        return error
      }
    }
    let short = said.id.description.prefix(6)
    let mine = own.id.description.prefix(6)
    #expect(
      try bob.log.body(of: ChatCommand(parsing: "reply \(short) hi")!)
        == .reply(to: said.hash, "hi"))
    #expect(problem("reply 0000000000 hi") == .noSuchEntry("0000000000"))
    #expect(problem("edit \(short) hi") == .notOwn("\(short)"))
    #expect(problem("delete \(short)") == .notOwn("\(short)"))
    #expect(problem("vote \(short) 1") == .notPoll("\(short)"))
    #expect(problem("edit \(mine) better") == nil)
    bob.handle(.compose(.edit(of: own.hash, "better"), wall: wall(1)))
    let deletion = try bob.log.body(of: ChatCommand(parsing: "delete \(mine)")!)
    #expect(deletion == .delete([own.hash, bob.stored.last!.hash]))
    bob.handle(.compose(deletion, wall: wall(2)))
    #expect(problem("reply \(mine) hi") == .noSuchEntry("\(mine)"))
    let poll = bob.handle(.compose(.poll("Tea?", options: ["Yes", "No"]), wall: wall(3)))
      .compactMap(\.shown)[0]
    let name = poll.id.description.prefix(8)
    #expect(problem("vote \(name) 2") == nil)
    #expect(problem("vote \(name) 3") == .badChoice(2))
    #expect(problem("vote \(name) 99") == .badChoice(2))
    #expect(problem("vote \(name) 1 2") == .badChoice(2))
  }
}
