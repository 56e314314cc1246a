import Foundation
import Foundations
import SwiftProtobuf
import Wire

/// A member's keys and membership for tests, the same in every run.
struct Identity: Sendable {
  let key: SigningKey
  let record: MemberRecord
  let membership: WireMembership

  var id: PeerID { record.id }

  init(_ number: UInt8, run: UInt8 = 0, name: String? = nil, issued: Int64? = nil) {
    key = try! SigningKey(secret: [UInt8](repeating: number, count: 32))
    record = try! MemberRecord(
      key: key, name: name ?? "Member \(number)",
      certificateFingerprint: digest([number, run]), sealingKey: digest([number, run, 1]),
      addresses: [NetworkAddress(host: "192.0.2.\(number)", port: 4455)], capabilities: [],
      issued: WallTime(milliseconds: issued ?? 1000 + Int64(run)))
    let record = record
    membership = .with { $0.record = record.signed }
  }

  /// A crowd that most tests draw from.
  static let crowd = (1...14).map { Identity(UInt8($0)) }
}

let meeting = MeetingID([UInt8](repeating: 7, count: 16))!

func entry(_ text: String) -> WirePayload {
  .with { $0.entry.entry = Data(text.utf8) }
}
