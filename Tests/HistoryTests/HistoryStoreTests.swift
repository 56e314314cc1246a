import Chat
import Foundation
import Foundations
import GRDB
import History
import SwiftProtobuf
import Testing
import Wire

@Suite("History store")
struct HistoryStoreTests {
  let directory: Directory
  let store: HistoryStore

  init() async throws {
    directory = try Directory()
    store = try HistoryStore(path: directory.history, now: wall(0))
    try await store.register(meetingRecord(), at: wall(0))
  }

  @Test("What was kept is there again in order, whatever order it came in")
  func order() async throws {
    var alice = Author(1)
    var bob = Author(2)
    var entries: [Entry] = []
    for number in 0..<30 {
      entries.append(alice.say("a\(number)"))
      entries.append(bob.say("b\(number)"))
    }
    var chance = SeededGenerator(seed: 1)
    for entry in entries.shuffled(using: &chance) { try await store.append([entry], at: wall(9)) }
    try await store.append(entries, at: wall(9))
    #expect(try await store.entries(of: meeting) == entries.sorted())
    #expect(try await store.entries(of: MeetingID(Array(repeating: 0, count: 16))!).isEmpty)
    let again = try await store.entries(of: meeting)[7]
    #expect(again.signed == entries.sorted()[7].signed)
  }

  @Test("The hash is the log's own, and doesn't hang on who came and went")
  func hash() async throws {
    var alice = Author(1)
    let joined = alice.say(.joined(name: "Alice"))
    let said = [alice.say("one"), alice.say("two")]
    try await store.append([joined] + said, at: wall(0))
    #expect(try await store.hash(of: meeting) == HistoryHash.of(said))
    try await store.append([alice.say(.left(name: "Alice"))], at: wall(0))
    #expect(try await store.hash(of: meeting) == HistoryHash.of(said))
    try await store.append([alice.say("three")], at: wall(0))
    #expect(try await store.hash(of: meeting) != HistoryHash.of(said))
    #expect(try await store.hash(of: MeetingID(Array(repeating: 0, count: 16))!) == nil)
  }

  @Test("A meeting is listed with its messages, its members and the last that was said")
  func summary() async throws {
    var alice = Author(1)
    var bob = Author(2)
    try await store.append(
      [alice.say(.joined(name: "Alice")), alice.say("one"), bob.say("two", at: 100)], at: wall(200))
    let other = MeetingID(Array(repeating: 3, count: 16))!
    try await store.register(
      MeetingRecord(id: other, genesisKey: [1], title: "\u{1B}[31mOld\n", chain: nil), at: wall(50))
    let summaries = try await store.meetings()
    #expect(summaries.map(\.title) == ["Standup", "[31mOld"])
    #expect(summaries.map(\.messages) == [2, 0])
    #expect(summaries.map(\.members) == [2, 0])
    #expect(summaries[0].last?.text == "two")
    #expect(summaries[0].firstJoined == wall(0))
    #expect(summaries[0].lastSeen == wall(200))
    #expect(summaries[1].last == nil)
  }

  @Test("Names come from the member's record, else from the log, else nobody knows")
  func names() async throws {
    var alice = Author(1)
    var bob = Author(2)
    var carol = Author(3)
    try await store.append(
      [
        alice.say(.joined(name: "Al")), alice.say("one", at: 10),
        bob.say(.joined(name: "B\u{202E}ob")), bob.say("two", at: 20), carol.say("three", at: 30),
      ], at: wall(0))
    try await store.remember(
      [member(signingKey(1), name: "Alice", issued: wall(5))], in: meeting, at: wall(1))
    try await store.remember(
      [member(signingKey(1), name: "Stale", issued: wall(4))], in: meeting, at: wall(2))
    let messages = try await store.messages(limit: 10)
    #expect(messages.map(\.name) == ["Alice", "Bob", "somebody"])
    let all = try await store.messages(attendance: true, limit: 10)
    #expect(Set(all.map(\.kind)) == ["joined", "text"])
    #expect(all.count == 5)
  }

  @Test("Of many messages the newest are given, oldest first; since and meeting narrow them")
  func limits() async throws {
    var alice = Author(1)
    let entries = (1...50).map { alice.say("line \($0)", at: Int64($0) * 1000) }
    try await store.append(entries, at: wall(50_000))
    #expect(try await store.messages(limit: 3).map(\.text) == ["line 48", "line 49", "line 50"])
    let since = try await store.messages(meeting: meeting, since: wall(49_000), limit: 100)
    #expect(since.map(\.text) == ["line 49", "line 50"])
    #expect(since[0].id == entries[48].id)
    #expect(since[0].author == alice.id)
    let other = MeetingID(Array(repeating: 3, count: 16))!
    #expect(try await store.messages(meeting: other, limit: 3).isEmpty)
    #expect(try await store.messages(limit: -5).isEmpty)
  }

