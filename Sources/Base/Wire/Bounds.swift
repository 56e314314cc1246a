package import SwiftProtobuf

/// The version of all the protocols here. Members speak only to members of the same version.
package let protocolVersion: UInt32 = 1

/// Bounds of what is taken from the network, each checked before anything is kept.
package enum WireBounds {
  /// One frame on a link: the largest chat batch, with room.
  package static let frame = 1 << 20
  /// One frame before admission: strangers get to say little.
  package static let admissionFrame = 32 << 10
  package static let messageDepth = 12
  package static let name = 64
  package static let title = 128
  /// Where a member is reached: each is dialled by everybody, whosever it is.
  package static let addresses = 8
  package static let capabilities = 16
  package static let chainLength = 8
  package static let revocations = 64
  package static let moderators = 64
  package static let chatText = 4096
  package static let chatHeads = 8
  package static let candidates = 32
  package static let tracks = 8
  /// Bytes of each chunk of a file but the last: small enough that of a few megabytes several members
  /// at once have something to give.
  package static let fileChunk = 256 << 10
  /// Chunks of a file, so that the list of their hashes fits a frame.
  package static let fileChunks = 16_384
}

/// Why bytes from the network were refused.
package enum WireError: Error, Hashable, Sendable {
  case tooLarge
  /// Not what the protocol buffer's description says.
  case malformed
  /// A field is missing, too long, or outside its range.
  case outOfBounds(String)
  case badSignature
  case wrongVersion(UInt32)
}

extension Message {
  /// The message that `bytes` hold, at most `limit` of them.
  package init(wire bytes: [UInt8], limit: Int = WireBounds.frame) throws(WireError) {
    guard bytes.count <= limit else { throw .tooLarge }
    var options = BinaryDecodingOptions()
    options.messageDepthLimit = WireBounds.messageDepth
    options.discardUnknownFields = true
    do {
      try self.init(serializedBytes: bytes, partial: false, options: options)
    } catch {
      throw .malformed
    }
  }

  package var wire: [UInt8] {
    do {
      return try serializedBytes()
    } catch {
      // Only missing required fields or a message beyond 2 GiB can fail, and proto3 has no former.
      preconditionFailure("a message of our own can't be serialised: \(error)")
    }
  }
}
