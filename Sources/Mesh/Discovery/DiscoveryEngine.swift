import Foundations
import Synchronization

/// Chooses a responder, keeps our services published with it whatever happens to it, and tells what
/// it hears.
///
/// Safety: everything but `isClosing`, which has its own lock, is touched on `loop`'s thread only:
/// ``Discovery`` enters through ``AvahiLoop/perform(_:)``, and all reports come from the loop.
final class DiscoveryEngine: @unchecked Sendable {
  /// How long a daemon that went away may take to come back; restarting one takes well under 1 s.
  static let patience = Duration.seconds(2)
  /// How long a new responder is given to hear again what the old one knew.
  static let confirmation = Duration.seconds(3)
  /// How long to wait before trying what failed once more.
  static let pause = Duration.seconds(2)
  /// A change of the network is a burst of small ones, an address getting usable the last.
  static let settling = Duration.milliseconds(50)
  /// How often something may go wrong with a daemon that answers before this process does without.
  static let mostDaemonFailures = 3

  private let loop: AvahiLoop
  private let only: Set<String>?
  private let choice: Discovery.Choice
  private let secrets: SecretSource
  private let tell: @Sendable (DiscoveryEvent) -> Void
  private let finish: @Sendable () -> Void
  private let log: @Sendable (String) -> Void

  private let isClosing = Mutex(false)
  private var isOver = false
  private var responder: (any Responder)?
  private var kind = ResponderKind.daemon
  private var isRunning = false
  private var neighbourhood: Neighbourhood?
  /// Whether others are asked about without haste (``Neighbourhood/isCalm``).
  var isCalm = false {
    didSet { if isCalm != oldValue { neighbourhood?.isCalm = isCalm } }
  }
  /// What is looked for; `nil` for all services of ours.
  private var subtype: String?
  private var sightings = Sightings()
  private var publications: [String: Publication] = [:]
  private var interfaces = HostInterfaces.current()
  private var addressWatch: AddressWatch?
  private var patienceTimer, retryTimer, confirmationTimer, settlingTimer,
    questionTimer: LoopTimer?
  /// What the daemon is told to use, when it isn't to use all.
  private var daemonInterfaces: [Int32]?
  private var daemonFailures = 0
  private var complaint: String?

  init(
    _ loop: AvahiLoop, only: Set<String>?, subtype: String?, choice: Discovery.Choice,
    secrets: SecretSource, tell: @escaping @Sendable (DiscoveryEvent) -> Void,
    finish: @escaping @Sendable () -> Void,
    log: @escaping @Sendable (String) -> Void
  ) {
    self.loop = loop
    self.only = only
    self.subtype = subtype
    self.choice = choice
    self.secrets = secrets
    self.tell = tell
    self.finish = finish
    self.log = log
  }

  /// Whether the caller is the first to close.
  func beginClosing() -> Bool {
    isClosing.withLock { closing in
      defer { closing = true }
      return !closing
    }
  }

  func start() {
    addressWatch = AddressWatch(loop) { [unowned self] in networkStirred() }
    interfaces = .current()
    for name in (only ?? []).sorted() where interfaces.indices(of: [name]).isEmpty {
      tell(.problem("There is no network interface \(name) that is up. Waiting for it."))
    }
    switch choice {
    case .daemon: useDaemon(patiently: true)
    case .embedded: useEmbedded()
    case .automatic: prefersEmbedded ? useEmbedded() : useDaemon(patiently: false)
    }
  }

  /// A daemon may have been set up to leave loopback alone, so who asks for nothing else doesn't
  /// depend on one.
  private var prefersEmbedded: Bool {
    guard let only else { return false }
    let chosen = interfaces.addresses.filter { only.contains($0.interfaceName) }
    return !chosen.isEmpty && chosen.allSatisfy(\.isLoopback)
  }

  func close() {
    isOver = true
    addressWatch?.close()
    let timers = [patienceTimer, retryTimer, confirmationTimer, settlingTimer, questionTimer]
    for timer in timers { timer?.cancel() }
    for publication in publications.values { publication.close() }
    publications = [:]
    leaveResponder()
    finish()
  }

  // MARK: - Responders

  private func useDaemon(patiently: Bool) {
    leaveResponder()
    do {
      responder = try DaemonResponder(loop, patiently: patiently) { [unowned self] in
        changed($0)
      }
      kind = .daemon
    } catch {
      log("discovery: no Avahi daemon (\(error))")
      choice == .daemon ? retryDaemon(error) : useEmbedded()
    }
  }

  private func retryDaemon(_ error: AvahiError) {
    complain("Avahi's daemon can't be reached: \(error). Trying again.")
    retryTimer = loop.after(Self.pause) { [unowned self] in useDaemon(patiently: true) }
  }