  @Test("A clock that is a year ahead isn't shown")
  func clampedTime() async throws {
    var alice = Author(1)
    try await store.append([alice.say("hi", at: 31_536_000_000)], at: wall(0))
    #expect(try await store.messages(limit: 1)[0].time == wall(60_000))
  }

  @Test("A meeting can be come back to with its grant and the members met there")
  func recent() async throws {
    let chain = WireGrantChain.with { $0.genesisKey = Data(genesis.publicKey) }
    try await store.register(meetingRecord(title: "", chain: chain), at: wall(5))
    try await store.remember([member(signingKey(1), name: "A")], in: meeting, at: wall(6))
    try await store.remember([member(signingKey(2), name: "B")], in: meeting, at: wall(7))
    let recent = try await store.recentMeetings()
    #expect(recent.map(\.id) == [meeting])
    #expect(recent[0].title == "Standup")
    #expect(recent[0].chain == chain)
    #expect(recent[0].genesisKey == genesis.publicKey)
    #expect(recent[0].members.map(\.name) == ["B", "A"])
    #expect(recent[0].members[0].addresses.map(\.description) == ["192.0.2.7:4455"])
  }

  @Test("A forgotten meeting is gone, from the search and from the file too")
  func forget() async throws {
    var alice = Author(1)
    try await store.append([alice.say("unforgettable xylophone")], at: wall(0))
    try await store.remember([member(signingKey(1), name: "Alice")], in: meeting, at: wall(1))
    try await store.forget(meeting, at: wall(2))
    #expect(try await store.meetings().isEmpty)
    #expect(try await store.messages(search: "xylophone", limit: 9).isEmpty)
    for name in directory.names {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: directory.path + "/" + name))
      for word in ["xylophone", "Alice", "Standup"] {
        #expect(bytes.range(of: Data(word.utf8)) == nil, "\(word) in \(name)")
      }
    }
    await store.close()
    #expect(directory.names == ["history.sqlite"])
  }

  @Test("An entry of a meeting that isn't registered is refused")
  func unregistered() async throws {
    let other = MeetingID(Array(repeating: 3, count: 16))!
    var alice = Author(1, in: other)
    let entry = alice.say("hello")
    #expect(
      await failure { try await store.append([entry], at: wall(0)) }?.code == "history-failed")
    #expect(try await store.entries(of: other).isEmpty)
  }
}

@Suite("Search")
struct SearchTests {
  let directory: Directory
  let store: HistoryStore

  init() async throws {
    directory = try Directory()
    store = try HistoryStore(path: directory.history, now: wall(0))
    try await store.register(meetingRecord(), at: wall(0))
    var alice = Author(1)
    let texts = [
      "The quick brown fox", "Crème brûlée for 100% of us", "don't say \"never\"",
      "我们明天见", "C++ AND C", "a_b", "OR NOT NEAR(x)", "🎉 party", "see you tomorrow, Bob",
      "path\\to\\file", "พรุ่งนี้เจอกัน",
    ]
    try await store.append(
      [alice.say(.joined(name: "fox"))] + texts.map { alice.say($0) }, at: wall(0))
  }

  @Test(
    "It finds words by their beginnings, in any script, case and accent",
    arguments: [
      ("quick", 1), ("QUI fox", 1), ("creme", 1), ("brule", 1), ("100%", 1), ("don't", 1),
      ("\"never\"", 1), ("明天", 1), ("C++", 1), ("a_b", 1), ("OR NOT", 1), ("🎉", 1),
      ("tomorrow, b", 1), ("\\to", 1), ("เจอกัน", 1), ("fox wolf", 0), ("ick", 0), ("a%b", 0),
      ("NEAR(x)", 1), ("tomorrow 天", 0), ("“never”", 1), ("don’t", 1), ("‚never", 0),
    ])
  func finds(search: String, count: Int) async throws {
    let found = try await store.messages(search: search, limit: 10)
    #expect(found.count == count, "\(search): \(found.map(\.text))")
  }

