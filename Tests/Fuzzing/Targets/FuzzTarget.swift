/// A parser as a fuzzer sees it: takes any bytes, and must come back without a trap.
package struct FuzzTarget: Sendable {
  package let name: String
  package let take: @Sendable ([UInt8]) -> Void

  /// Every parser of what comes from the network, from files and from people.
  package static let all: [FuzzTarget] =
    packetTargets + messageTargets + meshTargets + textTargets + fileTargets + codecTargets
    + visionTargets

  package static func named(_ name: String) -> FuzzTarget? {
    all.first { $0.name == name }
  }
}
