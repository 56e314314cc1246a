import Foundation
import Foundations
import Testing
import Wire

@testable import Admission

@Suite("Invite book")
struct InviteBookTests {
  /// Members in the order of their identifiers.
  private let members = (1...4).map { Person("member \($0)").id }.sorted()

  private func book(_ place: Int) -> InviteBook { InviteBook(member: members[place]) }

  private func make(
    in book: inout InviteBook, uses: Int = 2, life: Duration = .seconds(600),
    heard: Set<Int> = [], seed: UInt64 = 1
  ) throws -> InviteCode {
    try book.make(uses: uses, life: life, heard: heard, at: newYear, secrets: .seeded(seed)).code
  }

  /// What a book takes over, once an owner can't have been away for a moment only.
  private func takenOver(
    by book: inout InviteBook, admitters: Set<PeerID>, at time: WallTime
  ) -> [InviteBook.Change] {
    book.setAdmitters(admitters, at: time)
    return book.takeOver(at: time + InviteBook.grace)
  }

  private func at(_ seconds: Int) -> WallTime { newYear + .seconds(seconds) }

  @Test("A code is open for its uses and its life, then answered for one hour, then forgotten")
  func lives() throws {
    var book = book(0)
    let code = try make(in: &book)
    let number = code.nameplate
    #expect(book.advertised(at: newYear) == [number])
    #expect(book.open(at: newYear).map(\.code) == [code])
    #expect(book.nextChange(after: newYear) == at(600))
    #expect(book.lookup(number, at: at(599)) != .expired)
    #expect(book.lookup(number, at: at(600)) == .expired)
    #expect(book.lookup(number, at: at(4199)) == .expired)
    #expect(book.advertised(at: at(4199)) == [number])
    #expect(book.open(at: at(600)).isEmpty)
    #expect(book.nextChange(after: at(600)) == at(4200))
    #expect(book.lookup(number, at: at(4200)) == .unknown)
    #expect(book.advertised(at: at(4200)).isEmpty)
    #expect(book.nextChange(after: at(4200)) == nil)
    let spends = [600, 100, 200, 200].map { book.spend(code, at: at($0)) }
    #expect(spends == [false, true, true, false])
    #expect(book.lookup(number, at: at(3799)) == .usedUp)
    #expect(book.lookup(number, at: at(3800)) == .unknown)
    #expect(book.lookup(number % 999 + 1, at: newYear) == .unknown)
  }

  @Test("Nameplates are free ones of those heard and held, short while short ones are left")
  func nameplates() throws {
    var book = book(0)
    let heard = Set(1...40)
    for seed in 1...20 {
      let code = try make(in: &book, heard: heard, seed: UInt64(seed))
      #expect((41...99).contains(code.nameplate) || code.nameplate > 99)
    }
    #expect(Set(book.advertised(at: newYear)).count == 20)
    let far = InviteBook.freeNameplate(besides: Set(1...998), secrets: .seeded(1))
    #expect(far == 999)
    #expect(InviteBook.freeNameplate(besides: Set(1...999), secrets: .seeded(1)) == nil)
  }

  @Test("A member has at most 32 codes at a time")
  func bound() throws {
    var book = book(0)
    for seed in 0..<32 { _ = try make(in: &book, seed: UInt64(seed)) }
    let failure = try #require(throws: Failure.self) { try make(in: &book, seed: 99) }
    #expect(failure.code == "too-many-codes")
    // Ended ones are forgotten in the end.
    _ = try book.make(
      uses: 1, life: .seconds(1), heard: [], at: at(5000), secrets: .seeded(3))
  }

