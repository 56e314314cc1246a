import Foundations

/// Samples of the views that members exchange (paper §4.4).
extension HyParView {
  var sampleLimit: Int { 1 + bounds.activeSample + bounds.passiveSample }

  /// Where samples bring nobody new, the views hold the meeting already: there is less and less to tell.
  mutating func shuffleInTurn(into outputs: inout [Output]) {
    guard shufflePause == 0 else { return shufflePause -= 1 }
    dullShuffles += 1
    let isDull = dullShuffles > bounds.dullShuffles
    shufflePause = isDull ? Self.pause(after: dullShuffles - bounds.dullShuffles, bounds) : 0
    shuffle(into: &outputs)
  }

  private mutating func shuffle(into outputs: inout [Output]) {
    guard let peer = active.randomElement(using: &chance) else { return }
    let sample =
      [me] + some(bounds.activeSample, of: active.filter { $0 != peer })
      + some(bounds.passiveSample, of: passive)
    shuffled = sample
    outputs.append(
      .send(.shuffle(path: [me], sample: sample, timeToLive: bounds.activeWalk), to: peer))
  }

  mutating func receiveShuffle(
    _ path: [PeerID], _ sample: [PeerID], _ timeToLive: Int, from peer: PeerID, at now: Moment,
    into outputs: inout [Output]
  ) {
    guard path.last == peer, path.count <= bounds.activeWalk, sample.count <= sampleLimit else {
      return
    }
    let next = active.filter { $0 != peer && !path.contains($0) }.randomElement(using: &chance)
    if timeToLive > 1, path.count < bounds.activeWalk, let next {
      outputs.append(
        .send(
          .shuffle(path: path + [me], sample: sample, timeToLive: timeToLive - 1), to: next))
      return
    }
    let reply = some(sample.count, of: passive)
    outputs.append(.send(.shuffleReply(path: path.dropLast(), sample: reply), to: peer))
    shuffled = reply
    learn(sample: sample)
    fill(at: now, into: &outputs)
  }

  mutating func learn(sample: [PeerID]) {
    for one in sample where remember(one) {
      dullShuffles = 0
      shufflePause = 0
    }
  }

  private mutating func some(_ count: Int, of peers: [PeerID]) -> [PeerID] {
    guard peers.count > count else { return peers }
    var peers = peers
    for place in 0..<count {
      peers.swapAt(place, Int.random(in: place..<peers.count, using: &chance))
    }
    return Array(peers.prefix(count))
  }
}
