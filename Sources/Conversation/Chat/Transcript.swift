package import Foundations

/// What a meeting's entries come to when they are read together: each message with its latest text,
/// its reactions and its votes, in the order in which everybody shows them.
package struct Transcript: Sendable {
  package struct Line: Sendable {
    package let entry: Entry
    /// The latest, fit to be shown.
    package fileprivate(set) var text: String
    package fileprivate(set) var isEdited = false
    /// In the order in which each was first given, with those who give it.
    package fileprivate(set) var reactions: [(emoji: String, members: [PeerID])] = []
    /// Of a poll: who chose each option.
    package fileprivate(set) var votes: [[PeerID]] = []
  }

  package private(set) var lines: [Line] = []
  /// The hands that are up, the longest first.
  package private(set) var raisedHands: [PeerID] = []
  private var places: [EntryHash: Int] = [:]
  private var ballots: [Int: [PeerID: [Int]]] = [:]

  /// - Parameter entries: in any order.
  package init(_ entries: some Sequence<Entry>) {
    let ordered = entries.sorted()
    for entry in ordered where Self.isLine(entry.body) && !entry.isDeletedWithAnother {
      places[entry.hash] = lines.count
      var line = Line(entry: entry, text: entry.body.displayText)
      if case .poll(let poll) = entry.body {
        line.votes = Array(repeating: [], count: poll.options.count)
      }
      lines.append(line)
    }
    for entry in ordered { apply(entry) }
    for (place, ballots) in ballots {
      for (member, choice) in ballots.sorted(by: { $0.key < $1.key }) {
        for option in choice { lines[place].votes[option].append(member) }
      }
    }
  }

  /// The line that shows the entry.
  package subscript(hash: EntryHash) -> Line? { places[hash].map { lines[$0] } }

  /// Whether the entry is shown by itself, rather than as part of another.
  private static func isLine(_ body: Entry.Body) -> Bool {
    switch body {
    case .text, .reply, .poll, .hand, .moderation, .file, .joined, .left, .deleted: true
    case .edit, .delete, .reaction, .vote, .unknown: false
    }
  }

  private mutating func apply(_ entry: Entry) {
    switch entry.body {
    case .edit(let target, _):
      guard let place = places[target], lines[place].entry.author == entry.author,
        lines[place].entry.body.isEditable
      else { return }
      lines[place].text = entry.body.displayText
      lines[place].isEdited = true
    case .reaction(let target, _, let isWithdrawn):
      guard let place = places[target] else { return }
      react(entry.body.displayText, by: entry.author, isWithdrawn: isWithdrawn, at: place)
    case .vote(let target, let choice):
      guard let place = places[target], case .poll(let poll) = lines[place].entry.body else {
        return
      }
      ballots[place, default: [:]][entry.author] = poll.counted(choice)
    case .hand(let isRaised):
      raisedHands.removeAll { $0 == entry.author && !isRaised }
      if isRaised, !raisedHands.contains(entry.author) { raisedHands.append(entry.author) }
    case .left: raisedHands.removeAll { $0 == entry.author }
    case .text, .reply, .delete, .poll, .moderation, .file, .joined, .deleted, .unknown: break
    }
  }

  private mutating func react(
    _ emoji: String, by member: PeerID, isWithdrawn: Bool, at place: Int
  ) {
    let index = lines[place].reactions.firstIndex { $0.emoji == emoji }
    if let index {
      lines[place].reactions[index].members.removeAll { $0 == member }
      if !isWithdrawn { lines[place].reactions[index].members.append(member) }
      if lines[place].reactions[index].members.isEmpty { lines[place].reactions.remove(at: index) }
    } else if !isWithdrawn {
      lines[place].reactions.append((emoji, [member]))
    }
  }
}

// MARK: - The record of a lesson

extension Transcript {
  /// A stay in the meeting.
  package struct Stay: Hashable, Sendable {
    package let member: PeerID
    package let name: String
    package let from: HybridTime
    /// `nil` when nothing says that it ended: it lasts, or its computer died.
    package fileprivate(set) var until: HybridTime?
  }

  /// Who was there and when, in the order of coming.
  package var attendance: [Stay] {
    var stays: [Stay] = []
    var open: [PeerID: Int] = [:]
    for line in lines {
      switch line.entry.body {
      case .joined(let name, _):
        open[line.entry.author] = stays.count
        stays.append(Stay(member: line.entry.author, name: name, from: line.entry.clock))
      case .left:
        guard let place = open.removeValue(forKey: line.entry.author) else { continue }
        stays[place].until = line.entry.clock
      case .text, .reply, .edit, .delete, .reaction, .poll, .vote, .hand, .moderation, .file,
        .deleted, .unknown:
        continue
      }
    }
    return stays
  }
}
