import Foundations
import Links
import NIOCore
import NIOSSL
import Testing
import Wire

extension LinksTests {
  @Suite("Hostile and broken peers") struct HostilePeerTests {
    @Test("A frame beyond the limit ends the stream", arguments: StreamPurpose.allCases)
    func oversized(purpose: StreamPurpose) async throws {
      let pair = try await Pair()
      let client = try await RawClient(
        to: pair.listener.port,
        tls: clientTLS(pair.near.certificate, purposes: [purpose.rawValue]))
      let far = try #require(await next(of: pair.listener))
      let length = UInt32(purpose.frameLimit + 1)
      client.write(frame([1, 2]))
      client.write(withUnsafeBytes(of: length.bigEndian) { Array($0) })
      #expect(await far.next() == [1, 2])
      #expect(await far.next() == nil)
      guard case .protocolViolation = far.closeReason else {
        Issue.record("\(String(describing: far.closeReason))")
        return
      }
      await client.closed()
      #expect(pair.listener.statistics.violations == 1)
      await pair.close()
    }

    @Test(
      "A stream for no purpose known here is closed",
      arguments: [[], ["http/1.1"], ["virtue-link/2"], ["virtue-link/1x", "h2"]])
    func wrongPurpose(purposes: [String]) async throws {
      let pair = try await Pair()
      let client = try await RawClient(
        to: pair.listener.port, tls: clientTLS(pair.near.certificate, purposes: purposes))
      await client.closed()
      #expect(pair.listener.statistics.wrongPurpose == 1)
      #expect(pair.listener.statistics.established == 0)
      await pair.close()
    }

    @Test("A peer without a certificate is refused")
    func noCertificate() async throws {
      let pair = try await Pair()
      let client = try await RawClient(
        to: pair.listener.port, tls: clientTLS(nil, purposes: ["virtue-link/1"]))
      await client.closed()
      // The client may have closed on the alert alone: the listener's own end comes after its count.
      await pair.close()
      #expect(pair.listener.statistics.failedHandshakes == 1)
      #expect(pair.listener.statistics.established == 0)
    }

    @Test("TLS 1.2 is refused")
    func oldTLS() async throws {
      let pair = try await Pair()
      var configuration = try clientTLS(pair.near.certificate, purposes: ["virtue-link/1"])
      configuration.maximumTLSVersion = .tlsv12
      let client = try await RawClient(to: pair.listener.port, tls: configuration)
      await client.closed()
      await pair.close()
      #expect(pair.listener.statistics.failedHandshakes == 1)
    }

    @Test("After 200 connections with garbage a good one still works")
    func garbage() async throws {
      let pair = try await Pair()
      var chance = SeededGenerator(seed: 11)
      for number in 0..<200 {
        let client = try await RawClient(to: pair.listener.port)
        let size = Int.random(in: 1...2000, using: &chance)
        var bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &chance) }
        // Half of them begin as a TLS record does, whose length then lies within the garbage.
        if number.isMultiple(of: 2) { bytes = [22, 3, 1, 0, 40] + bytes }
        if number.isMultiple(of: 5) { bytes = Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8) }
        client.write(bytes)
        client.channel.close(mode: .output, promise: nil)
        await client.closed()
      }
      let (near, far) = try await pair.connect()
      #expect(near.send([42]))
      #expect(await far.next() == [42])
      #expect(pair.listener.statistics.accepted == 201)
      // Some of it is the beginning of a record whose rest never comes.
      let statistics = pair.listener.statistics
      #expect(statistics.failedHandshakes + statistics.gone == 200)
      #expect(statistics.failedHandshakes >= 100)
      await pair.close()
    }

    @Test("A silent connection ends after the handshake's time")
    func silent() async throws {
      var limits = LinkLimits()
      limits.handshake = .milliseconds(50)
      let pair = try await Pair(limits: limits)
      let client = try await RawClient(to: pair.listener.port)
      await client.closed()
      #expect(pair.listener.statistics.timedOut == 1)
      await pair.close()
    }

    @Test("Connections that say nothing make room for new ones, the most silent first")
    func crowd() async throws {
      var limits = LinkLimits()
      limits.unconfirmedPerAddress = 4
      let pair = try await Pair(limits: limits)
      let (near, far) = try await pair.connect()
      far.confirm()
      var silent: [RawClient] = []
      for _ in 0..<4 { silent.append(try await RawClient(to: pair.listener.port)) }
      let (late, lateFar) = try await pair.connect()
      await silent[0].closed()
      #expect(silent.dropFirst().allSatisfy { $0.channel.isActive })
      #expect(pair.listener.statistics.crowdedOut == 1)
      #expect(near.send([1]) && late.send([2]))
      #expect(await far.next() == [1])
      #expect(await lateFar.next() == [2])
      await pair.close()
    }

    @Test("The total of unconfirmed connections is bounded too")
    func crowdInAll() async throws {
      var limits = LinkLimits()
      limits.unconfirmed = 3
      let pair = try await Pair(limits: limits)
      var silent: [RawClient] = []
      for _ in 0..<5 { silent.append(try await RawClient(to: pair.listener.port)) }
      await silent[0].closed()
      await silent[1].closed()
      #expect(pair.listener.statistics.crowdedOut == 2)
      await pair.close()
    }

    @Test("A link that nobody confirms ends")
    func unconfirmed() async throws {
      var limits = LinkLimits()
      limits.confirmation = .milliseconds(50)
      let pair = try await Pair(limits: limits)
      let (near, far) = try await pair.connect()
      #expect(await far.closed() == .timeout)
      await near.closed()
      #expect(pair.listener.statistics.timedOut == 1)
      await pair.close()
    }

    @Test("A reset is noticed within 100 ms, also by a side that has stopped reading")
    func reset() async throws {
      var limits = LinkLimits()
      limits.waitingFrames = 1
      for pauses in [false, true] {
        let pair = try await Pair(limits: limits)
        let client = try await RawClient(
          to: pair.listener.port,
          tls: clientTLS(pair.near.certificate, purposes: ["virtue-link/1"]))
        let far = try #require(await next(of: pair.listener))
        if pauses {
          for _ in 0..<3 { client.write(frame([9])) }
          // The third frame is never read before the reset: the mailbox holds one.
          try await client.channel.writeAndFlush(ByteBuffer(bytes: frame([9]))).get()
        }
        let start = ContinuousClock.now
        try await client.reset()
        #expect(await far.closed() == .reset)
        #expect(start.duration(to: .now) < .milliseconds(100))
        await pair.close()
      }
    }

    @Test("A hundred streams leave no file descriptor behind")
    func descriptors() async throws {
      let pair = try await Pair()
      func cycle() async throws {
        let (near, far) = try await pair.connect()
        near.close()
        await near.closed()
        await far.closed()
      }
      try await cycle()
      let before = try openDescriptors()
      for _ in 0..<100 { try await cycle() }
      #expect(try openDescriptors() == before)
      #expect(pair.near.streamCount == 0 && pair.far.streamCount == 0)
      await pair.close()
    }
  }
}
