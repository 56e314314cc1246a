import Foundations
import Glibc
import Links
import RTP
import Roster

/// Once a second: figures for those who watch, and what is due by the clock.
extension MeetingSession {
  func everySecond() async {
    guard !hasEnded else { return }
    refreshAdvertisements()
    let now = parts.clock.now()
    lookForMissing(at: now)
    tellRemovals()
    let figures = await media.takeStatistics()
    let elapsed = latestFigures.map { (now - $0.moment).inSeconds } ?? 1
    defer { latestFigures = (now, figures.rtp) }
    let rows = roster.people.filter { !$0.isMe }.map { person in
      row(
        for: person.id, name: person.displayName, figures: figures,
        before: latestFigures?.rtp[person.id], elapsed: max(elapsed, 0.001))
    }
    let refused = Refusals(
      connections: parts.listener.statistics.refused + refusedStreams,
      datagrams: figures.refusedDatagrams)
    complain(of: refused)
    emit(
      .statistics(
        MeetingStatistics(
          members: rows, refused: refused, processorTime: parts.clock.processorTime(),
          residentBytes: ProcessMemory.resident)))
    await renewAddresses()
  }

  func refusedStream() { refusedStreams += 1 }

  /// At 10 refusals, 100, 1,000 and so on.
  private func complain(of refused: Refusals) {
    guard refused.connections + refused.datagrams >= nextComplaint else { return }
    while refused.connections + refused.datagrams >= nextComplaint { nextComplaint *= 10 }
    emit(
      .warning(
        code: "garbage",
        message: "Somebody on this network sends what Virtue doesn't understand: "
          + "\(refused.connections) connections and \(refused.datagrams) datagrams were refused "
          + "so far. The meeting goes on."))
  }

  private func row(
    for peer: PeerID, name: String, figures: MediaFigures, before: RTPStatistics?, elapsed: Double
  ) -> MemberStatistics {
    var row = MemberStatistics(
      member: peer, name: name, sent: .init(), received: .init(), packetsLost: 0)
    guard let rtp = figures.rtp[peer] else { return row }
    // What was before the first look is part of its second.
    let old = before ?? rtp
    func bitrate(_ bytes: Int) -> Bitrate {
      Bitrate(bitsPerSecond: Int(Double(max(bytes, 0) * 8) / elapsed))
    }
    row.sent.framesPerSecond = Double(rtp.sentVideo.frames - old.sentVideo.frames) / elapsed
    row.sent.bitrate = bitrate(
      rtp.sentVideo.bytes + rtp.sentSound.bytes - old.sentVideo.bytes - old.sentSound.bytes)
    if row.sent.framesPerSecond > 0, let size = figures.pictures.sentSize {
      (row.sent.width, row.sent.height) = size
    }
    row.received.bitrate = bitrate(
      rtp.receivedVideo.bytes + rtp.receivedSound.bytes - old.receivedVideo.bytes
        - old.receivedSound.bytes)
    if let pictures = figures.pictures.received[peer] {
      row.received.framesPerSecond = Double(pictures.frames) / elapsed
      if let size = pictures.size { (row.received.width, row.received.height) = size }
      row.captureToDisplay = pictures.delay
    }
    row.packetsLost = rtp.receivedVideo.lost + rtp.receivedSound.lost
    row.roundTrip = rtp.roundTrip
    if rtp.receivedSound.packets > 0 { row.jitterBuffer = rtp.playout.delay }
    return row
  }
}

enum ProcessMemory {
  /// Memory of this process that is in RAM, in bytes (proc(5): statm, second field, in pages).
  static var resident: Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [UInt8](repeating: 0, count: 256)
    let count = fread(&line, 1, line.count, file)
    let fields = String(decoding: line[..<count], as: UTF8.self).split(separator: " ")
    guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}
