import Admission

/// What Tab offers while a code is typed: the words that begin as the last one does.
enum InviteCompletion {
  static func candidates(for prefix: String) -> [String] {
    var parts = prefix.lowercased().split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 2, parts.count <= 4, let last = parts.popLast(), !last.isEmpty else {
      return []
    }
    let stem = parts.joined(separator: "-")
    return WordList.words.filter { $0.hasPrefix(last) }.map { "\(stem)-\($0)" }
  }
}
