import Wire

/// What a member said last, as far as it isn't in the log: a command that means it by "last" mustn't find
/// the line before it there.
struct LastLine {
  /// Counts the lines: what is asked for after one carries its number.
  private(set) var number = 0
  private var body: WireChatBody?
  private(set) var isUnsent = false

  mutating func said(_ body: WireChatBody) {
    number += 1
    self.body = body
    isUnsent = false
  }

  /// A file is to be offered.
  mutating func asked() { isUnsent = false }

  /// It was asked for after this line, and now it is offered.
  mutating func offered(_ body: WireChatBody, after number: Int) {
    if number == self.number { self.body = body }
  }

  /// Another line may have been said since.
  mutating func refused(_ body: WireChatBody) {
    if body == self.body { isUnsent = true }
  }

  /// - Parameter number: of the line after which it was asked for.
  mutating func failed(after number: Int) {
    if number == self.number { isUnsent = true }
  }

  /// Says it once: whoever knows means the line before.
  /// - Returns: whether it was not sent.
  mutating func takeUnsent() -> Bool {
    defer { isUnsent = false }
    return isUnsent
  }
}
