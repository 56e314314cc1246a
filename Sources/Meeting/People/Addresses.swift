import Admission
import Foundations
import Gossip
import Links
import SwiftProtobuf
import Wire

/// What is to be done when this computer's addresses change.
extension MeetingSession {
  /// Listens on interfaces that came, and tells the others where this member is reached now: they dial
  /// it there, and fetch files from there. Called once a second at most: an interface that comes and
  /// goes all the time makes no more broadcasts than that.
  func renewAddresses() async {
    guard networkHasChanged else { return }
    networkHasChanged = false
    do {
      try await parts.listener.renew()
    } catch {
      warnOnce(error)
    }
    if let interfaces = parts.options.interfaces, parts.listener.advertised.isEmpty {
      warnOnce(
        Failure(
          "interface-gone", exit: .unavailable,
          "No address is left on \(interfaces.joined(separator: " or ")). As --interface asks for no "
            + "other, the others are reached again once there is one."))
    }
    // Without any, nobody would hear of it; the next change brings some.
    guard !hasEnded, !parts.listener.advertised.isEmpty,
      let old = try? MemberRecord(verifying: membership.record),
      let record = try? parts.memberRecord(replacing: old), record.addresses != old.addresses
    else { return }
    membership.record = record.signed
    if let inviter = try? AdmittedMember(
      record: record, chain: ticket.chain, meeting: ticket.meeting, revocations: revocations)
    {
      desk.meeting.inviter = inviter
    }
    drive(.broadcast(.with { $0.membership = membership }))
  }
}
