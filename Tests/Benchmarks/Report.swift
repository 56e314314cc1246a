import Foundation

/// What a benchmark found, as a table for people and one line of JSON for programs.
struct Report {
  let title: String
  private(set) var figures: [Figure] = []

  /// - Parameter aim: what it should be, as a sentence's end: "at most 1500".
  struct Figure: Encodable {
    let name: String
    let value: Double
    let unit: String
    let aim: String?
  }

  init(_ title: String) { self.title = title }

  mutating func add(_ name: String, _ value: Double, _ unit: String, aim: String? = nil) {
    figures.append(Figure(name: name, value: value, unit: unit, aim: aim))
  }

  /// Minimum, median, 95th percentile and maximum.
  mutating func add(
    distribution name: String, _ values: [Double], _ unit: String, aim: String? = nil
  ) {
    guard !values.isEmpty else { return add("\(name): none", .nan, unit, aim: aim) }
    add("\(name), median of \(values.count)", values.quantile(0.5), unit, aim: aim)
    add("\(name), least", values.min()!, unit)
    add("\(name), 95th percentile", values.quantile(0.95), unit)
    add("\(name), most", values.max()!, unit)
  }

  func print() {
    let width = figures.map(\.name.count).max() ?? 0
    Swift.print("\n\(title)")
    for figure in figures {
      let name = figure.name.padding(toLength: width, withPad: " ", startingAt: 0)
      let value = Self.text(figure.value)
      Swift.print("  \(name) \(value) \(figure.unit)\(figure.aim.map { "  (aim: \($0))" } ?? "")")
    }
    struct Whole: Encodable {
      let benchmark: String
      let figures: [Figure]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let data = try? encoder.encode(Whole(benchmark: title, figures: figures)) else {
      preconditionFailure("figures that JSON can't hold")
    }
    Swift.print(String(decoding: data, as: UTF8.self))
  }
}

extension Report {
  /// Two places, or two digits of what would be next to nothing: an aim may be as small.
  static func text(_ value: Double) -> String {
    switch abs(value) {
    case ..<0.01 where value != 0: String(format: "%12.1e", value)
    case 0.01..<0.1: String(format: "%12.3f", value)
    case _: String(format: "%12.2f", value)
    }
  }
}

extension [Double] {
  /// The value below which this share of all lies, by the nearest rank.
  func quantile(_ share: Double) -> Double {
    guard !isEmpty else { return .nan }
    return sorted()[Swift.min(Int(Double(count) * share), count - 1)]
  }
}
