import Chat
import Foundation
import Foundations
import GRDB
import SwiftProtobuf
import Wire

/// What one entry does to others, whichever of them comes first.
extension Database {
  /// Notes what a new entry points to, and lets edits and deletes have their effect.
  func relate(_ entry: Entry, number: Int64) throws {
    for target in entry.body.targets {
      try executeOften(
        sql: "INSERT OR IGNORE INTO pointers (target, number) VALUES (?, ?)",
        arguments: [Data(target.bytes), number])
    }
    switch entry.body {
    case .delete(let targets):
      for target in targets where target != entry.hash { try delete(target, by: entry) }
    case .edit(let target, _):
      try applyWhatCameEarlier(to: entry)
      try refreshText(of: target)
    case .text, .reply, .poll, .reaction, .vote, .hand, .moderation, .file, .joined, .left,
      .unknown:
      try applyWhatCameEarlier(to: entry)
    case .deleted: break
    }
  }

  /// Counts the entry for nothing from now on, or again, by the removal of its author.
  func setCounted(_ hash: EntryHash, _ counts: Bool) throws {
    guard let entry = try entry(hash) else { return }
    let void = entry.voidKind
    if counts {
      try executeOften(
        sql: "UPDATE entries SET kind = ?, text = ? WHERE hash = ? AND kind = ?",
        arguments: [entry.keptKind, entry.searchedText, Data(hash.bytes), void])
    } else {
      try executeOften(
        sql: "UPDATE entries SET kind = ?1, text = NULL WHERE hash = ?2 AND kind <> ?1",
        arguments: [void, Data(hash.bytes)])
    }
    guard changesCount > 0 else { return }
    if case .edit(let target, _) = entry.body {
      try refreshText(of: target)
    } else if counts {
      try refreshText(of: hash)
    }
  }

  /// Keeps what the entry says in the place of the gap that was taken for it.
  func restore(_ entry: Entry) throws {
    try execute(
      sql: """
        UPDATE entries SET
          kind = CASE WHEN kind LIKE 'void%' THEN ?1 ELSE ?2 END,
          text = CASE WHEN kind LIKE 'void%' THEN NULL ELSE ?3 END,
          wire = ?4
        WHERE hash = ?5
        """,
      arguments: [
        entry.voidKind, entry.keptKind, entry.searchedText, Data(entry.signed.wire),
        Data(entry.hash.bytes),
      ])
    let number = try Int64.fetchOne(
      self, sql: "SELECT number FROM entries WHERE hash = ?", arguments: [Data(entry.hash.bytes)])
    if let number { try relate(entry, number: number) }
  }

  /// Keeps the entry no longer.
  func evict(_ hash: EntryHash) throws {
    guard let entry = try entry(hash) else { return }
    try execute(sql: "DELETE FROM entries WHERE hash = ?", arguments: [Data(hash.bytes)])
    if case .edit(let target, _) = entry.body { try refreshText(of: target) }
  }

  /// Drops what the entry said from the disk; its place in the chain stays.
  private func delete(_ target: EntryHash, by deletion: Entry) throws {
    guard
      let kept = try entry(target), kept.meeting == deletion.meeting,
      let gap = kept.deleted(by: deletion)
    else { return }
    try execute(
      sql: """
        UPDATE entries SET kind = CASE kind WHEN 'void' THEN kind ELSE ? END, wire = ?, text = NULL
        WHERE hash = ?
        """,
      arguments: [gap.keptKind, Data(gap.signed.wire), Data(target.bytes)])
    // What it pointed to is no longer known from its body either. An edit gives the text back.
    guard case .edit(let edited, _) = kept.body else { return }
    try refreshText(of: edited)
  }

  /// A branch of its author's log may bring an entry after what edits or deletes it.
  private func applyWhatCameEarlier(to entry: Entry) throws {
    let earlier = try pointers(to: entry.hash, by: entry.author)
    guard !earlier.isEmpty else { return }
    for pointer in earlier {
      if case .delete = pointer.body { return try delete(entry.hash, by: pointer) }
    }
    try refreshText(of: entry.hash)
  }

  /// Makes a search find the latest text of a message.
  func refreshText(of target: EntryHash) throws {
    guard let entry = try entry(target), entry.searchedText != nil else { return }
    let line = Transcript([entry] + (try pointers(to: target, by: entry.author)))[target]
    guard let line, let text = entry.searchedText(showing: line.text) else { return }
    try execute(
      sql: "UPDATE entries SET text = ? WHERE hash = ? AND text IS NOT ? AND kind <> 'void'",
      arguments: [text, Data(target.bytes), text])
  }

  private func entry(_ hash: EntryHash) throws -> Entry? {
    let row = try Row.fetchOne(
      self, sql: "SELECT meeting, wire FROM entries WHERE hash = ?", arguments: [Data(hash.bytes)])
    return row.flatMap(Entry.init(row:))
  }

  /// The author's entries that point to one of its own.
  private func pointers(to target: EntryHash, by author: PeerID) throws -> [Entry] {
    let statement = try cachedStatement(
      sql: """
        SELECT entries.meeting, entries.wire FROM pointers JOIN entries USING (number)
        WHERE target = ? AND author = ? AND kind <> 'void'
        """)
    let rows = try Row.fetchAll(
      statement, arguments: [Data(target.bytes), Data(author.bytes)])
    return rows.compactMap(Entry.init(row:))
  }
}

extension Entry {
  /// From a row's `meeting` and `wire`; `nil` when those can't be read any more.
  init?(row: Row) {
    guard let meeting = MeetingID(row["meeting"] as Data? ?? Data()),
      let signed = try? WireSignedEntry(wire: Array(row["wire"] as Data? ?? Data())),
      let entry = try? Entry(kept: signed, meeting: meeting)
    else { return nil }
    self = entry
  }

  /// As the database calls what it is.
  var keptKind: String { isDeletedWithAnother ? "deleted-with" : body.kind }

  /// The same where it counts for nothing.
  var voidKind: String { body.kind == "delete" ? "void-delete" : "void" }

  /// What a search finds it by; `nil` for kinds that aren't searched.
  var searchedText: String? { searchedText(showing: body.displayText) }

  /// - Parameter text: what is shown of it, which an edit may have changed.
  func searchedText(showing text: String) -> String? {
    switch body {
    case .text, .reply, .file: text
    case .poll(let poll): ([text] + poll.displayOptions).joined(separator: "\n")
    case .edit, .delete, .reaction, .vote, .hand, .moderation, .joined, .left, .deleted, .unknown:
      nil
    }
  }
}
