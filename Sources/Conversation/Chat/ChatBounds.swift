import Wire

/// Bounds of what a log takes, keeps and sends.
package enum ChatBounds {
  /// `entry` of a signed entry: 16 + 32 + 32 + 8 × 32 + 32 bytes and numbers come to about 430.
  package static let entry = 1024
  /// Its body: the longest text, and room for the kinds that hold more than a text.
  package static let body = 8192
  /// Bytes of one batch. It is sealed into one message, and takes a second on a link of 0.5 Mbit/s: who
  /// waits for it asks nobody else meanwhile, and what is said at the same time isn't held up for long.
  package static let batch = 64 << 10
  /// Entries of one batch, sent or taken: at the size of a short line a batch holds about 150.
  package static let batchEntries = 1024
  /// Bytes of one author's entries that a batch takes before it takes the others': whoever signs much
  /// can't keep anybody else's from arriving.
  package static let batchShare = batch / 8
  /// Batches that one link takes in a moment of ``Exchange/patience``. A newcomer takes some 20 to 60 a
  /// second, as fast as it checks and keeps them.
  package static let batchesAtOnce = 96
  /// Members whose entries are kept in one meeting; half of them, if one member answers for all.
  package static let authors = 4096
  /// Ends of one author's log. An honest log has one, one restored from a copy may have two; which are kept
  /// of an author that equivocates more often, ``AuthorLog`` says.
  package static let tips = 8
  /// Branches beyond the first of all logs, or the ends of all were more than a message holds.
  static let branches = heads - authors - 64
  /// Entries of one author that wait for the one before them. Anti-entropy sends in order and a
  /// broadcast overtakes few others, so what is dropped beyond it comes again soon.
  package static let waitingPerAuthor = 256
  package static let waiting = 2048
  /// Of them, those of authors whose logs haven't begun here: who isn't a member can sign such entries
  /// without end, and a member's log comes from its beginning anyway.
  package static let waitingUnbegun = 128
  /// Lines of one's own that wait while those before them are committed.
  package static let composing = 256
  /// Tips that a message of heads may hold: 930 KiB.
  package static let heads = 3 * authors
  /// Entries before the tips that it may hold besides: 20 KiB.
  package static let passed = 512
  /// Links at once; the mesh has far fewer.
  package static let links = 256
  /// Members whose heads wait for the news that they are linked: as many as come at once when two
  /// halves of a meeting find each other.
  package static let earlyHeads = 32
  /// Links that hear one's heads at one tick, the longest untold first.
  package static let toldAtOnce = 8
  /// Bytes of a reaction: the longest emoji are families of seven code points, 25 bytes.
  package static let emoji = 32
  package static let question = 512
  /// Bytes of one answer of a poll.
  package static let option = 128
  /// Answers of a poll: all on one screen, numbered by at most two digits.
  package static let options = 16
  /// Bytes of a moderator's reason.
  package static let reason = 256
  /// Entries whose bodies one delete drops: a message and its edits.
  package static let deletedAtOnce = 64
  /// Bodies that a member asks for at once.
  package static let wanted = 64
  /// Hashes named as seen by entries that aren't here. Beyond it, an entry may name a tip too many.
  package static let mentioned = 4096
  /// A file's name in bytes: what a file system takes (NAME_MAX of ext4, btrfs, tmpfs).
  package static let fileName = 255
  package static let fileBytes = WireBounds.fileChunks * WireBounds.fileChunk
  package static let fileNote = 512
}
