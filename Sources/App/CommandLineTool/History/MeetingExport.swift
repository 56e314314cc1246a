import Foundation
import Foundations
import History

/// By the end of a file's name.
enum ExportFormat: String {
  case text = "txt"
  case json
  case page = "html"

  init?(path: String) {
    self.init(rawValue: URL(fileURLWithPath: path).pathExtension.lowercased())
  }
}

/// A meeting on its way into a file.
struct MeetingExport {
  let meeting: MeetingSummary
  let messages: [Message]
  /// As `virtue history --hash` prints it.
  let hash: String

  var title: String { DisplayText.line(meeting.title, limit: 128, otherwise: "Meeting") }

  func text(as format: ExportFormat) -> String {
    switch format {
    case .text: plainText
    case .json:
      JSONRecord(
        meeting: MeetingRow(meeting), sha256: hash, messages: messages.map(MessageRow.init)
      ).json([.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]) + "\n"
    case .page: HistoryPage(of: self).text
    }
  }

  private var plainText: String {
    let lines = HistoryText.lines(messages, titles: [meeting.id: title])
    return (lines + ["", "SHA-256 of the meeting's log: \(hash)", ""]).joined(separator: "\n")
  }

  private struct JSONRecord: Encodable {
    let meeting: MeetingRow
    let sha256: String
    let messages: [MessageRow]
  }
}

/// Writing a file whole or not at all, and never over another unasked.
enum ExportFile {
  static func write(_ text: String, to path: String, replacing: Bool) throws(Failure) {
    if !replacing {
      // Holds the name, so that nobody else's file is replaced by the one that takes its place.
      let place = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      guard place >= 0 else {
        throw errno == EEXIST ? exists(path) : unwritable(path, errno)
      }
      close(place)
    }
    let draft = "\(path).\(getpid()).new"
    do throws(Failure) {
      try writeDraft(Array(text.utf8), to: draft, of: path)
      guard rename(draft, path) == 0 else { throw unwritable(path, errno) }
    } catch {
      unlink(draft)
      if !replacing { unlink(path) }
      throw error
    }
  }

  /// Only its owner may read it: it is a private conversation.
  private static func writeDraft(
    _ bytes: [UInt8], to draft: String, of path: String
  ) throws(Failure) {
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw unwritable(path, errno) }
    defer { close(descriptor) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw unwritable(path, errno) }
      rest = rest.dropFirst(count)
    }
    guard fsync(descriptor) == 0 else { throw unwritable(path, errno) }
  }

  private static func exists(_ path: String) -> Failure {
    Failure(
      "export-exists", exit: .cannotCreate,
      "There is a file \(path) already. Choose another name, or replace it with --force.")
  }

  private static func unwritable(_ path: String, _ number: Int32) -> Failure {
    Failure(
      "export-unwritable", exit: .cannotCreate,
      "The file \(path) can't be written: \(String(cString: strerror(number))). "
        + "Choose another place.")
  }
}
