import Foundation
import Foundations
import SwiftProtobuf
package import Wire

/// A file that a member holds and offers to the others. The name is its author's: a place to keep the
/// file at is made of it by whoever fetches.
package struct OfferedFile: Hashable, Sendable {
  package let name: String
  /// Up to 4 GiB.
  package let byteCount: Int
  /// Of each chunk but the last.
  package let chunkBytes: Int
  /// SHA-256 of the whole, 32 bytes.
  package let digest: [UInt8]
  /// Of the list of chunks, 32 bytes.
  package let root: [UInt8]
  package let note: String

  init(_ file: WireChatFile) throws(ChatError) {
    guard (1...ChatBounds.fileName).contains(file.name.utf8.count) else {
      throw .wire(.outOfBounds("name"))
    }
    guard file.byteCount <= ChatBounds.fileBytes else { throw .wire(.outOfBounds("byte_count")) }
    guard Int(file.chunkBytes) == WireBounds.fileChunk else {
      throw .wire(.outOfBounds("chunk_bytes"))
    }
    guard file.digest.count == 32, file.root.count == 32 else { throw .wire(.outOfBounds("root")) }
    guard file.note.utf8.count <= EntryText.note.limit else { throw .textTooLong(.note) }
    name = file.name
    byteCount = Int(file.byteCount)
    chunkBytes = Int(file.chunkBytes)
    digest = Array(file.digest)
    root = Array(file.root)
    note = file.note
  }

  /// The name, fit to be shown.
  package var displayName: String {
    DisplayText.line(name, limit: ChatBounds.fileName, otherwise: "file")
  }

  /// Name, size and note on one line, fit to be shown.
  package var displayText: String {
    let note = DisplayText.line(note, limit: ChatBounds.fileNote)
    let what = "\(displayName) (\(DisplayText.size(byteCount)))"
    return note.isEmpty ? what : "\(what): \(note)"
  }
}

extension WireChatBody {
  package static func file(
    name: String, byteCount: Int, chunkBytes: Int, digest: [UInt8], root: [UInt8], note: String
  ) -> WireChatBody {
    .with {
      $0.file = .with {
        $0.name = name
        $0.byteCount = UInt64(byteCount)
        $0.chunkBytes = UInt32(chunkBytes)
        $0.digest = Data(digest)
        $0.root = Data(root)
        $0.note = note
      }
    }
  }
}
