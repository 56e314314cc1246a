package import Foundations

/// Members whose clocks are off, each named once.
package struct WrongClocks: Sendable {
  /// Where so many differ, it is rather this computer's clock that is wrong, and naming further ones
  /// helps nobody.
  package static let most = 20

  private var named: Set<PeerID> = []
  /// From this computer's, in milliseconds.
  private var differences: Set<Int64> = []

  package init() {}

  /// Whether there is anything left to say of this member's clock.
  package func mayName(_ member: PeerID) -> Bool {
    named.count < Self.most && !named.contains(member)
  }

  /// What the members' clocks show at this time by this computer's: it first. By it they go in what they
  /// advertise, and in whom they recognise.
  package func times(at now: WallTime) -> [WallTime] {
    [now] + differences.sorted().map { WallTime(milliseconds: now.milliseconds &+ $0) }
  }

  /// - Parameter clock: of what the member has just said.
  /// - Returns: what people should be told, if they haven't been yet.
  package mutating func sentence(
    on member: PeerID, called name: String, saying clock: HybridTime, heard wall: WallTime
  ) -> String? {
    guard mayName(member), let difference = clock.difference(from: wall) else { return nil }
    named.insert(member)
    differences.insert(clock.milliseconds - wall.milliseconds)
    let sentence =
      "The clock of \(name) is \(difference) this computer's. Messages are kept in the order of the "
      + "clocks: set the one that is wrong."
    guard named.count == Self.most else { return sentence }
    return sentence + " So many differ that it may be this computer's; no more are named."
  }
}
