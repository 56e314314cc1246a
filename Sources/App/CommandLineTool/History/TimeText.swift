import Foundation
import Foundations
import Synchronization

/// Times as people read them, where they are. Making a formatter takes ten times as long as using it, so
/// each format has one.
final class TimeText: Sendable {
  private let formatters = Mutex<[String: DateFormatter]>([:])

  /// - Parameter format: as UTS 35 writes it.
  func text(_ time: WallTime, _ format: String) -> String {
    let date = Date(timeIntervalSince1970: time.seconds)
    return formatters.withLock { formatters in
      if let formatter = formatters[format] { return formatter.string(from: date) }
      let formatter = DateFormatter()
      formatter.locale = Locale(identifier: "en_US_POSIX")
      formatter.dateFormat = format
      formatters[format] = formatter
      return formatter.string(from: date)
    }
  }
}
