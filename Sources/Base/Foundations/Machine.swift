/// Something that decides, with no I/O, clock or chance of its own.
///
/// A driver turns what happens into inputs, calls ``wake(at:into:)`` when ``deadline`` comes, and
/// carries out the outputs, which leave during the call so that none can be forgotten in a queue.
package protocol Machine: Sendable {
  associatedtype Input: Sendable
  associatedtype Output: Sendable

  /// The next moment at which ``wake(at:into:)`` must be called, if any.
  var deadline: Moment? { get }

  mutating func handle(_ input: Input, at now: Moment, into outputs: inout [Output])

  mutating func wake(at now: Moment, into outputs: inout [Output])
}