  private func useEmbedded() {
    leaveResponder()
    patienceTimer?.cancel()
    patienceTimer = nil
    do {
      responder = try EmbeddedResponder(
        loop, only: only, interfaces: interfaces,
        makeHostName: { [secrets] in
          "virtue-"
            + secrets.bytes(6).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
            .joined()
        }
      ) { [unowned self] in changed($0) }
      kind = .embedded
    } catch {
      lost("Nothing can be found on the network: \(error).")
    }
  }

  /// Tries again in a while.
  private func lost(_ problem: String) {
    complain(problem + " Trying again.")
    leaveResponder()
    retryTimer = loop.after(Self.pause) { [unowned self] in useEmbedded() }
  }

  /// Says what is wrong, once as long as it stays wrong.
  private func complain(_ problem: String) {
    guard problem != complaint else { return }
    complaint = problem
    tell(.problem(problem))
  }

  private func leaveResponder() {
    isRunning = false
    for publication in publications.values { publication.close() }
    neighbourhood?.close()
    neighbourhood = nil
    responder?.close()
    responder = nil
    sightings.startOver()
  }

  private func changed(_ state: ResponderState) {
    guard !isOver else { return }
    switch state {
    case .running: run()
    case .registering:
      isRunning = false
      for publication in publications.values { publication.close() }
    case .waiting: waitForDaemon()
    case .gone(let reason):
      switch kind {
      case .daemon:
        log("discovery: Avahi's daemon went away (\(reason))")
        daemonFailed()
      case .embedded: lost("The mDNS responder stopped: \(reason).")
      }
    }
  }

  /// Gives the daemon another chance, or none.
  private func daemonFailed() {
    daemonFailures += 1
    if daemonFailures < Self.mostDaemonFailures {
      useDaemon(patiently: true)
      if responder != nil, kind == .daemon { waitForDaemon() }
    } else if choice == .automatic {
      useEmbedded()
    } else {
      leaveResponder()
      retryTimer = loop.after(Self.pause) { [unowned self] in useDaemon(patiently: true) }
    }
  }

  private func waitForDaemon() {
    guard choice == .automatic, patienceTimer == nil else { return }
    patienceTimer = loop.after(Self.patience) { [unowned self] in
      patienceTimer = nil
      log("discovery: Avahi's daemon stays away, answering from inside this process")
      useEmbedded()
    }
  }

  private func run() {
    guard let responder, !isRunning else { return }
    isRunning = true
    patienceTimer?.cancel()
    patienceTimer = nil
    daemonInterfaces = restriction
    if neighbourhood == nil {
      complaint = nil
      tell(.responder(kind))
      browse(with: responder)
      awaitConfirmation()
    }
    for publication in publications.values { register(publication) }
  }

  /// The interfaces that a daemon must be asked for one by one. The responder inside this process
  /// knows its interfaces by itself.
  private var restriction: [Int32]? {
    kind == .daemon ? only.map { interfaces.indices(of: $0) } : nil
  }

  // MARK: - Listening

  private func browse(with responder: any Responder) {
    neighbourhood?.close()
    let neighbourhood = Neighbourhood(
      loop, responder, ownLabels: Set(publications.values.map(\.service.label)),
      ask: { [unowned self] in ask($0) }
    ) { [unowned self] in heard($0) }
    neighbourhood.isCalm = isCalm
    self.neighbourhood = neighbourhood
    do { try neighbourhood.browse(daemonInterfaces, subtype: subtype) } catch {
      complain("Others can't be looked for: \(error).")
    }
    ask(DirectQuestion.repeats)
  }

  func seek(_ subtype: String?) {
    guard !isOver, subtype != self.subtype else { return }
    self.subtype = subtype
    if isRunning, let responder { browseAnew(with: responder) }
  }

  /// Whoever answers is heard by the browser that is open already: a fresh one would have everybody's
  /// records resolved again.
  func askAnew() {
    guard !isOver, isRunning else { return }
    ask(.whoOffers(subtype: subtype))
    neighbourhood?.askAnew()
  }

  private func browseAnew(with responder: any Responder) {
    questionTimer?.cancel()
    sightings.startOver()
    browse(with: responder)
    awaitConfirmation()
  }

  /// Not before somebody listens: an answer that is missed isn't given again for a while.
  private func ask(_ repeats: ArraySlice<Duration>) {
    ask(.whoOffers(subtype: subtype))
    guard let pause = repeats.first else { return }
    questionTimer = loop.after(pause) { [unowned self] in
      if neighbourhood?.isDeserted == true { ask(repeats.dropFirst()) }
    }
  }

  private func ask(_ question: DirectQuestion) {
    question.ask(
      from: interfaces.addresses.filter { only?.contains($0.interfaceName) ?? true })
  }

