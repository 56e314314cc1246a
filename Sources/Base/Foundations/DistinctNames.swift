import Foundation

/// Names of which no two look alike: the second Ada is "Ada (2)".
package struct DistinctNames: Sendable {
  /// Keys of the names that are taken.
  private var taken: Set<String> = []
  /// The number to try next for a name, so that a crowd of one name isn't counted anew each time.
  private var nextNumber: [String: Int] = [:]

  package init() {}

  /// Two names with one key look alike in a list: case and compatibility forms (the full-width "Ａ")
  /// don't tell people apart, nor does what isn't seen, as joiners. Look-alikes of other scripts do here.
  package static func key(_ name: String) -> String {
    var seen = String.UnicodeScalarView()
    for scalar in name.unicodeScalars where !scalar.properties.isDefaultIgnorableCodePoint {
      seen.append(scalar)
    }
    return String(seen).precomposedStringWithCompatibilityMapping.lowercased()
  }

  /// Takes `name`, or the first free number of it.
  package mutating func take(_ name: String) -> String {
    let key = Self.key(name)
    guard !taken.insert(key).inserted else { return name }
    var number = nextNumber[key] ?? 2
    while !taken.insert(Self.key("\(name) (\(number))")).inserted { number += 1 }
    nextNumber[key] = number + 1
    return "\(name) (\(number))"
  }

  /// Lets go of a name that was taken.
  package mutating func release(_ name: String) {
    taken.remove(Self.key(name))
    if taken.isEmpty { nextNumber = [:] }
  }
}
