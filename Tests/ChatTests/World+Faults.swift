import Chat
import Foundations
import Wire

/// What goes wrong, and who is removed.
extension World {
  enum Fault {
    case crash(Int)
    /// Its data directory is put back as it was at some earlier time.
    case restore(Int)
    case diskFull(Int, Bool)
    case split(Int)
    case heal
    /// Removes the first, whose log ends where the second has its end.
    case remove(Int, by: Int)
    /// Hears of all removals so far.
    case hear(Int)
  }

  /// Starts the member anew from what it had kept.
  mutating func crash(_ number: Int) {
    let number = number % members.count
    crashes += 1
    members[number].incarnation += 1
    members[number].log = ChatLog(
      meeting: meeting, key: members[number].key, stored: members[number].stored,
      mayBeKnownFurther: true)
    members[number].shown = []
    members[number].shownSet = []
    members[number].unkept = []
    if !ends.isEmpty { push(.fault(.hear(number))) }
    let links = members[number].links.sorted()
    for other in links { unlink(number, other) }
    for other in links { link(number, other) }
  }

  /// Starts the member anew from an older copy of what it had kept.
  mutating func restore(_ number: Int) {
    let number = number % members.count
    let kept = members[number].stored
    let lost = kept.dropFirst(Int.random(in: 0...kept.count, using: &chance))
    members[number].stored.removeLast(lost.count)
    // The marks lie in the same file.
    members[number].discounted.subtract(lost.map(\.hash))
    // What nobody else had is gone with the disk, not by a fault of the program.
    let elsewhere = Set(members.flatMap { $0.number == number ? [] : $0.stored.map(\.hash) })
    acknowledged.subtract(lost.map(\.hash).filter { !elsewhere.contains($0) })
    crash(number)
  }

  /// `count` faults of all kinds at random times, and then none any more.
  mutating func fault(_ count: Int, over duration: Duration) {
    for _ in 0..<count {
      let number = Int.random(in: members.indices, using: &chance)
      let fault: Fault =
        switch Int.random(in: 0..<6, using: &chance) {
        case 0, 1: .crash(number)
        case 2: .restore(number)
        case 3: .diskFull(number, true)
        case 4: .split(Int.random(in: 1..<members.count, using: &chance))
        case _: .heal
        }
      push(.fault(fault), after: moment(within: duration))
    }
    for number in members.indices { push(.fault(.diskFull(number, false)), after: duration) }
    push(.fault(.heal), after: duration)
  }

  /// Removes a few members at random times.
  mutating func remove(_ count: Int, over duration: Duration) {
    for _ in 0..<count {
      let number = Int.random(in: members.indices, using: &chance)
      let remover = Int.random(in: members.indices, using: &chance)
      push(.fault(.remove(number, by: remover)), after: moment(within: duration))
    }
  }

  mutating func carryOut(_ fault: Fault) {
    switch fault {
    case .crash(let number): crash(number)
    case .restore(let number): restore(number)
    case .diskFull(let number, let isFull): members[number].isDiskFull = isFull
    case .split(let border):
      heal()
      split(at: border)
    case .heal: heal()
    case .remove(let number, let remover): remove(number, by: remover)
    case .hear(let number):
      push(.input(number, .ended(ends), incarnation: members[number].incarnation))
    }
  }

  /// The removed one goes on signing, and some go on taking and passing on what it signs.
  private mutating func remove(_ number: Int, by remover: Int) {
    let key = members[number].key.publicKey
    let known = members[remover].log.ordered.last { $0.authorKey == key }
    ends[key, default: []].insert(known.map { .after($0.hash) } ?? .beforeAll)
    for other in members.indices {
      let told = Duration.nanoseconds(Int64.random(in: 0..<5_000_000_000, using: &chance))
      push(.fault(.hear(other)), after: told)
    }
  }

  /// First for safety, while all goes wrong for 20 s, and then for liveness: one history in the end.
  mutating func runThroughFaults() {
    run(until: seconds(21))
    crashAtWrite = 0
    loss = 0
    run(until: seconds(180))
    expectOneHistory()
  }
}
