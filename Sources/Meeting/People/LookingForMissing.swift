import Admission
import Discovery
import Foundations
import Gossip
import Roster
import Wire

/// Members who are missed, and those of this meeting whom mDNS tells of.
extension MeetingSession {
  /// Labels whose addresses are dialled at once: mDNS may tell for an hour of members that were killed.
  private static let mostDialled = 8

  /// Asks the network, and dials whoever of this meeting it told of before: of somebody who was heard of
  /// all the time, there is no news. Called once a second.
  func lookForMissing(at now: Moment) {
    guard search.isDue(isMissing: isMissingSomebody, members: roster.count, at: now) else { return }
    parts.discovery.seek(nil)
    parts.discovery.askAnew()
    let here = addressesHere
    let absent = sighted.values.filter { here.isDisjoint(with: $0.map(\.withoutScope)) }
    for addresses in absent.shuffled().prefix(Self.mostDialled) { dial(addresses) }
  }

  /// Whether somebody was lost, or whoever else was ever in the meeting isn't here.
  private var isMissingSomebody: Bool {
    gossip.isMissingSomebody || (roster.count == 1 && !(ticket.isNew && admitted.isEmpty))
  }

  /// Somebody of this meeting is on the network; unless a member that is here lives there, it is dialled.
  func sight(_ found: Found) {
    var addresses = sighted[found.label] ?? []
    for address in found.addresses where !addresses.contains(address) { addresses.append(address) }
    sighted[found.label] = addresses.suffix(Self.mostAddresses)
    if addressesHere.isDisjoint(with: found.addresses.map(\.withoutScope)) { dial(found.addresses) }
  }

  /// Of one label: as many as are tried at once. The latest count.
  private static let mostAddresses = 24

  /// Where the members live that the gossip has links to, or gets them by itself.
  private var addressesHere: Set<NetworkAddress> {
    Set(
      admitted.values.filter { gossip.isHere($0.record.id) }
        .flatMap { $0.record.addresses.map(\.withoutScope) })
  }
}

extension NetworkAddress {
  /// As others know it.
  fileprivate var withoutScope: NetworkAddress {
    NetworkAddress(host: String(host.prefix { $0 != "%" }), port: port)
  }
}
