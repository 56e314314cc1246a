package import Foundations
import Gossip

extension OverlayWorld {
  /// What became of one broadcast.
  package struct BroadcastRecord: Sendable {
    package let author: Int
    package let sent: Moment
    package fileprivate(set) var delivered = 1
    /// Pushes that arrived, copies among them.
    package fileprivate(set) var pushes = 0
    package fileprivate(set) var announcements = 0
    package fileprivate(set) var lastHop: UInt32 = 0
    package fileprivate(set) var lastArrival: Moment
    /// One bit a node.
    fileprivate var seen: [UInt64]

    /// The paper's relative message redundancy: pushes beyond one for each that got it.
    package var redundancy: Double {
      delivered > 1 ? Double(pushes) / Double(delivered - 1) - 1 : 0
    }
    package var time: Duration { lastArrival - sent }

    package func reached(_ node: Int) -> Bool { seen[node / 64] & 1 << UInt64(node % 64) != 0 }
  }

  package struct Counts: Sendable {
    package var events = 0
    package var dials = 0
    package var pushes = 0
    package var announcements = 0
    package var grafts = 0
    package var prunes = 0
    package var views = 0

    mutating func count(_ message: OverlayMessage) {
      switch message {
      case .view: views += 1
      case .tree(.push): pushes += 1
      case .tree(.iHave(let list)): announcements += list.count
      case .tree(.graft): grafts += 1
      case .tree(.prune): prunes += 1
      }
    }
  }

  /// - Returns: its place in ``broadcasts``.
  @discardableResult
  package func broadcast(from node: Int) -> Int {
    let number = broadcasts.count
    var record = BroadcastRecord(
      author: node, sent: now, lastArrival: now,
      seen: [UInt64](repeating: 0, count: nodes.count / 64 + 1))
    record.seen[node / 64] |= 1 << UInt64(node % 64)
    broadcasts.append(record)
    drive(node, .broadcast(MessageID(author: nodes[node].id, number: UInt64(number))))
    return number
  }

  /// The share that got the broadcast, of those that were alive when it was sent and are still.
  package func reliability(of number: Int) -> Double {
    let record = broadcasts[number]
    let expected = nodes.indices.filter {
      nodes[$0].isAlive && !nodes[$0].isLiar && nodes[$0].born <= record.sent
    }
    let reached = expected.count { record.reached($0) }
    return expected.isEmpty ? 1 : Double(reached) / Double(expected.count)
  }

  func receive(_ message: OverlayMessage, at node: Int, from peer: PeerID) {
    switch message {
    case .view(let message):
      drive(node, .view(.received(message, from: peer)))
    case .tree(let message):
      switch message {
      case .push(let announcement):
        let isNew = take(announcement, at: node)
        // A liar keeps what it gets to itself.
        if nodes[node].isLiar { return }
        drive(node, .received(message, from: peer, isNew: isNew))
      case .iHave(let announcements):
        for one in announcements where one.message.number < UInt64(broadcasts.count) {
          broadcasts[Int(one.message.number)].announcements += 1
        }
        drive(node, .received(message, from: peer, isNew: false))
      case .graft, .prune:
        drive(node, .received(message, from: peer, isNew: false))
      }
    }
  }

  /// Whether the broadcast is new to the node.
  private func take(_ announcement: Announcement, at node: Int) -> Bool {
    let number = Int(truncatingIfNeeded: announcement.message.number)
    guard broadcasts.indices.contains(number) else {
      problems.append("a broadcast that nobody sent")
      return false
    }
    let word = node / 64
    let bit: UInt64 = 1 << UInt64(node % 64)
    broadcasts[number].pushes += 1
    guard word < broadcasts[number].seen.count, broadcasts[number].seen[word] & bit == 0 else {
      return false
    }
    broadcasts[number].seen[word] |= bit
    if !nodes[node].isLiar {
      broadcasts[number].delivered += 1
      broadcasts[number].lastHop = max(broadcasts[number].lastHop, announcement.round)
      broadcasts[number].lastArrival = now
    }
    return true
  }

  /// Something that no honest program says, to some neighbour: names that don't exist, broadcasts that
  /// nobody sent, walks without end, refusals.
  func lie(_ node: Int) {
    func invented() -> PeerID {
      let bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &chance) }
      return PeerID(bytes)!
    }
    for peer in nodes[node].overlay.view.active {
      let message: OverlayMessage =
        switch Int.random(in: 0..<8, using: &chance) {
        case 0: .view(.forwardJoin(newcomer: invented(), timeToLive: 1 << 40))
        case 1:
          .view(
            .shuffle(
              path: [nodes[node].id], sample: (0..<8).map { _ in invented() }, timeToLive: .max))
        case 2: .view(.shuffleReply(path: [], sample: (0..<1000).map { _ in invented() }))
        case 3:
          .tree(
            .iHave(
              (0..<10).map { _ in
                Announcement(MessageID(author: invented(), number: .max), round: 0)
              }))
        case 4: .tree(.graft([MessageID(author: invented(), number: 0)]))
        case 5: .tree(.prune)
        case 6: .view(.neighbor(.high))
        case _: .view(.shuffle(path: (0..<50).map { _ in invented() }, sample: [], timeToLive: -5))
        }
      send(message, from: node, to: peer)
    }
  }
}
