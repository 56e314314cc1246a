import Foundations

/// What one responder hears of services of our type: it resolves each one, and goes on listening for
/// changes of its text and addresses. On the loop's thread only.
final class Neighbourhood {
  /// Services beyond this number (counted at each place) are ignored until others go: only a flood
  /// makes so many on one network.
  static let mostItems = 1_024
  /// How many are listened to at once. Avahi's daemon gives a client 1,024 objects, each needs two,
  /// and Avahi's time grows with their square while they are unanswered. Further ones wait until an
  /// earlier one has answered, which then is no longer listened to.
  static let mostOpen = 128
  /// How many addresses of one service at one place count.
  static let mostAddresses = 8
  /// A service that doesn't answer within Avahi's five seconds is asked again so many times by itself.
  static let mostAttempts = 6
  /// Services (counted at each place) up to which one is asked about beside the responder as well. Where
  /// there are more, such questions would be most of what is said on the network.
  static let mostAskedDirectly = 16
  /// Between two services that are asked about while nothing is being looked for.
  static let calmPause = Duration.milliseconds(500)

  private final class Inquiry {
    let item: Item
    var attempts = 0
    /// Whether it didn't answer, and isn't being asked.
    var isSilent = false
    var service: (any OpenLookup)?
    var addresses: (any OpenLookup)?
    var host: String?
    var question: LoopTimer?
    var retry: LoopTimer?
    var port: UInt16 = 0
    var attributes: [String: String] = [:]
    /// In the order of their coming.
    var known: [RawAddress] = []

    init(_ item: Item) { self.item = item }

    var isOpen: Bool { service != nil }
    var hasAnswered: Bool { host != nil && !known.isEmpty }

    func close() {
      service?.close()
      addresses?.close()
      question?.cancel()
      retry?.cancel()
      (service, addresses, question, retry) = (nil, nil, nil, nil)
    }
  }

  private let loop: AvahiLoop
  private let responder: any Responder
  private let ask: (DirectQuestion) -> Void
  private let report: (Report) -> Void
  private var browsers: [any OpenLookup] = []
  private var inquiries: [Item: Inquiry] = [:]
  private var ownLabels: Set<String>
  private var ownItems: Set<Item> = []
  private var released: Set<String> = []
  /// Open ones in the order of their opening, and those that wait for their turn.
  private var open: [Item] = []
  private var waiting: [Item] = []
  private var isOverflowing = false
  private var calmTimer: LoopTimer?

  /// Whether nothing is being looked for. Where thirty join at once and all ask about all at once, half
  /// of the answers are more than receive buffers hold, and those who do look for something miss theirs.
  var isCalm = false {
    didSet { if !isCalm { openNext() } }
  }

  enum Report {
    case seen(Item, port: UInt16, addresses: [RawAddress], attributes: [String: String])
    case lost(Item)
    case failed(String)
    /// More services than ``mostItems`` are around; said once.
    case overflowing
  }

  /// - Parameters:
  ///   - ownLabels: services of this process, which aren't asked for.
  ///   - ask: asks beside the responder, where its own question goes unanswered.
  init(
    _ loop: AvahiLoop, _ responder: any Responder, ownLabels: Set<String>,
    ask: @escaping (DirectQuestion) -> Void, _ report: @escaping (Report) -> Void
  ) {
    self.ownLabels = ownLabels
    self.loop = loop
    self.responder = responder
    self.ask = ask
    self.report = report
  }

  /// Browses on `interfaces`, or on all of them when `nil`; for one subtype or for all services.
  func browse(_ interfaces: [Int32]?, subtype: String? = nil) throws(AvahiError) {
    closeBrowsers()
    for interface in interfaces.map({ $0.map(Optional.some) }) ?? [nil] {
      browsers.append(
        try responder.browse(interface, subtype: subtype) { [unowned self] in heard($0) })
    }
  }

  /// Asks once more about services that never answered or fell silent, some at a time. Who comes back
  /// after a while may be announced here still, so that its return is no news to the browser.
  func askAnew() {
    let silent = inquiries.values.filter(\.isSilent).sorted { $0.attempts < $1.attempts }
    for inquiry in silent.prefix(Self.mostAskedDirectly) { queue(inquiry) }
    openNext()
  }

  private func queue(_ inquiry: Inquiry) {
    inquiry.retry?.cancel()
    inquiry.isSilent = false
    waiting.append(inquiry.item)
  }

  /// Whether nothing at all was heard.
  var isDeserted: Bool { inquiries.isEmpty }

  /// From now on this process publishes under `label`.
  func own(_ label: String) {
    ownLabels.insert(label)
    released.remove(label)
  }

