package import Chat

/// What becomes of a history in one transaction, in the order of these fields.
package struct HistoryChanges: Sendable {
  /// Kept no longer.
  package var evicted: Set<EntryHash> = []
  /// Kept with their bodies in the places of gaps.
  package var restored: [Entry] = []
  /// Kept. One that is already stays as it is. Their meeting must be registered.
  package var entries: [Entry] = []
  /// Counted again, or for nothing: they are kept all the same.
  package var counted: [EntryHash: Bool] = [:]

  package init() {}

  package var isEmpty: Bool {
    evicted.isEmpty && restored.isEmpty && entries.isEmpty && counted.isEmpty
  }
}