  private func awaitConfirmation() {
    confirmationTimer = loop.after(Self.confirmation) { [unowned self] in
      daemonFailures = 0
      sightings.giveUpStale().forEach(tell)
    }
  }

  private func heard(_ report: Neighbourhood.Report) {
    switch report {
    case .seen(let item, let port, let addresses, let attributes):
      let name = interfaces.name(of: item.place.interface)
      let found = Found(
        label: item.label,
        addresses: addresses.compactMap {
          $0.reachable(
            port: port, over: name, isLoopback: interfaces.isLoopback(item.place.interface))
        },
        attributes: attributes, interface: name)
      sightings.see(item, as: found).forEach(tell)
    case .lost(let item):
      sightings.lose(item).forEach(tell)
    case .overflowing:
      tell(
        .problem(
          "This network is flooded with services: some may stay unseen. A link or --peer helps."))
    case .failed(let reason):
      log("discovery: \(reason)")
      changed(.gone(reason))
    }
  }

  // MARK: - Publishing

  func publish(_ advertisement: Advertisement, _ text: [[UInt8]]) {
    guard !isOver else { return }
    if let publication = publications[advertisement.label] {
      publication.service = ServiceRecord(
        label: publication.service.label, port: advertisement.port, text: text,
        subtypes: advertisement.subtypes)
      if isRunning, publication.registeredPort == advertisement.port, publication.updateText() {
        if publication.isEstablished { publishSubtypes(of: publication) }
        return
      }
      register(publication)
    } else if publications.count < Discovery.mostAdvertisements {
      let publication = Publication(
        requested: advertisement.label,
        service: ServiceRecord(
          label: advertisement.label, port: advertisement.port, text: text,
          subtypes: advertisement.subtypes))
      publications[advertisement.label] = publication
      neighbourhood?.own(advertisement.label)
      register(publication)
    } else {
      tell(.problem("\(Discovery.mostAdvertisements) services are published already."))
    }
  }

  func withdraw(_ label: String) {
    guard let publication = publications.removeValue(forKey: label) else { return }
    publication.close()
    neighbourhood?.release(publication.service.label)
  }

  private func register(_ publication: Publication) {
    guard isRunning, let responder else { return }
    let label = publication.service.label
    do {
      try publication.register(with: responder, on: daemonInterfaces) {
        [unowned self, unowned publication] in
        registered(publication, $0)
      }
    } catch {
      retry(publication, "\(error)")
    }
    noteRename(of: publication, from: label)
  }

  private func registered(_ publication: Publication, _ report: GroupReport) {
    switch report {
    case .established:
      publication.failures = 0
      publication.isEstablished = true
      publishSubtypes(of: publication)
      tell(.published(label: publication.requested, registered: publication.service.label))
    case .collision:
      let label = publication.service.label
      log("discovery: \"\(label)\" is taken")
      if publication.rename() {
        noteRename(of: publication, from: label)
        register(publication)
      } else {
        retry(publication, "every name tried is taken")
      }
    case .failed(let reason):
      retry(publication, reason)
    }
  }

  /// Once the service itself has its name. Without them it is still found among all.
  private func publishSubtypes(of publication: Publication) {
    guard let responder else { return }
    do { try publication.publishSubtypes(with: responder) } catch {
      log("discovery: a subtype of \"\(publication.service.label)\" isn't published: \(error)")
    }
  }

  private func noteRename(of publication: Publication, from label: String) {
    guard publication.service.label != label else { return }
    neighbourhood?.own(publication.service.label)
    neighbourhood?.disown(label)
  }

  private func retry(_ publication: Publication, _ reason: String) {
    publication.close()
    publication.failures += 1
    if publication.failures == 1 {
      tell(
        .problem("\"\(publication.requested)\" isn't published yet: \(reason). Trying again."))
    } else if kind == .daemon, choice == .automatic {
      // It may have been set up not to publish what others give it.
      log("discovery: Avahi's daemon doesn't publish (\(reason))")
      return useEmbedded()
    }
    publication.retry = loop.after(Self.pause) { [unowned self, unowned publication] in
      register(publication)
    }
  }

  // MARK: - The network

  private func networkStirred() {
    guard settlingTimer == nil else { return }
    settlingTimer = loop.after(Self.settling) { [unowned self] in
      settlingTimer = nil
      let now = HostInterfaces.current()
      guard now != interfaces else { return }
      interfaces = now
      log("discovery: the host's addresses changed")
      tell(.networkChanged)
      responder?.update(now)
      guard isRunning, let responder, restriction != daemonInterfaces else { return }
      daemonInterfaces = restriction
      browseAnew(with: responder)
      for publication in publications.values { register(publication) }
    }
  }
}
