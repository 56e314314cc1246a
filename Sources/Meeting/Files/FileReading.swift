/// How far a file of one's own, that is to be offered, is read.
package struct FileReading: Sendable {
  package enum State: String, Sendable {
    case reading, read, cancelled, failed
  }

  /// Tells it from others of the same name, in this run.
  package let number: Int
  /// Fit to be shown.
  package let name: String
  package let state: State
  package let bytes: Int
  package let total: Int

  package init(number: Int, name: String, state: State, bytes: Int, total: Int) {
    self.number = number
    self.name = name
    self.state = state
    self.bytes = bytes
    self.total = total
  }
}
