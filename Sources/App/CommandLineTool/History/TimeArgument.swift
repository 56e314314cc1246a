import Foundation

/// A point in time as people type it.
enum TimeArgument {
  /// - Returns: `nil` for what is no time.
  static func time(_ text: String, now: Date, calendar: Calendar = .current) -> Date? {
    let text = text.trimmingCharacters(in: .whitespaces)
    switch text.lowercased() {
    case "now": return now
    case "today": return calendar.startOfDay(for: now)
    case "yesterday":
      return calendar.date(byAdding: .day, value: -1, to: calendar.startOfDay(for: now))
    case _: return ago(text, now: now) ?? date(text, calendar: calendar)
    }
  }

  /// "90m": that long before now.
  private static func ago(_ text: String, now: Date) -> Date? {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
    guard let last = text.last, let unit = units[last], let count = Int(text.dropLast()),
      count >= 0,
      // A thousand years and more: nothing that is kept here is older.
      Double(count) * unit < 1e11
    else { return nil }
    return now - Double(count) * unit
  }

  private static func date(_ text: String, calendar: Calendar) -> Date? {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.calendar = calendar
    formatter.timeZone = calendar.timeZone
    formatter.isLenient = false
    for format in [
      "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd HH:mm", "yyyy-MM-dd'T'HH:mm:ss",
      "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ssXXX", "yyyy-MM-dd'T'HH:mmXXX",
    ] {
      formatter.dateFormat = format
      if let date = formatter.date(from: text) { return date }
    }
    return nil
  }
}
