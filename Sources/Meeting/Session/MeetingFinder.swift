import Admission
import Foundation
import Foundations
import History

/// Which of the meetings that this member was in somebody advertises.
struct MeetingFinder {
  typealias Finding = (meeting: RecentMeeting, addresses: [NetworkAddress])

  private let recent: [(meeting: RecentMeeting, tag: MeetingTag)]
  /// Where tags are advertised that no meeting has at this hour.
  private var unknown: [String: [NetworkAddress]] = [:]

  /// Far more than there are meetings on a network; further ones are left out.
  private static let mostUnknown = 256

  /// - Parameter recent: the preferred first.
  init(_ recent: [RecentMeeting]) {
    self.recent = recent.map { ($0, MeetingTag(genesisKey: $0.genesisKey)) }
  }

  /// - Returns: whose tag it is, by this computer's clock.
  mutating func take(
    _ tag: String, at addresses: [NetworkAddress], now: WallTime
  ) -> Finding? {
    if let found = recent.first(where: { $0.tag.recognises(tag, at: now) }) {
      return (found.meeting, addresses)
    }
    if unknown[tag] != nil || unknown.count < Self.mostUnknown { unknown[tag] = addresses }
    return nil
  }

  /// A clock may be wrong, this computer's or another's. Not before nobody was found by the clock: of an
  /// old tag nobody knows who repeats it.
  func findDespiteClocks() -> Finding? {
    let tags = Set(unknown.keys)
    guard !tags.isEmpty else { return nil }
    for (meeting, tag) in recent {
      if let found = tag.recognised(among: tags, around: meeting.times) {
        return (meeting, unknown[found] ?? [])
      }
    }
    return nil
  }

  /// The end of the sentence that nobody was found, where this computer's clock is behind what it has
  /// been through.
  static func clockNote(for latest: RecentMeeting, now: WallTime) -> String {
    guard let last = latest.times.max(), now + .seconds(3600) < last else { return "" }
    return " This computer's clock says \(text(now)), but it was \(text(last)) already in that "
      + "meeting: if the clock is wrong, set it, for members find each other by the hour."
  }

  /// What others sign as the time may be any number: up to the year 9999.
  private static func text(_ time: WallTime) -> String {
    Date(timeIntervalSince1970: min(max(time.seconds, 0), 253_402_300_799)).formatted(.iso8601)
  }
}

extension RecentMeeting {
  /// At which it was, by the clock of this computer or another's.
  fileprivate var times: [WallTime] { [lastSeen] + (lastSaid.map { [$0] } ?? []) }
}
