import Foundations
import Testing
import Wire

@testable import Files

@Suite("Streams for files")
struct FileStreamsTests {
  private static func peer(_ number: Int) -> PeerID {
    PeerID(publicKey: [UInt8](repeating: UInt8(number), count: 32))
  }

  /// As many as there may be, of members from 1, opened a second apart.
  private static func full() -> (streams: FileStreams, now: Moment) {
    var streams = FileStreams()
    var now = Moment.zero
    for number in 1...FileBounds.streams {
      now = now + .milliseconds(10)
      _ = streams.open(peer(number), because: .incoming, useful: [], at: now)
    }
    return (streams, now)
  }

  @Test("Members that open thousands of streams hold no more than there may be in all")
  func bounded() {
    var (streams, now) = Self.full()
    for number in 100...200 {
      let opening = streams.open(Self.peer(number), because: .incoming, useful: [], at: now)
      #expect(opening == .refused)
    }
    #expect(streams.count == FileBounds.streams)
    // The same member again takes no more room.
    let again = streams.open(Self.peer(1), because: .incoming, useful: [], at: now)
    #expect(again == .taken(insteadOf: nil))
    #expect(streams.count == FileBounds.streams)
    now = now + FileBounds.turn
    let later = streams.open(Self.peer(100), because: .incoming, useful: [], at: now)
    #expect(later == .taken(insteadOf: Self.peer(2)))
  }

  @Test("Who is silent is closed, who is in use or speaks is not")
  func idle() {
    var (streams, now) = Self.full()
    now = now + FileBounds.idle
    streams.heard(Self.peer(3), at: now)
    let idle = streams.idle(useful: [Self.peer(4)], at: now)
    #expect(idle.count == FileBounds.streams - 2)
    #expect(!idle.contains(Self.peer(3)) && !idle.contains(Self.peer(4)))
    for peer in idle { streams.close(peer) }
    #expect(streams.count == 2)
  }

  @Test("The author of a file gets a stream although all are in use; another holder doesn't")
  func author() {
    var (streams, now) = Self.full()
    let useful = Set((1...FileBounds.streams).map(Self.peer))
    #expect(
      streams.open(Self.peer(100), because: .holder, useful: useful, at: now) == .refused)
    #expect(
      streams.open(Self.peer(100), because: .author, useful: useful, at: now)
        == .taken(insteadOf: Self.peer(1)))
    now = now + .seconds(1)
    #expect(streams.count == FileBounds.streams)
  }

  @Test("In time every member is asked: silent streams make room for others")
  func rotation() {
    var streams = FileStreams()
    let members = (1...100).map(Self.peer)
    var asked: Set<PeerID> = []
    var now = Moment.zero
    var chance = SeededGenerator(seed: 1)
    for _ in 0..<1000 {
      now = now + .seconds(2)
      let order = members.shuffled(using: &chance)
      let plan = streams.dial(authors: [members[0]], members: order, useful: [], at: now)
      if let silent = plan.close { streams.close(silent) }
      for peer in plan.dial {
        asked.insert(peer)
        streams.dialled(peer, succeeded: true, at: now)
        _ = streams.open(peer, because: .holder, useful: [], at: now)
      }
      #expect(streams.count <= FileBounds.holders + 1)
    }
    #expect(asked.count == 100)
  }

  @Test("Who can't be reached isn't dialled again at once, and never twice at a time")
  func unreachable() {
    var streams = FileStreams()
    let one = Self.peer(1)
    var now = Moment.zero
    #expect(streams.dial(authors: [one, one], members: [one], useful: [], at: now).dial == [one])
    #expect(streams.dial(authors: [one], members: [one], useful: [], at: now).dial.isEmpty)
    streams.dialled(one, succeeded: false, at: now)
    #expect(streams.dial(authors: [one], members: [one], useful: [], at: now).dial.isEmpty)
    now = now + FileBounds.dialRest
    #expect(streams.dial(authors: [one], members: [one], useful: [], at: now).dial == [one])
  }
}