  @Test("Codes that others left behind, or that aren't kept, take the place of none of one's own")
  func leftBehind() throws {
    var book = book(1)
    var (last, code): (WireInviteShare?, InviteCode?)
    for seed in 0..<33 {
      var other = self.book(0)
      let made = try make(
        in: &other, heard: Set(1...999).subtracting([seed + 1]), seed: UInt64(seed + 1000))
      #expect(made.nameplate == seed + 1)
      last = other.shares(at: newYear)[0]
      if seed == 32 { code = try make(in: &book, heard: Set(1...999).subtracting([33])) }
      let change = try book.receive(#require(last), from: members[0], at: newYear)
      #expect(change == nil, "the thirty-third is too many")
    }
    let taken = takenOver(by: &book, admitters: [members[1]], at: newYear)
    #expect(taken.count == 32)
    for seed in 1..<32 {
      _ = try make(in: &book, heard: Set(1...99), seed: UInt64(seed))
    }
    #expect(book.advertised(at: newYear).prefix(32).contains(try #require(code).nameplate))
    #expect(throws: Failure.self) { try make(in: &book, heard: Set(1...99), seed: 99) }
  }

  @Test("A code closed early is used up for its joiner")
  func closing() throws {
    var book = book(0)
    let code = try make(in: &book)
    book.close(code, at: at(5))
    #expect(book.lookup(code.nameplate, at: at(6)) == .usedUp)
  }

  @Test("When its owner is gone, the lowest of those present who may admit takes a code over")
  func takeover() throws {
    var owner = book(0)
    let code = try make(in: &owner)
    _ = owner.spend(code, at: at(1))
    var others = [book(1), book(2), book(3)]
    for place in others.indices {
      others[place].setAdmitters(Set(members), at: newYear)
      for share in owner.shares(at: at(1)) {
        #expect(others[place].receive(share, from: members[0], at: at(1)) == nil)
      }
      #expect(others[place].lookup(code.nameplate, at: at(1)) == .unknown)
    }
    let left = Set(members.dropFirst())
    #expect(takenOver(by: &others[0], admitters: left, at: at(2)) == [.took(code)])
    #expect(takenOver(by: &others[1], admitters: left, at: at(2)).isEmpty)
    guard case .open(let invite) = others[0].lookup(code.nameplate, at: at(2)) else {
      Issue.record("not open")
      return
    }
    #expect(invite.usesLeft == 1)
    #expect(invite.expires == at(600))
    // The next ones hear of it, and follow when that one goes too.
    for share in others[0].shares(at: at(2)) {
      _ = others[1].receive(share, from: members[1], at: at(2))
    }
    let fewer = Set(members.dropFirst(2))
    #expect(takenOver(by: &others[1], admitters: fewer, at: at(3)) == [.took(code)])
    #expect(takenOver(by: &others[2], admitters: fewer, at: at(3)).isEmpty)
  }

  @Test("Who is away for a moment keeps its codes; who says goodbye leaves them at once")
  func grace() throws {
    var owner = book(2)
    let code = try make(in: &owner)
    var heir = book(1)
    heir.setAdmitters(Set(members), at: newYear)
    _ = heir.receive(owner.shares(at: newYear)[0], from: members[2], at: newYear)
    let left = Set([members[1], members[3]])
    heir.setAdmitters(left, at: at(1))
    #expect(heir.takeOver(at: at(2)).isEmpty)
    #expect(heir.nextChange(after: at(2)) == at(1) + InviteBook.grace)
    heir.setAdmitters(left.union([members[2]]), at: at(2))
    #expect(heir.takeOver(at: at(10)).isEmpty)
    heir.depart(members[2], at: at(11))
    heir.setAdmitters(left, at: at(11))
    #expect(heir.takeOver(at: at(11)) == [.took(code)])
  }

  @Test("After a partition heals the lowest owner keeps the code, with the fewer uses")
  func heal() throws {
    // The owner, third in order, on one side; the second on the other.
    var owner = book(2)
    let code = try make(in: &owner)
    var taker = book(1)
    taker.setAdmitters(Set(members), at: newYear)
    for share in owner.shares(at: newYear) {
      _ = taker.receive(share, from: members[2], at: newYear)
    }
    // The lowest isn't there.
    #expect(takenOver(by: &taker, admitters: [members[1]], at: at(1)) == [.took(code)])
    _ = owner.spend(code, at: at(2))
    owner.setAdmitters([members[2]], at: at(2))
    // Together again, each tells the other.
    owner.setAdmitters([members[1], members[2]], at: at(3))
    taker.setAdmitters([members[1], members[2]], at: at(3))
    let fromOwner = owner.shares(at: at(3))
    let fromTaker = taker.shares(at: at(3))
    #expect(fromTaker.map { owner.receive($0, from: members[1], at: at(3)) } == [.yielded(code)])
    #expect(fromOwner.map { taker.receive($0, from: members[2], at: at(3)) } == [nil])
    #expect(owner.advertised(at: at(3)).isEmpty)
    #expect(taker.open(at: at(3)).map(\.usesLeft) == [1])
  }

  @Test("Two codes of one meeting with one nameplate: the higher owner's gives way")
  func collision() throws {
    var low = book(0)
    var high = book(1)
    let number = try make(in: &low).nameplate
    let code = try make(in: &high, heard: Set(1...999).subtracting([number]), seed: 2)
    #expect(code.nameplate == number)
    let fromLow = low.shares(at: newYear)[0]
    let fromHigh = high.shares(at: newYear)[0]
    #expect(low.receive(fromHigh, from: members[1], at: newYear) == nil)
    #expect(high.receive(fromLow, from: members[0], at: newYear) == .displaced(code))
    #expect(low.advertised(at: newYear) == [number])
    #expect(high.advertised(at: newYear).isEmpty)
  }

  @Test("Shares in another's name, out of bounds or without end are not taken")
  func falseShares() throws {
    var owner = book(0)
    _ = try make(in: &owner)
    let share = owner.shares(at: newYear)[0]
    func isTaken(from sender: Int = 0, _ change: (inout WireInviteShare) -> Void) -> Bool {
      var book = self.book(3)
      var changed = share
      change(&changed)
      _ = book.receive(changed, from: members[sender], at: newYear)
      return !takenOver(by: &book, admitters: [members[3]], at: newYear).isEmpty
    }
    #expect(isTaken { _ in })
    #expect(!isTaken(from: 1) { _ in })
    #expect(!isTaken { $0.owner = Data(members[1].bytes) })
    #expect(!isTaken { $0.owner = Data() })
    #expect(!isTaken { $0.nameplate = 0 })
    #expect(!isTaken { $0.nameplate = .max })
    #expect(!isTaken { $0.words = "lagoon-copper" })
    #expect(!isTaken { $0.words = String(repeating: "lagoon-", count: 100_000) })
    #expect(!isTaken { $0.words = "lagoon-copper-xxxx" })
    #expect(!isTaken { $0.usesLeft = .max })
    #expect(!isTaken { $0.expires = .max })
    #expect(!isTaken { $0.expires = UInt64(newYear.milliseconds) + 86_400_000 * 40 })
    #expect(!isTaken { $0.expires = 5 })
    var book = self.book(3)
    for seed in 0..<100 {
      var other = InviteBook(member: members[0])
      _ = try make(in: &other, seed: UInt64(seed + 1000))
      _ = book.receive(other.shares(at: newYear)[0], from: members[0], at: newYear)
    }
    let taken = takenOver(by: &book, admitters: [members[3]], at: newYear)
    #expect(taken.count <= InviteBook.mostPerOwner)
  }

  @Test("The desk tells when what is advertised changes, by time too")
  func deskTells() throws {
    var desk = Meeting().hostDesk()
    _ = desk.makeInvite(life: .seconds(60))
    var outputs: [InviterDesk.Output] = []
    desk.handle(.clock(newYear), at: .zero, into: &outputs)
    #expect(outputs.count == 1)
    #expect(desk.deadline == .zero + .seconds(60))
    outputs = []
    desk.wake(at: .zero + .seconds(60), into: &outputs)
    #expect(desk.deadline == .zero + .seconds(3660))
    desk.wake(at: .zero + .seconds(3660), into: &outputs)
    #expect(desk.book.advertised(at: newYear + .seconds(3660)).isEmpty)
    #expect(outputs.contains { if case .invitesChanged = $0 { true } else { false } })
    #expect(desk.deadline == nil)
    // After a sleep the clock is told anew.
    _ = desk.makeInvite(life: .seconds(60), seed: 8)
    desk.handle(.clock(newYear + .seconds(86_400)), at: .zero + .seconds(1), into: &outputs)
    #expect(desk.deadline == nil)
  }
}
