import Foundations
import OrderedCollections
import Wire

/// The latest broadcasts as they travel, for neighbours that graft them. The oldest goes first when there
/// are too many, or too many bytes: whoever asks for it then finds it by anti-entropy, or not at all.
struct BroadcastStore: Sendable {
  private let count: Int
  private let byteLimit: Int
  private var broadcasts: OrderedDictionary<MessageID, WireBroadcast> = [:]
  private var byteCount = 0

  init(count: Int, byteLimit: Int) {
    self.count = count
    self.byteLimit = byteLimit
  }

  subscript(message: MessageID) -> WireBroadcast? { broadcasts[message] }

  mutating func insert(_ broadcast: WireBroadcast, as message: MessageID) {
    guard broadcasts.updateValue(broadcast, forKey: message) == nil else { return }
    byteCount += broadcast.payload.count
    // The newest stays in any case.
    while broadcasts.count > count || byteCount > byteLimit && broadcasts.count > 1 {
      byteCount -= broadcasts.removeFirst().value.payload.count
    }
  }

  mutating func removeAll() {
    broadcasts = [:]
    byteCount = 0
  }
}
