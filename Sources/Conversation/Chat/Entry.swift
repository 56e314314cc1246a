import Foundation
package import Foundations
import SwiftProtobuf
package import Wire

/// One entry of a member's log, checked: the signature is its author's, the body is the one signed,
/// and every field is within its bounds. Whether it follows its predecessor is for ``ChatLog`` to see.
package struct Entry: Sendable {
  package let hash: EntryHash
  package let meeting: MeetingID
  package let author: PeerID
  /// Ed25519, 32 bytes.
  package let authorKey: [UInt8]
  /// From 1.
  package let sequence: UInt64
  /// `nil` for the first.
  package let previous: EntryHash?
  /// Tips of the meeting's whole history that the author had seen, at most ``WireBounds/chatHeads``.
  package let heads: [EntryHash]
  package let clock: HybridTime
  package private(set) var body: Body
  /// Of a deleted entry: whether another went first, as a message before its edits. It is no line then.
  package private(set) var isDeletedWithAnother = false
  /// As it travels.
  package private(set) var signed: WireSignedEntry

  package var id: EntryID { hash.id }

  /// An entry from the network.
  package init(verifying signed: WireSignedEntry, meeting: MeetingID) throws(ChatError) {
    try self.init(parsing: signed, meeting: meeting)
    try Self.verify(signed, by: authorKey)
    if signed.hasDeletion { try Self.verify(signed.deletion, by: authorKey) }
  }

  private static func verify(_ signed: WireSignedEntry, by key: [UInt8]) throws(ChatError) {
    let isSigned = isSignature(
      Array(signed.signature), of: Array(signed.entry), for: .entry, by: key)
    guard isSigned else { throw .wire(.badSignature) }
  }

  /// An entry that was verified before it was kept: everything but the signatures is checked again.
  package init(kept signed: WireSignedEntry, meeting: MeetingID) throws(ChatError) {
    try self.init(parsing: signed, meeting: meeting)
  }

  init(
    composing body: WireChatBody, meeting: MeetingID, key: SigningKey, after last: Entry?,
    heads: [EntryHash], clock: HybridTime
  ) throws(ChatError) {
    let bytes = body.wire
    guard !bytes.isEmpty else { throw .missingBody }
    // Before its bytes are counted: which part of it is too long is what its author has to know.
    _ = try Body(body)
    let entry = WireChatEntry.with {
      $0.format = Self.format
      $0.meeting = Data(meeting.bytes)
      $0.authorKey = Data(key.publicKey)
      $0.sequence = (last?.sequence ?? 0) + 1
      $0.previous = Data(last?.hash.bytes ?? [])
      $0.heads = heads.map { Data($0.bytes) }
      $0.clockMilliseconds = UInt64(max(0, clock.milliseconds))
      $0.clockCounter = clock.counter
      $0.bodyHash = Data(digest(bytes))
    }.wire
    let signed = WireSignedEntry.with {
      $0.entry = Data(entry)
      $0.signature = Data(key.signature(of: entry, for: .entry))
      $0.body = Data(bytes)
    }
    try self.init(parsing: signed, meeting: meeting)
  }

  private static let format: UInt32 = 1
  /// So that the next is still a number. At a million entries a second it takes 285 years.
  private static let lastSequence: UInt64 = 1 << 53

  private init(parsing signed: WireSignedEntry, meeting: MeetingID) throws(ChatError) {
    let bytes = Array(signed.entry)
    let bodyBytes = Array(signed.body)
    guard bodyBytes.count <= ChatBounds.body else { throw .wire(.tooLarge) }
    let entry = try Self.decode(bytes)
    guard entry.format == Self.format else { throw .unknownFormat(entry.format) }
    guard Array(entry.meeting) == meeting.bytes else { throw .otherMeeting }
    guard entry.authorKey.count == 32 else { throw .wire(.outOfBounds("author_key")) }
    guard (1...Self.lastSequence).contains(entry.sequence) else {
      throw .wire(.outOfBounds("sequence"))
    }
    previous = EntryHash(entry.previous)
    guard entry.sequence == 1 ? entry.previous.isEmpty : previous != nil else {
      throw .wire(.outOfBounds("previous"))
    }
    heads = entry.heads.prefix(WireBounds.chatHeads + 1).compactMap { EntryHash($0) }
    guard heads.count == entry.heads.count, heads.count <= WireBounds.chatHeads else {
      throw .wire(.outOfBounds("heads"))
    }
    guard entry.clockMilliseconds <= UInt64(HybridTime.latest) else {
      throw .wire(.outOfBounds("clock_milliseconds"))
    }
    guard entry.bodyHash.count == 32 else { throw .wire(.outOfBounds("body_hash")) }
    guard bodyBytes.isEmpty || Array(entry.bodyHash) == digest(bodyBytes) else { throw .otherBody }
    body = try Body(bodyBytes)
    hash = EntryHash(of: bytes)
    self.meeting = meeting
    authorKey = Array(entry.authorKey)
    let deleted = try Self.deleted(
      with: signed, hash: hash, authorKey: authorKey, meeting: meeting)
    if let deleted { isDeletedWithAnother = deleted.first != hash }
    author = PeerID(publicKey: authorKey)
    sequence = entry.sequence
    clock = HybridTime(
      milliseconds: Int64(entry.clockMilliseconds), counter: entry.clockCounter)
    self.signed = signed
  }

  /// An entry without a body has its author's word that it was deleted, and no other entry has.
  ///
  /// - Returns: what was deleted with it; `nil` for an entry that has its body.
  private static func deleted(
    with signed: WireSignedEntry, hash: EntryHash, authorKey: [UInt8], meeting: MeetingID
  ) throws(ChatError) -> [EntryHash]? {
    guard signed.body.isEmpty else {
      guard !signed.hasDeletion else { throw .wire(.outOfBounds("deletion")) }
      return nil
    }
    // The deletion itself is whole, or this would go down and down.
    guard signed.hasDeletion, !signed.deletion.body.isEmpty else { throw .missingBody }
    let deletion = try Entry(parsing: signed.deletion, meeting: meeting)
    guard deletion.authorKey == authorKey, case .delete(let targets) = deletion.body,
      targets.contains(hash)
    else { throw .missingBody }
    return targets
  }

  /// The same entry without what it said.
  /// - Parameter deletion: what deletes it.
  /// - Returns: `nil` when it doesn't, or when there is nothing to delete (``Body/isDeletable``).
  package func deleted(by deletion: Entry) -> Entry? {
    guard body.isDeletable, deletion.authorKey == authorKey,
      case .delete(let targets) = deletion.body, targets.contains(hash)
    else { return nil }
    var gap = self
    gap.body = .deleted
    gap.isDeletedWithAnother = targets.first != hash
    gap.signed.body = Data()
    gap.signed.deletion = deletion.signed
    return gap
  }

  private static func decode(_ bytes: [UInt8]) throws(ChatError) -> WireChatEntry {
    do {
      return try WireChatEntry(wire: bytes, limit: ChatBounds.entry)
    } catch {
      throw .wire(error)
    }
  }

  /// Bytes that it takes in a batch, tags and lengths included.
  var batchSize: Int {
    let deletion = signed.hasDeletion ? Self.size(of: signed.deletion) : 0
    return Self.size(of: signed) + deletion
  }

  private static func size(of signed: WireSignedEntry) -> Int {
    signed.entry.count + signed.signature.count + signed.body.count + 16
  }

  /// Whether it may come right after `other` in a chain.
  func follows(_ other: Entry) -> Bool {
    previous == other.hash && authorKey == other.authorKey && sequence == other.sequence + 1
      && clock > other.clock
  }
}

/// The order in which everybody shows a meeting's entries.
extension Entry: Comparable {
  package static func < (left: Entry, right: Entry) -> Bool {
    if left.clock != right.clock { return left.clock < right.clock }
    if left.author != right.author { return left.author < right.author }
    if left.sequence != right.sequence { return left.sequence < right.sequence }
    return left.hash < right.hash
  }

  package static func == (left: Entry, right: Entry) -> Bool { left.hash == right.hash }
}

extension Entry: Hashable {
  package func hash(into hasher: inout Hasher) {
    hasher.combine(hash)
  }
}
