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

  /// One instance on mDNS. Its addresses may come one by one, and each is tried as it comes: the first
  /// may be of a protocol that something on the way swallows.
  private struct Claimant {
    let number: StreamNumber
    var tried: Set<NetworkAddress> = []
    /// Connections being opened.
    var attempts = 0
  }

  /// When somebody who closed a stream, or couldn't be reached, is tried again.
  private static let againAfter = Duration.seconds(1)
  /// Addresses of one claimant that are tried.
  private static let mostAddresses = 64

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
        guard let self else { return }
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
    // Cancelling it would end the events for the meeting too.
    parts.discovery.mark()
    await search.value
    alarm = nil
    for stream in streams.values { stream.close() }
    streams.removeAll()
    do {
      return try result.get()
    } catch  where error.exit == .noHost {
      let list = peers.map(\.description).joined(separator: " and ")
      throw Failure(
        error.code, exit: .noHost,
        (peers.isEmpty
          ? error.message
          : "Nobody of a meeting answers at \(list). Check the address and that the meeting still runs, "
            + "or leave --peer out to ask the network.") + parts.options.interfacesNote)
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
    guard outcome == nil else { return }
    var claimant: Claimant
    if let known = claimants[label] {
      claimant = known
    } else {
      guard claimants.count < JoinerMachine.mostClaimants else { return }
      claimant = Claimant(number: nextNumber)
      nextNumber += 1
      drive(.found(claimant.number))
    }
    guard outcome == nil, streams[claimant.number] == nil else { return }
    let fresh = addresses.filter { !claimant.tried.contains($0) }
      .prefix(Self.mostAddresses - claimant.tried.count)
    guard !fresh.isEmpty else { return }
    claimant.tried.formUnion(fresh)
    claimant.attempts += 1
    claimants[label] = claimant
    Task { [links = parts.links, number = claimant.number] in
      do throws(Failure) {
        let stream = try await links.connectFirst(
          of: Array(fresh), from: .user, purpose: .admission,
          timeout: JoinerMachine.connectLimit + JoinerMachine.patience)
        opened(stream, number: number)
      } catch {
        notOpened(error, label: label, number: number)
      }
    }
  }

  /// Who sent us away, or was too busy for us, is asked again in a moment.
  private func forget(_ number: StreamNumber) {
    guard let (label, claimant) = claimants.first(where: { $0.value.number == number }) else {
      return
    }
    claimants[label] = nil
    Task { [weak self] in
      try? await Task.sleep(for: Self.againAfter)
      await self?.connect(label, to: Array(claimant.tried))
    }
  }

  private func notOpened(_ failure: Failure, label: String, number: StreamNumber) {
    if failure.exit == .protocolMismatch { otherVersion = failure }
    guard claimants[label]?.number == number else { return }
    claimants[label]?.attempts -= 1
    guard claimants[label]?.attempts == 0, streams[number] == nil else { return }
    // What is found of it later is tried anew.
    forget(number)
    drive(.closed(number))
  }

  private func opened(_ stream: FramedStream, number: StreamNumber) {
    guard outcome == nil, streams[number] == nil,
      claimants.values.contains(where: { $0.number == number })
    else { return stream.close() }
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
