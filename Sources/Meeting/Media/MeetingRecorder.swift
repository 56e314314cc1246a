import Dispatch
import Foundation
import Foundations
import Playback
import RTP
import Synchronization

/// Keeps what each member sends, one WebM file a member, exactly as received.
///
/// A file begins with its member's first keyframe or sound. What can't be written ends that recording
/// with one warning and never the meeting.
final class MeetingRecorder: Sendable {
  private let queue = WorkQueue(label: "recorder")
  private let box: Box
  private let directory: String
  private let began: @Sendable (PeerID, String) -> Void
  private let failed: @Sendable (Failure) -> Void

  // Safety: used on `queue` only.
  private final class Box: @unchecked Sendable {
    var files: [PeerID: Track] = [:]
    /// What each member said that it sends.
    var contents: [PeerID: CallContents] = [:]
    /// Members whose recording failed: they stay without one.
    var given: Set<PeerID> = []
  }

  private struct Track {
    let recorder: WebMRecorder
    let start: Moment
    var picture: MediaLine?
    var sound: MediaLine?
  }

  /// Where one track's media clock stands on the file's time line.
  private struct MediaLine {
    let first: MediaTime
    let offset: Duration
    private var latest: Duration?

    init(first: MediaTime, offset: Duration) {
      self.first = first
      self.offset = offset
    }

    /// Always after the latest, by a tick of the file's clock: its time runs forward.
    mutating func place(_ time: MediaTime) -> Duration {
      let wanted = max(offset + (time - first), .zero)
      let position = latest.map { max($0 + .milliseconds(1), wanted) } ?? wanted
      latest = position
      return position
    }
  }

  init(
    directory: String, began: @escaping @Sendable (PeerID, String) -> Void,
    failed: @escaping @Sendable (Failure) -> Void
  ) throws(Failure) {
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw Failure(
        "recording-unwritable", exit: .cannotCreate,
        "The directory \(directory) for recordings can't be made. Choose another with --record.")
    }
    guard access(directory, W_OK) == 0 else {
      throw Failure(
        "recording-unwritable", exit: .cannotCreate,
        "The directory \(directory) for recordings can't be written to. "
          + "Choose another with --record.")
    }
    self.directory = directory
    self.began = began
    self.failed = failed
    box = Box()
  }

  /// A member sends these from now on.
  func expect(_ contents: CallContents, from peer: PeerID) {
    queue.queue.async { self.box.contents[peer] = contents }
  }

  func take(
    _ picture: EncodedPicture, time: MediaTime, received: Moment, from peer: PeerID, name: String
  ) {
    queue.queue.async {
      self.write(to: peer, name: name, at: received, starts: picture.isKeyframe) {
        (track) throws(Failure) in
        var line =
          track.picture
          ?? MediaLine(first: time, offset: received - track.start)
        let position = line.place(time)
        track.picture = line
        try track.recorder.write(picture, at: position)
      }
    }
  }

  func take(
    _ sound: EncodedSound, time: MediaTime, received: Moment, from peer: PeerID, name: String
  ) {
    queue.queue.async {
      self.write(to: peer, name: name, at: received, starts: true) {
        (track) throws(Failure) in
        var line =
          track.sound ?? MediaLine(first: time, offset: received - track.start)
        let position = line.place(time)
        track.sound = line
        try track.recorder.write(sound, at: position)
      }
    }
  }

  /// Ends all files; returns when they are whole.
  func finish() {
    queue.queue.sync {
      for (_, track) in box.files { end(track) }
      box.files.removeAll()
    }
  }

  /// A member is gone: its file ends. Should it come back, a new one begins.
  func finish(_ peer: PeerID) {
    queue.queue.async {
      if let track = self.box.files.removeValue(forKey: peer) { self.end(track) }
      self.box.given.remove(peer)
    }
  }

  private func end(_ track: Track) {
    do throws(Failure) {
      try track.recorder.finish()
    } catch {
      failed(error)
    }
  }

  private func write(
    to peer: PeerID, name: String, at moment: Moment, starts: Bool,
    _ body: (inout Track) throws(Failure) -> Void
  ) {
    guard !box.given.contains(peer), starts || box.files[peer] != nil else { return }
    do throws(Failure) {
      var track: Track
      if let known = box.files[peer] {
        track = known
      } else {
        let path = freePath(for: peer, name: name)
        let contents = box.contents[peer] ?? CallContents(pictures: true, sound: true)
        let recorder = try WebMRecorder(
          path: path, video: contents.pictures, sound: contents.sound)
        track = Track(recorder: recorder, start: moment)
        began(peer, path)
      }
      defer { box.files[peer] = track }
      try body(&track)
    } catch {
      box.given.insert(peer)
      box.files[peer] = nil
      failed(error)
    }
  }

  /// "ada-1f00.webm", "ada-1f00-2.webm": nothing that is there already is overwritten.
  private func freePath(for peer: PeerID, name: String) -> String {
    let letters = name.lowercased().unicodeScalars.map { scalar in
      ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) ? Character(scalar) : "-"
    }
    let stem = "\(directory)/\(String(letters.prefix(32)))-\(peer.description.prefix(8))"
    var path = stem + ".webm"
    var number = 2
    while access(path, F_OK) == 0 {
      path = "\(stem)-\(number).webm"
      number += 1
    }
    return path
  }
}
