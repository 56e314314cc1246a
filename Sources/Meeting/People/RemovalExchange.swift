import Admission
import Gossip
import SwiftProtobuf
import Wire

/// What is told of removals over links. Hellos hold the first of them only: over each link both sides
/// compare digests of what they hold, and where these differ, tell all of it.
struct RemovalExchange {
  /// At once, and a second: each costs the other a signature check, and is counted among what a neighbour
  /// may send.
  static let framesATurn = 4

  /// What is to be told still, of each link over which digests were compared: asking again brings nothing.
  private var untold: [LinkID: ArraySlice<WireSigned>] = [:]

  /// The first frame after the hellos.
  static func opening(_ removals: RevocationSet) -> WireLinkFrame {
    .with { $0.removalsDigest.digest = removals.digest }
  }

  /// The other end of `link` holds removals with this digest.
  /// - Returns: what it is told at once.
  mutating func compare(
    _ digest: [UInt8], on link: LinkID, with removals: RevocationSet
  ) -> [WireLinkFrame] {
    guard untold[link] == nil else { return [] }
    untold[link] = digest == Array(removals.digest) ? [] : removals.wire(limit: .max)[...]
    return turn(of: link)
  }

  /// What is told now over `link`, once a second.
  mutating func turn(of link: LinkID) -> [WireLinkFrame] {
    var frames: [WireLinkFrame] = []
    while let rest = untold[link], !rest.isEmpty, frames.count < Self.framesATurn {
      let some = rest.prefix(WireBounds.revocations)
      untold[link] = rest.dropFirst(some.count)
      frames.append(.with { $0.removals.revocations = Array(some) })
    }
    return frames
  }

  mutating func end(_ link: LinkID) {
    untold[link] = nil
  }
}