  /// `label` turned out to be somebody else's.
  func disown(_ label: String) {
    ownLabels.remove(label)
    for item in ownItems where item.label == label {
      ownItems.remove(item)
      heard(.appeared(item))
    }
  }

  /// This process no longer publishes under `label`, which stays its own for as long as the echo is
  /// heard.
  func release(_ label: String) {
    if ownItems.contains(where: { $0.label == label }) {
      released.insert(label)
    } else {
      ownLabels.remove(label)
    }
  }

  func close() {
    closeBrowsers()
    ownItems = []
    for inquiry in inquiries.values { inquiry.close() }
    inquiries = [:]
    open = []
    waiting = []
    calmTimer?.cancel()
  }

  private func closeBrowsers() {
    for browser in browsers { browser.close() }
    browsers = []
  }

  private func heard(_ news: BrowseReport) {
    switch news {
    case .appeared(let item) where ownLabels.contains(item.label):
      ownItems.insert(item)
    case .appeared(let item):
      guard inquiries[item] == nil else { return }
      guard inquiries.count < Self.mostItems else {
        if !isOverflowing { report(.overflowing) }
        isOverflowing = true
        return
      }
      inquiries[item] = Inquiry(item)
      waiting.append(item)
      openNext()
    case .vanished(let item) where ownItems.remove(item) != nil:
      guard released.contains(item.label), !ownItems.contains(where: { $0.label == item.label })
      else { return }
      released.remove(item.label)
      ownLabels.remove(item.label)
    case .vanished(let item):
      guard let inquiry = inquiries.removeValue(forKey: item) else { return }
      inquiry.close()
      open.removeAll { $0 == item }
      waiting.removeAll { $0 == item }
      report(.lost(item))
      openNext()
    case .failed(let reason):
      report(.failed(reason))
    }
  }

  private func openNext() {
    while !waiting.isEmpty {
      if isCalm {
        guard calmTimer == nil else { return }
        calmTimer = loop.after(Self.calmPause) { [unowned self] in
          calmTimer = nil
          openNext()
        }
      }
      if open.count >= Self.mostOpen {
        guard let done = open.firstIndex(where: { inquiries[$0]?.hasAnswered == true }) else {
          return
        }
        inquiries[open.remove(at: done)]?.close()
      }
      let item = waiting.removeFirst()
      if let inquiry = inquiries[item] { start(inquiry) }
    }
  }

  private func start(_ inquiry: Inquiry) {
    let item = inquiry.item
    inquiry.attempts += 1
    inquiry.service = try? responder.resolve(item) { [unowned self] in answered(item, $0) }
    guard inquiry.isOpen else { return tryAgain(inquiry) }
    open.append(item)
    inquiry.question = loop.after(DirectQuestion.patience) { [unowned self, unowned inquiry] in
      guard !inquiry.hasAnswered, !isCalm, inquiries.count <= Self.mostAskedDirectly else { return }
      ask(.what(label: item.label))
    }
  }

  private func answered(_ item: Item, _ answer: ServiceReport) {
    guard let inquiry = inquiries[item] else { return }
    switch answer {
    case .failed:
      tryAgain(inquiry)
    case .found(let host, let port, let text):
      inquiry.port = port
      inquiry.attributes = TextRecord.decode(text)
      if inquiry.host != host {
        inquiry.host = host
        inquiry.known = []
        inquiry.addresses?.close()
        inquiry.addresses = try? responder.findAddresses(of: host, at: item.place) {
          [unowned self] in addressed(item, $0)
        }
      }
      tell(inquiry)
    }
  }

  private func addressed(_ item: Item, _ news: AddressReport) {
    guard let inquiry = inquiries[item] else { return }
    switch news {
    case .added(let address):
      guard !inquiry.known.contains(address), inquiry.known.count < Self.mostAddresses else {
        return
      }
      inquiry.known.append(address)
    case .removed(let address):
      inquiry.known.removeAll { $0 == address }
    case .failed:
      tryAgain(inquiry)
    }
    tell(inquiry)
    openNext()
  }

  private func tell(_ inquiry: Inquiry) {
    report(
      .seen(
        inquiry.item, port: inquiry.port, addresses: inquiry.known,
        attributes: inquiry.attributes))
  }

  /// Asks anew after 1, 2, 4… seconds, some times, for as long as the service is announced.
  private func tryAgain(_ inquiry: Inquiry) {
    let item = inquiry.item
    inquiry.close()
    inquiry.host = nil
    open.removeAll { $0 == item }
    inquiry.isSilent = true
    guard inquiry.attempts < Self.mostAttempts else { return openNext() }
    inquiry.retry = loop.after(.seconds(1 << (inquiry.attempts - 1))) {
      [unowned self, unowned inquiry] in
      queue(inquiry)
      openNext()
    }
    openNext()
  }
}
