import Foundations
import Testing

@testable import Admission

@Suite("Guess budget")
struct GuessBudgetTests {
  @Test("Five attempts may be under way at once; right ones and dropped ones cost nothing")
  func burst() {
    var budget = GuessBudget()
    for _ in 0..<1000 {
      for _ in 0..<5 { #expect(budget.reserve(at: .zero) == .granted) }
      #expect(budget.reserve(at: .zero) == .refused(until: nil))
      for _ in 0..<3 { budget.attemptSucceeded() }
      for _ in 0..<2 { budget.attemptDropped() }
    }
    #expect(budget.pending == 0)
    #expect(budget.failures == 0)
  }

  @Test("After failures the delay doubles from 2 s to 64 s, one attempt at a time")
  func doubling() {
    var budget = GuessBudget()
    var now = Moment.zero
    var waits: [Int] = []
    for _ in 0..<12 {
      let start = now
      while case .refused(let until) = budget.reserve(at: now) { now = until! }
      waits.append(Int((now - start).inSeconds))
      budget.attemptFailed(at: now)
    }
    #expect(waits == [0, 0, 0, 0, 0, 4, 8, 16, 32, 64, 64, 64])
  }

  @Test("After half an hour without a failure all is forgiven, and a success makes up for one")
  func forgiving() {
    var budget = GuessBudget()
    for _ in 0..<5 {
      #expect(budget.reserve(at: .zero) == .granted)
      budget.attemptFailed(at: .zero)
    }
    #expect(budget.failures == 5)
    let later = Moment.zero + .seconds(10)
    #expect(budget.reserve(at: later) == .granted)
    budget.attemptSucceeded()
    #expect(budget.failures == 4)
    let muchLater = later + GuessBudget.forgiveness
    #expect(budget.reserve(at: muchLater) == .granted)
    #expect(budget.failures == 0)
  }
}

@Suite("Floods of guesses")
struct FloodTests {
  /// Joiners that all guess wrong, one after the other and many at once, for a day.
  private func flood(
    parallel: Int, hours: Int, pause: Duration = .zero
  ) -> (guesses: Int, desk: InviterDesk) {
    let meeting = Meeting()
    let attacker = Person("attacker")
    var desk = meeting.hostDesk()
    let code = try! desk.book.make(
      uses: 1, life: .seconds(86_400 * 2), heard: [], at: newYear, secrets: .seeded(7)
    ).code
    let wrong = code.withWrongWord
    var now = Moment.zero
    let end = now + .seconds(hours * 3600)
    var guesses = 0
    var stream = 0
    var strangers: [StreamNumber: Stranger] = [:]
    while now < end {
      // Each has many addresses, and keeps all its streams busy.
      while strangers.count < parallel {
        stream += 1
        var stranger = Stranger(
          attacker, code: wrong, stream: stream, source: "2001:db8::\(stream % 50)", at: now)
        stranger.connect(to: &desk, at: now)
        strangers[stream] = stranger
      }
      var busy = true
      while busy {
        busy = false
        for number in strangers.keys.sorted() where strangers[number]?.pending != nil {
          busy = true
          let outputs = strangers[number]!.step(with: &desk, at: now)
          guesses += pass(outputs, to: &strangers, at: now, but: number)
        }
      }
      // The moment that a token is back, which a stranger could find out by trying.
      let wait = pause == .zero ? desk.budget.wait(at: now) : pause
      now = now + max(wait, .milliseconds(1))
      var outputs: [InviterDesk.Output] = []
      desk.wake(at: now, into: &outputs)
      guesses += pass(outputs, to: &strangers, at: now)
    }
    return (guesses, desk)
  }

  private func pass(
    _ outputs: [InviterDesk.Output], to strangers: inout [StreamNumber: Stranger],
    at now: Moment, but heard: StreamNumber? = nil
  ) -> Int {
    var guesses = 0
    for output in outputs {
      switch output {
      case .send(let number, _) where number == heard: break
      case .send(let number, _): strangers[number]?.hear([output], at: now)
      case .close(let number): strangers[number] = nil
      case .wrongGuess: guesses += 1
      case .admitted, .invitesChanged: break
      }
    }
    return guesses
  }

  @Test("A day of guessing yields about 1,350 guesses")
  func day() {
    let (guesses, desk) = flood(parallel: 1, hours: 24)
    #expect((1300...1370).contains(guesses), "\(guesses)")
    #expect(desk.budget.pending == 0)
  }

  @Test("Guessing on many streams yields not one guess more than on one, but for those at once")
  func parallel() {
    let one = flood(parallel: 1, hours: 2).guesses
    let many = flood(parallel: 8, hours: 2).guesses
    #expect(many <= one + GuessBudget.burst, "\(one), \(many)")
  }

