import Foundations

extension FileDesk {
  /// A file whose chunks are all here, on its way into the folder for downloads.
  ///
  /// Hashing gigabytes takes seconds of a core, so a place that can't be written costs that once: only
  /// what has changed on the disk since it was verified is verified again.
  struct Placing {
    let hashes: [[UInt8]]
    /// Whether it is being verified.
    var isBusy = false
    private(set) var nextTry: Moment
    private var verified: FileFolder.Version?
    private var tries = 0
    private var trouble: FileFolder.Trouble?

    private static let firstWait = Duration.seconds(2)
    /// Doubled from one try to the next: a folder that was read-only for a minute mostly stays so.
    private static let longestWait = Duration.seconds(30)

    init(_ hashes: [[UInt8]], at now: Moment) {
      self.hashes = hashes
      nextTry = now
    }

    /// - Parameter version: of what is kept; `nil` where nothing is.
    func isVerified(_ version: FileFolder.Version?) -> Bool {
      version != nil && version == verified
    }

    mutating func verified(_ version: FileFolder.Version?) { verified = version }

    /// The next failure is news, whatever its reason.
    mutating func forgetTrouble() { trouble = nil }

    /// It isn't tried again for a while.
    /// - Returns: whether the last try failed for another reason, or it is the first.
    mutating func failed(because trouble: FileFolder.Trouble, at now: Moment) -> Bool {
      defer { self.trouble = trouble }
      isBusy = false
      nextTry = now + min(Self.firstWait * (1 << min(tries, 8)), Self.longestWait)
      tries += 1
      return trouble != self.trouble
    }
  }
}
