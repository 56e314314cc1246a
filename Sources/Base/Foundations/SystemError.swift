import Glibc

/// A failed call of the operating system.
package struct SystemError: Error {
  /// errno(3).
  package let number: Int32

  /// What kept the latest call from succeeding.
  package init() { number = errno }
  package init(_ number: Int32) { self.number = number }

  package var sentence: String { String(cString: strerror(number)) }
}