  @Test(
    "Words in quotation marks stand together, and each ends where the mark does",
    arguments: [
      ("\"brown fox\"", 1), ("\"fox brown\"", 0), ("\"brown fo\"", 0), ("“Brown FOX”", 1),
      ("\"quick\" fo", 1), ("\"qui\" fox", 0), ("quick \"brown fox\"", 1), ("\"brown fox", 1),
      ("\"creme brulee\" us", 1), ("\"see you tomorrow, bob\"", 1), ("\"you, tomorrow\"", 0),
      ("\"我们明天\"", 1), ("« brown fox »", 1), ("»fox brown«", 0), ("\"don't say\" never", 1),
      ("\"\"", 0), ("\" \"", 1), ("\"100% of\"", 1),
    ])
  func quoted(search: String, count: Int) async throws {
    try await finds(search: search, count: count)
  }

  @Test(
    "A word with a sign in it is found in any case, accent and composition",
    arguments: [
      ("Über-Größe passt", ["über-größe", "UBER-GROßE", "u\u{308}ber-größe"]),
      ("ÄRGER! heute", ["ärger!", "a\u{308}rger!", "arger!"]),
      ("ПРИВЕТ, мир", ["привет,", "ПРИВЕТ, МИР"]),
      ("Ünal (Özil)", ["(özil)", "(ozil)", "(O\u{308}ZIL)"]),
      ("naïve-user", ["naive-user", "NAÏVE-USER", "nai\u{308}ve-"]),
      ("cre\u{300}me bru\u{302}le\u{301}e!", ["crème brûlée!", "BRULÉE!", "creme"]),
      ("мо\u{438}\u{306} дом", ["мой", "МОЙ"]), ("мой дом", ["мо\u{438}\u{306}", "мой"]),
      ("한국-어", ["\u{1112}\u{1161}\u{11AB}\u{1100}\u{116E}\u{11A8}-", "한국"]),
      ("\u{1112}\u{1161}\u{11AB}\u{1100}\u{116E}\u{11A8}", ["한국", "\u{1112}\u{1161}\u{11AB}"]),
      ("か\u{3099}んばって", ["がんばって", "んば"]), ("ΟΔΟΣ/οδος", ["οδοσ/", "ΟΔΟς/ΟΔ"]),
      ("100\u{A0}%_\\*", ["%_\\", "%_\\*"]),
    ])
  func folded(text: String, searches: [String]) async throws {
    try await finds(text, by: searches)
    #expect(try await store.messages(search: "x-\(searches[0])-x", limit: 10).isEmpty)
  }

  @Test(
    "A letter is found by those that stand for it, a word without its points, and the reverse",
    arguments: [
      ("Hauptstraße 5", ["HAUPTSTRASSE", "hauptstrasse 5", "HAUPTSTRAẞE", "hauptstraße"]),
      ("HAUPTSTRASSE", ["hauptstraße", "HauptstraẞE"]), ("GROẞ!", ["gross!", "groß", "GROSS"]),
      ("ﬁnd the ﬂag, aﬃne", ["find flag,", "FIND", "affine", "AFFI", "ﬁnd"]),
      ("find", ["ﬁ"]), ("և", ["եւ", "ԵՒ"]), ("ﬓ", ["մն"]), ("ŉ dag", ["ʼn"]),
      ("ﬆop", ["stop", "ﬅop"]),
      ("בְּרֵאשִׁית בָּרָא", ["בראשית", "ברא", "בְּרֵאשִׁית", "בראשׁית"]),
      ("בראשית", ["בְּרֵאשִׁית", "בְּרֵא"]), ("\u{FB2A}לום", ["שלום", "שָׁלוֹם"]),
      ("مُحَمَّدٌ رَسُولٌ", ["محمد", "محمد رسول", "مُحَمَّد", "محـــمد"]), ("محمد،", ["مُحَمَّد،", "مُحَمَّدٌ"]),
      ("مـحـمـد", ["محمد", "مُحَمَّد"]), ("قرآن أحمد", ["قران", "احمد", "قُرْآن"]), ("هٰذا", ["هذا"]),
      ("ܫܠܳܡܳܐ", ["ܫܠܡܐ"]), ("यह कुल है", ["कुल", "कुल है"]), ("Ὀδυσσεύς", ["οδυσσευσ", "ΟΔΥΣΣΕΎΣ"]),
      ("й Й", ["и"]), ("ΐ", ["ι"]), ("ǰ", ["j"]), ("İstanbul", ["istanbul", "ISTANBUL"]),
    ])
  func foldedInFull(text: String, searches: [String]) async throws {
    try await finds(text, by: searches)
    #expect(try await store.messages(search: "x\(searches[0])", limit: 10).isEmpty)
  }

