/// How a line that begins with a slash is written, and what it does: in help, in man pages, and where one
/// was written otherwise.
package struct CommandForm: Hashable, Sendable {
  /// "/vote ID NUMBER": what stands in capitals is to be filled in, and what in brackets may be left out.
  package let usage: String
  /// "votes in a poll"
  package let purpose: String
  /// "with 0 to take the vote back"
  package let detail: String?

  package init(_ usage: String, _ purpose: String, detail: String? = nil) {
    self.usage = usage
    self.purpose = purpose
    self.detail = detail
  }

  /// "/vote ID NUMBER, with 0 to take the vote back"
  package var instruction: String { with(usage) }

  /// "votes in a poll, with 0 to take the vote back"
  package var meaning: String { with(purpose) }

  private func with(_ text: String) -> String { detail.map { "\(text), \($0)" } ?? text }
}
