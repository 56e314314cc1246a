import Admission
import Foundation
import Gossip
import SwiftProtobuf
import Wire

/// What is told of removals over links. Hellos hold the first of them only: over each link both sides
/// say digests of what they hold, at the beginning and when that changes, and where these differ, tell all
/// of it.
struct RemovalExchange {
  /// At once, and a second: each costs the other a signature check, and is counted among what a neighbour
  /// may send.
  static let framesATurn = 4
  /// Seconds until who still says another digest is told all of it again, which doubles each time: a
  /// neighbour over which much is sent just then drops some, and who is full drops them for good.
  static let patience = 8
  static let longestPatience = 1024

  private struct Link {
    /// The digest that the other said last.
    var theirs: [UInt8]?
    /// One's own, as it was said last and when all was told last.
    var said: [UInt8]
    var told: [UInt8]?
    /// What is to be told still.
    var rest: ArraySlice<WireSigned> = []
    var patience = RemovalExchange.patience
    var waited = 0
  }

  private var links: [LinkID: Link] = [:]

  /// - Returns: the first frame after the hellos.
  mutating func begin(_ link: LinkID, with removals: RevocationSet) -> WireLinkFrame {
    links[link] = Link(said: removals.digest)
    return Self.saying(removals.digest)
  }

  /// The other end of `link` holds removals with this digest.
  /// - Returns: what it is told at once: nothing but for the first digest, since it may say others
  ///   without end.
  mutating func compare(
    _ digest: [UInt8], on link: LinkID, with removals: RevocationSet
  ) -> [WireLinkFrame] {
    guard let isFirst = links[link].map({ $0.theirs == nil }) else { return [] }
    links[link]?.theirs = digest
    return isFirst ? turn(of: link, with: removals) : []
  }

  /// What is told now over `link`, once a second.
  mutating func turn(of link: LinkID, with removals: RevocationSet) -> [WireLinkFrame] {
    guard var state = links[link], let theirs = state.theirs else { return [] }
    defer { links[link] = state }
    let own = removals.digest
    var frames: [WireLinkFrame] = []
    if state.said != own {
      // The news mostly comes by broadcast too: by the next turn the other has said whether it has it.
      state.said = own
      state.patience = Self.patience
      frames.append(Self.saying(own))
    } else if theirs == own {
      state.told = own
      state.rest = []
    } else if state.rest.isEmpty {
      state.waited += 1
      if state.told == own, state.waited >= state.patience {
        state.patience = min(state.patience * 2, Self.longestPatience)
        state.told = nil
        frames.append(Self.saying(own))
      }
      if state.told != own {
        state.told = own
        state.waited = 0
        state.rest = removals.wire(limit: .max)[...]
      }
    }
    let end = frames.count + Self.framesATurn
    while !state.rest.isEmpty, frames.count < end {
      let some = state.rest.prefix(WireBounds.revocations)
      state.rest = state.rest.dropFirst(some.count)
      frames.append(.with { $0.removals.revocations = Array(some) })
    }
    return frames
  }

  mutating func end(_ link: LinkID) {
    links[link] = nil
  }

  private static func saying(_ digest: [UInt8]) -> WireLinkFrame {
    .with { $0.removalsDigest.digest = Data(digest) }
  }
}
