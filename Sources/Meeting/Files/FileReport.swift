import Files
import Foundation
package import Foundations

/// How far a file is.
package struct FileReport: Sendable {
  package enum State: String, Sendable {
    case offered, fetching, complete, cancelled, failed
  }

  /// The message that offers it.
  package let file: EntryID
  /// Fit to be shown.
  package let name: String
  package let state: State
  /// Bytes that are here, and of the whole.
  package let bytes: Int
  package let total: Int
  /// Who gives chunks of it now.
  package let holders: [PeerID]
  /// Where it is, once complete.
  package let path: String?
  /// Whether somebody here has just asked for it.
  package let isAnswer: Bool

  /// Whether it lies under another name: the same contents were offered, or came, under that one.
  package var hasOtherName: Bool {
    guard let path else { return false }
    let (name, place) = (
      FileName.sanitised(name), FileName.sanitised((path as NSString).lastPathComponent)
    )
    return !(1...999).contains { FileName.numbered(name, $0) == place }
  }

  package init(
    file: EntryID, name: String, state: State, bytes: Int, total: Int, holders: [PeerID],
    path: String?, isAnswer: Bool = false
  ) {
    self.file = file
    self.name = name
    self.state = state
    self.bytes = bytes
    self.total = total
    self.holders = holders
    self.path = path
    self.isAnswer = isAnswer
  }
}