  @Test("Guessing in bursts, with pauses to be forgiven, yields fewer guesses")
  func bursts() {
    let (guesses, _) = flood(
      parallel: 8, hours: 24, pause: GuessBudget.forgiveness + .seconds(1))
    #expect(guesses < 600)
  }

  @Test(
    "Thirty honest joiners at once all get in within half a second of work, despite typing errors")
  func classroom() {
    let meeting = Meeting()
    var desk = meeting.hostDesk()
    let code = desk.makeInvite(uses: 30)
    var strangers: [StreamNumber: Stranger] = [:]
    var now = Moment.zero
    for number in 1...34 {
      let isWrong = number % 9 == 0
      var stranger = Stranger(
        Person("pupil \(number)"), code: isWrong ? code.withWrongWord : code, stream: number,
        source: "192.0.2.\(number)", seed: UInt64(number))
      stranger.connect(to: &desk, at: now)
      strangers[number] = stranger
    }
    var inside = 0
    var failed: [String] = []
    var rounds = 0
    while strangers.values.contains(where: { $0.admittance == nil && $0.failure == nil }) {
      rounds += 1
      now = now + .milliseconds(10)
      for number in strangers.keys.sorted() where strangers[number]!.pending != nil {
        let outputs = strangers[number]!.step(with: &desk, at: now)
        for other in strangers.keys where other != number {
          strangers[other]!.hear(outputs, at: now)
        }
      }
      var outputs: [InviterDesk.Output] = []
      desk.wake(at: now, into: &outputs)
      for number in strangers.keys { strangers[number]!.hear(outputs, at: now) }
      guard rounds < 1000 else { break }
    }
    inside = strangers.values.count { $0.admittance != nil }
    failed = strangers.values.compactMap(\.failure?.code).sorted()
    #expect(inside == 30)
    #expect(failed.allSatisfy { $0 == "wrong-code" || $0 == "code-used-up" }, "\(failed)")
    #expect(now - .zero < .milliseconds(500))
  }

  @Test("One who stalls from one address leaves tokens to others, and is cut off after 3 s")
  func stalling() {
    let meeting = Meeting()
    var desk = meeting.hostDesk()
    let code = desk.makeInvite(uses: 9)
    var stalling: [Stranger] = []
    for number in 1...20 {
      var stranger = Stranger(Person("staller"), code: code, stream: number, source: "192.0.2.66")
      stranger.connect(to: &desk, at: .zero)
      stranger.step(with: &desk, at: .zero)
      stranger.step(with: &desk, at: .zero)
      stalling.append(stranger)
    }
    #expect(desk.budget.pending == InviterDesk.mostAttemptsPerSource)
    var honest = Stranger(Person("honest"), code: code, stream: 99)
    honest.connect(to: &desk, at: .zero)
    for _ in 0..<3 { honest.step(with: &desk, at: .zero) }
    #expect(honest.admittance != nil)
    var now = Moment.zero
    for _ in 0..<200 {
      guard let deadline = desk.deadline, deadline < .zero + .seconds(30) else { break }
      now = deadline
      var outputs: [InviterDesk.Output] = []
      desk.wake(at: now, into: &outputs)
    }
    #expect(desk.budget.pending == 0)
    #expect(desk.budget.failures == 0)
    #expect(now - .zero <= .seconds(10))
  }

  @Test("While guesses slow the door, a joiner hears when to come back")
  func retryAfter() {
    let meeting = Meeting()
    var desk = meeting.hostDesk()
    let code = desk.makeInvite(uses: 9)
    var now = Moment.zero
    for number in 1...8 {
      var guess = Stranger(
        Person("attacker"), code: code.withWrongWord, stream: number, at: now)
      guess.connect(to: &desk, at: now)
      guess.step(with: &desk, at: now)
      guess.step(with: &desk, at: now)
      while guess.pending == nil, guess.failure == nil {
        now = desk.deadline!
        var outputs: [InviterDesk.Output] = []
        desk.wake(at: now, into: &outputs)
        guess.hear(outputs, at: now)
      }
      guess.step(with: &desk, at: now)
      now = now + desk.budget.refillDelay
    }
    // The last failure is just now.
    var last = Stranger(Person("attacker"), code: code.withWrongWord, stream: 50, at: now)
    last.connect(to: &desk, at: now)
    for _ in 0..<3 { last.step(with: &desk, at: now) }
    var honest = Stranger(Person("honest"), code: code, stream: 99, at: now)
    honest.connect(to: &desk, at: now)
    for _ in 0..<3 { honest.step(with: &desk, at: now) }
    #expect(honest.failure?.code == "too-many-attempts")
    #expect(honest.failure?.message.contains("64 seconds") == true)
    // And then it gets in.
    now = now + .seconds(65)
    var again = Stranger(Person("honest"), code: code, stream: 100, at: now)
    again.connect(to: &desk, at: now)
    for _ in 0..<3 { again.step(with: &desk, at: now) }
    #expect(again.admittance != nil)
  }
}
