import Capture
import Connectivity
import Discovery
import Foundations
import History
import Links
import Logging
import Wire

/// What a member needs whatever it does: its keys, its history, its ways to the network. Opened once
/// a run, closed in the reverse order.
struct SessionParts: Sendable {
  let options: MeetingOptions
  let clock = HostClock()
  let secrets = SecretSource.system
  /// When the program began.
  let start: Moment
  let directory: DataDirectory
  let key: SigningKey
  let sealingKey: SealingKey
  let history: HistoryStore
  let certificate: RunCertificate
  let links: Links
  let listener: LinkListener
  let discovery: Discovery
  let log: Logger

  /// Whether this member sends pictures or sound.
  var sendsMedia: Bool { options.camera != .none || options.microphone != .none }

  var me: PeerID { PeerID(publicKey: key.publicKey) }

  /// - Parameter nameplate: the one that is looked for on the network, and no other services.
  static func open(
    _ options: MeetingOptions, seeking nameplate: Int? = nil
  ) async throws(Failure) -> SessionParts {
    let clock = HostClock()
    let start = clock.processStart()
    let secrets = SecretSource.system
    let directory = try DataDirectory(path: options.dataDirectory)
    let (key, trouble) = try signingKey(in: directory, secrets: secrets)
    let history = try openHistory(at: directory.historyPath, now: clock.wallTime())
    if let trouble { await history.warn(trouble) }
    let certificate = try RunCertificate.make(now: clock.wallTime())
    let links = try Links(certificate: certificate, interfaces: options.interfaces)
    do {
      let listener = try await links.listen(port: options.port, interfaces: options.interfaces)
      let discovery = try Discovery(
        interfaces: options.interfaces, subtype: nameplate.map(ServiceRecord.subtype))
      return SessionParts(
        options: options, start: start, directory: directory, key: key,
        sealingKey: SealingKey(from: secrets), history: history, certificate: certificate,
        links: links, listener: listener, discovery: discovery, log: Logger(label: "virtue"))
    } catch {
      await links.close()
      throw error
    }
  }

  /// People can meet on a computer that can't keep a new key: then it is one of this run.
  private static func signingKey(
    in directory: DataDirectory, secrets: SecretSource
  ) throws(Failure) -> (key: SigningKey, trouble: Failure?) {
    do {
      return (try directory.signingKey(secrets: secrets), nil)
    } catch  where error.code == DataDirectory.unwritable {
      let trouble = Failure(
        "key-unkept", exit: error.exit,
        "\(error.message) The meeting goes on, but whoever leaves it comes back as somebody new, with a "
          + "code.")
      return (SigningKey(from: secrets), trouble)
    }
  }

  /// People can meet on a computer that can't keep what they say. What a later version has written,
  /// or another program is writing, is no such hindrance: that is for its owner to settle first.
  private static func openHistory(
    at path: String, now: WallTime
  ) throws(Failure) -> HistoryStore {
    do {
      return try HistoryStore(path: path, now: now)
    } catch {
      guard !["history-newer", "history-busy"].contains(error.code) else { throw error }
      return try HistoryStore(insteadOf: path, because: error)
    }
  }

  /// Does what the meeting can do without; people are told when it fails.
  func keepIfPossible(_ body: () async throws(Failure) -> Void) async {
    do {
      try await body()
    } catch {
      await history.warn(error)
    }
  }

  func close() async {
    await discovery.close()
    await listener.close()
    await links.close()
  }

  /// This run's record of oneself.
  ///
  /// - Parameter old: which it is to replace, so that it must count as issued later, whatever the clock
  ///   says.
  func memberRecord(replacing old: MemberRecord? = nil) throws(Failure) -> MemberRecord {
    var issued = clock.wallTime()
    if let old, old.issued >= issued {
      issued = WallTime(milliseconds: old.issued.milliseconds + 1)
    }
    do {
      return try MemberRecord(
        key: key, name: options.name, certificateFingerprint: certificate.fingerprint,
        sealingKey: sealingKey.publicKey,
        addresses: listener.advertised,
        capabilities: sendsMedia ? [MemberRecord.sendsMedia] : [], issued: issued)
    } catch {
      throw Failure("bad-name", exit: .usage, "A member record can't be made: \(error).")
    }
  }
}
