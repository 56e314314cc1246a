import Files
import Foundations

/// Files that nobody here has asked for, as far as the user lets them come.
extension FileDesk {
  func fetchUnasked() {
    func isUnderWay(_ root: [UInt8]) -> Bool {
      items[root].map { $0.isUnasked && $0.isUnderWay } ?? false
    }
    while let (root, share) = unasked.next(
      at: parts.clock.now(), isUnderWay: isUnderWay,
      isRunning: { items[$0]?.isRunning == true })
    {
      guard items[root]?.state.isOffered == true else {
        unasked.remove(root, hasCome: false)
        continue
      }
      items[root]?.isUnasked = true
      fetch(root)
      if isUnderWay(root) {
        // Otherwise it counts as asked for after a restart.
        try? folder(of: root).keep(share: share)
      } else {
        // What an earlier run has kept of it stays, and counts.
        items[root]?.isUnasked = false
        unasked.remove(root, hasCome: folder(of: root).exists)
      }
    }
    if unasked.hasRefused {
      warn(
        "files-unasked",
        "As much was fetched without asking as --accept-files lets in one meeting, or of one member and "
          + "those whom it let in. /accept fetches the rest.")
    }
  }

  /// The file doesn't come unasked any more: it is asked for, or not wanted.
  /// - Returns: whether it might have come still.
  @discardableResult
  func stopUnasked(_ root: [UInt8]) -> Bool {
    items[root]?.isUnasked = false
    folder(of: root).forgetShare()
    return unasked.remove(root, hasCome: hasCome(root))
  }

  private func hasCome(_ root: [UInt8]) -> Bool {
    switch items[root]?.state {
    case .offered, nil: false
    case .fetching: fetches[root].map { $0.map.count > 0 } ?? true
    // What was kept came at some time.
    case .verifying, .placing, .whole: true
    }
  }

  /// Nothing comes of a file that nobody has asked for: it makes room until it is tried again.
  func setAside(_ root: [UInt8]) {
    items[root]?.state = .offered
    items[root]?.isUnasked = false
    items[root]?.aloneSince = nil
    fetches[root] = nil
    folder(of: root).remove()
    unasked.setAside(root, at: parts.clock.now())
    fetchUnasked()
  }
}