  private func finds(_ text: String, by searches: [String]) async throws {
    var author = Author(2)
    try await store.append([author.say(text)], at: wall(0))
    for search in searches {
      let found = try await store.messages(search: search, limit: 10)
      #expect(found.contains { $0.text.utf8.elementsEqual(text.utf8) }, "\(search)")
    }
  }

  @Test("Vowels that nobody leaves out keep words apart")
  func vowels() async throws {
    var author = Author(2)
    try await store.append([author.say("कुल"), author.say("कल,")], at: wall(0))
    for (search, text) in [("कुल", "कुल"), ("कल", "कल,"), ("कल,", "कल,")] {
      #expect(try await store.messages(search: search, limit: 10).map(\.text) == [text])
    }
    #expect(try await store.messages(search: "कि", limit: 10).isEmpty)
  }

  @Test("An edit and a deletion take the old words out of the index, however they are folded")
  func foldedChanges() async throws {
    var author = Author(2)
    let said = author.say("Straße")
    try await store.append([said], at: wall(0))
    try await store.append([author.say(.edit(of: said.hash, "Weg"))], at: wall(0))
    #expect(try await store.messages(search: "strasse", limit: 10).isEmpty)
    #expect(try await store.messages(search: "weg", limit: 10).count == 1)
    try await store.append([author.say(.edit(of: said.hash, "Größe"))], at: wall(0))
    #expect(try await store.messages(search: "weg", limit: 10).isEmpty)
    #expect(try await store.messages(search: "grösse", limit: 10).count == 1)
    try await store.setCounted([said.hash], false, at: wall(0))
    #expect(try await store.messages(search: "groesse", limit: 10).isEmpty)
    #expect(try await store.messages(search: "größe", limit: 10).isEmpty)
    try await store.setCounted([said.hash], true, at: wall(0))
    #expect(try await store.messages(search: "GRÖSSE", limit: 10).count == 1)
    await store.close()
    let queue = try DatabaseQueue(path: directory.history)
    try await queue.write { db in
      try db.execute(sql: "INSERT INTO texts(texts, rank) VALUES ('integrity-check', 1)")
    }
    try queue.close()
  }

  @Test("Words in quotation marks stand together over the end of a line, too")
  func overLines() async throws {
    var author = Author(2)
    try await store.append([author.say("it's the end\nof it,\u{A0}isn't it?")], at: wall(0))
    for search in ["\"end of it,\"", "\"it, isn't it?\"", "\"it’s the  end\""] {
      #expect(try await store.messages(search: search, limit: 10).count == 1, "\(search)")
    }
    let long = "\"it's the end of it, isn't it? \(String(repeating: "x", count: 300))\""
    #expect(try await store.messages(search: long, limit: 10).isEmpty)
  }

  @Test("Words that a tab or a line separator keeps apart are kept and found as such")
  func tabs() async throws {
    var author = Author(2)
    try await store.append([author.say("name\tpieces\u{2028}bolts\u{85}9")], at: wall(0))
    for search in ["name pieces", "pieces", "bolts", "name\tpieces"] {
      let found = try await store.messages(search: search, limit: 10)
      #expect(found.map(\.text) == ["name pieces bolts 9"], "\(search)")
    }
  }

  @Test(
    "Nothing that is typed is taken for a query language",
    arguments: [
      "\"", "\"\"", "'", "*", "quick*", "^quick", "text:quick", "quick OR", "NEAR(", "(", ")", "-",
      "a\" OR text MATCH \"b", "'; DROP TABLE entries; --", "{text} : x", "\u{0}", "\\", "%", "_",
      "+", "AND", "NOT", "\u{202E}", "é́́", "Ⓐ", String(repeating: "x\" ", count: 5000),
      String(repeating: "q", count: 100_000),
    ])
  func hostile(search: String) async throws {
    _ = try await store.messages(search: search, limit: 10)
    #expect(try await store.messages(limit: 100).count == 11)
  }

  @Test("Random searches never fail", arguments: 0..<4 as Range<UInt64>)
  func random(seed: UInt64) async throws {
    var chance = SeededGenerator(seed: seed)
    let alphabet = Array("ab\"'*()^:-+%_\\ \tORNEAD{}🎉我é\u{0}\u{301}")
    for _ in 0..<100 {
      let length = Int.random(in: 0..<20, using: &chance)
      let search = String((0..<length).map { _ in alphabet.randomElement(using: &chance)! })
      _ = try await store.messages(search: search, limit: 10)
    }
  }

  @Test("A blank search is none")
  func blank() async throws {
    #expect(try await store.messages(search: " \n ", limit: 100).count == 11)
  }
}
