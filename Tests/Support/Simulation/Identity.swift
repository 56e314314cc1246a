package import Foundations
import SwiftProtobuf
package import Wire

/// A member's keys and membership, the same in every run.
package struct Identity: Sendable {
  package let key: SigningKey
  package let record: MemberRecord
  package let membership: WireMembership

  package var id: PeerID { record.id }

  /// - Parameter number: 1 to 65535; whose run, name and record are these.
  package init(
    _ number: some BinaryInteger, run: UInt8 = 0, name: String? = nil, issued: Int64? = nil
  ) {
    let bytes = [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
    key = try! SigningKey(secret: digest(bytes))
    record = try! MemberRecord(
      key: key, name: name ?? "Member \(number)",
      certificateFingerprint: digest(bytes + [run]), sealingKey: digest(bytes + [run, 1]),
      addresses: [NetworkAddress(host: "192.0.\(bytes[1]).\(bytes[0])", port: 4455)],
      capabilities: [], issued: WallTime(milliseconds: issued ?? 1000 + Int64(run)))
    let record = record
    membership = .with { $0.record = record.signed }
  }

  /// A crowd that most tests draw from.
  package static let crowd = (1...14).map { Identity($0) }
}
