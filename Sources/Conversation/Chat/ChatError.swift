package import Wire

/// Why an entry was refused.
package enum ChatError: Error, Hashable, Sendable {
  case wire(WireError)
  /// Made by a later version.
  case unknownFormat(UInt32)
  case otherMeeting
  /// The body isn't the one that was signed.
  case otherBody
  /// No delete says that the body may be missing.
  case missingBody
  case emptyText
  /// More than ``WireBounds/chatText`` bytes.
  case textTooLong
  /// It doesn't follow the entry that it names as its predecessor.
  case brokenChain
  /// Its author's log doesn't begin with what makes it a member.
  case notMember
  /// A bound of ``ChatBounds`` is reached.
  case tooMany
}
