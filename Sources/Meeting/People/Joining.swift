import Admission
import Discovery
import Foundations
import Links
import Wire

/// Gets in by a code: finds who claims the nameplate and lets the joiner's machine talk to them.
actor Joining {
  private let parts: SessionParts
  private let code: InviteCode
  private var machine: JoinerMachine
  private let clock: HostClock
  private var alarm: Alarm?
  private var streams: [StreamNumber: FramedStream] = [:]
  private var claimants: [String: Claimant] = [:]
  private var nextNumber: StreamNumber = 1
  private var outcome: Result<Admittance, Failure>?
  private var waiter: CheckedContinuation<Result<Admittance, Failure>, Never>?
  private var otherVersion: Failure?
  private(set) var steps: [JoinStep] = []

  /// When all services are looked through: what carries mDNS between parts of a network may not know
  /// subtypes.
  private static let widensAfter = Duration.seconds(4)

  /// One instance on mDNS; its addresses may come one by one.
  private struct Claimant {
    let number: StreamNumber
    var untried: [NetworkAddress]
    var isConnecting: Bool
  }

  init(code: InviteCode, parts: SessionParts) throws(Failure) {
    self.code = code
    self.parts = parts
    clock = parts.clock
    machine = JoinerMachine(
      .init(code: code, record: try parts.memberRecord(), secrets: parts.secrets),
      at: parts.clock.now())
  }

  /// - Parameters:
  ///   - peers: where the inviter is, given by hand; then the network isn't asked.
  ///   - hints: where it was when it made the link; by now somebody else may answer for the code.
  func run(
    peers: [NetworkAddress], hints: [NetworkAddress]
  ) async throws(Failure) -> Admittance {
    alarm = Alarm(clock: clock) { [weak self] in await self?.wake() }
    let widening = Task { [discovery = parts.discovery, weak self] in
      try? await Task.sleep(for: Self.widensAfter)
      guard !Task.isCancelled, await self?.claimants.isEmpty == true else { return }
      discovery.seek(nil)
    }
    defer { widening.cancel() }
    let search = Task { [discovery = parts.discovery, weak self] in
      guard peers.isEmpty else { return }
      for await event in discovery.events {
        guard let self, !Task.isCancelled else { return }
        if case .found(let found) = event { await self.take(found) }
        if await self.isDecided { return }
      }
    }
    if !peers.isEmpty {
      connect("by hand", to: peers)
      drive(.searchEnded)
    } else if !hints.isEmpty {
      connect("link", to: hints)
    }
    alarm?.set(machine.deadline)
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        if let outcome { continuation.resume(returning: outcome) } else { waiter = continuation }
      }
    } onCancel: {
      Task { await self.cancel() }
    }
    search.cancel()
    alarm = nil
    for stream in streams.values { stream.close() }
    streams.removeAll()
    do {
      return try result.get()
    } catch  where error.exit == .noHost && !peers.isEmpty {
      let list = peers.map(\.description).joined(separator: " and ")
      throw Failure(
        "nobody-here", exit: .noHost,
        "Nobody of a meeting answers at \(list). Check the address and that the meeting still runs, "
          + "or leave --peer out to ask the network.")
    }
  }

  private var isDecided: Bool { outcome != nil }

  private func cancel() {
    decide(.failure(Failure("cancelled", exit: .temporary, "Joining was given up.")))
  }

  private func decide(_ result: Result<Admittance, Failure>) {
    guard outcome == nil else { return }
    outcome = result
    waiter?.resume(returning: result)
    waiter = nil
  }

  private func reach(_ step: String) {
    guard !steps.contains(where: { $0.name == step }) else { return }
    steps.append(JoinStep(name: step, reached: clock.now() - parts.start))
  }

  // MARK: - Claimants

  private func take(_ found: Found) {
    let record = ServiceRecord(attributes: found.attributes)
    guard record.nameplates.contains(code.nameplate) else { return }
    reach("found")
    connect(found.label, to: found.addresses)
  }

  private func connect(_ label: String, to addresses: [NetworkAddress]) {
    if claimants[label] != nil {
      claimants[label]?.untried += addresses
    } else {
      guard claimants.count < JoinerMachine.mostClaimants else { return }
      claimants[label] = Claimant(number: nextNumber, untried: addresses, isConnecting: false)
      drive(.found(nextNumber))
      nextNumber += 1
    }
    tryNext(label)
  }

  private func tryNext(_ label: String) {
    guard let claimant = claimants[label], !claimant.isConnecting, outcome == nil,
      !claimant.untried.isEmpty, streams[claimant.number] == nil
    else { return }
    claimants[label]?.untried = []
    claimants[label]?.isConnecting = true
    Task { [links = parts.links] in
      do throws(Failure) {
        let stream = try await links.connectFirst(
          of: claimant.untried, purpose: .admission,
          timeout: JoinerMachine.connectLimit + JoinerMachine.patience)
        opened(stream, label: label, number: claimant.number)
      } catch {
        notOpened(error, label: label, number: claimant.number)
      }
    }
  }

  /// Who sent us away is asked again once it advertises anew.
  private func forget(_ number: StreamNumber) {
    claimants = claimants.filter { $0.value.number != number }
  }

  private func notOpened(_ failure: Failure, label: String, number: StreamNumber) {
    claimants[label]?.isConnecting = false
    if failure.exit == .protocolMismatch { otherVersion = failure }
    if claimants[label]?.untried.isEmpty == false {
      tryNext(label)
    } else {
      drive(.closed(number))
    }
  }

  private func opened(_ stream: FramedStream, label: String, number: StreamNumber) {
    claimants[label]?.isConnecting = false
    guard outcome == nil else { return stream.close() }
    reach("connected")
    streams[number] = stream
    drive(.opened(number, fingerprint: stream.peerFingerprint))
    Task { [weak self] in
      while let frame = await stream.next() { await self?.drive(.received(number, frame)) }
      await self?.ended(number)
    }
  }

  private func ended(_ number: StreamNumber) {
    guard streams.removeValue(forKey: number) != nil else { return }
    forget(number)
    drive(.closed(number))
  }

  // MARK: - The machine

  private func drive(_ input: JoinerMachine.Input) {
    guard outcome == nil else { return }
    var outputs: [JoinerMachine.Output] = []
    machine.handle(input, at: clock.now(), into: &outputs)
    carryOut(outputs)
  }

  private func wake() {
    alarm?.forget()
    var outputs: [JoinerMachine.Output] = []
    machine.wake(at: clock.now(), into: &outputs)
    carryOut(outputs)
  }

  private func carryOut(_ outputs: [JoinerMachine.Output]) {
    for output in outputs {
      switch output {
      case .send(let number, let frame): streams[number]?.send(frame)
      case .close(let number):
        streams.removeValue(forKey: number)?.close()
        forget(number)
      case .finished(let admittance):
        reach("admitted")
        decide(.success(admittance))
      case .failed(let failure):
        // Who answers in another version's words was no claimant, but is worth telling.
        decide(.failure(failure.exit == .noHost ? otherVersion ?? failure : failure))
      }
    }
    alarm?.set(machine.deadline)
  }
}
