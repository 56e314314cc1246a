import Foundations
import Links
import Testing
import Wire

extension LinksTests {
  @Suite("Streams") struct StreamTests {
    @Test("Frames of every size come back as they were sent", arguments: StreamPurpose.allCases)
    func roundTrip(purpose: StreamPurpose) async throws {
      let pair = try await Pair()
      let (near, far) = try await pair.connect(purpose)
      var chance = SeededGenerator(seed: 7)
      for size in [0, 1, 3, 4, 5, 1000, 16_384, 16_385, purpose.frameLimit - 1, purpose.frameLimit]
      {
        let sent = (0..<size).map { _ in UInt8.random(in: 0...255, using: &chance) }
        #expect(near.send(sent))
        let arrived = try #require(await far.next())
        #expect(arrived == sent)
        #expect(far.send(arrived))
        #expect(await near.next() == sent)
      }
      await pair.close()
    }

    @Test("Both ends know the other's fingerprint, purpose and address")
    func identities() async throws {
      let pair = try await Pair()
      let (near, far) = try await pair.connect(.admission)
      #expect(near.peerFingerprint == pair.far.certificate.fingerprint)
      #expect(far.peerFingerprint == pair.near.certificate.fingerprint)
      #expect(near.purpose == .admission && far.purpose == .admission)
      #expect(near.isInitiator && !far.isInitiator)
      #expect(near.remoteAddress == pair.target)
      #expect(far.remoteAddress.host == "127.0.0.1")
      #expect(far.remoteAddress == near.localAddress)
      await pair.close()
    }

    @Test("Frames arrive in the order in which they were sent")
    func ordering() async throws {
      let pair = try await Pair()
      let (near, far) = try await pair.connect()
      let count = 3000
      for number in 0..<count { #expect(near.send(Array("\(number)".utf8))) }
      near.close()
      var expected = 0
      for await frame in far.frames {
        #expect(frame == Array("\(expected)".utf8))
        expected += 1
      }
      #expect(expected == count)
      await pair.close()
    }

    @Test("Who waits until a stream has drained goes on once the peer has read, or is gone")
    func draining() async throws {
      let pair = try await Pair()
      let (near, far) = try await pair.connect(.files)
      let large = [UInt8](repeating: 7, count: WireBounds.frame - 4)
      for _ in 0..<3 { #expect(near.send(large)) }
      async let first = far.next()
      await near.drained(to: 0)
      #expect(near.pendingBytes == 0)
      #expect(await first == large)
      // Read by nobody, it fills what the kernel and the peer take.
      for _ in 0..<8 where near.pendingBytes < 3 << 20 { near.send(large) }
      async let waiting: Void = near.drained(to: -1)
      near.close()
      await waiting
      await pair.close()
    }

    @Test("Closing delivers what was sent before, and each side knows who closed")
    func closeDelivers() async throws {
      let pair = try await Pair()
      let (near, far) = try await pair.connect()
      let large = [UInt8](repeating: 7, count: WireBounds.frame)
      for _ in 0..<3 { #expect(near.send(large)) }
      near.close()
      #expect(!near.send([1]))
      #expect(await near.next() == nil)
      #expect(near.closeReason == .local)
      var received = 0
      for await frame in far.frames {
        #expect(frame == large)
        received += 1
      }
      #expect(received == 3)
      #expect(far.closeReason == .closedByPeer)
      #expect(await far.closed() == .closedByPeer)
      #expect(await near.closed() == .local)
      await pair.close()
    }

    @Test("A reader that is slow holds the sender back, and nothing is lost")
    func backpressure() async throws {
      var limits = LinkLimits()
      limits.waitingFrames = 4
      let pair = try await Pair(limits: limits)
      let (near, far) = try await pair.connect()
      for number in 0..<2000 {
        #expect(near.send([UInt8](repeating: UInt8(number % 251), count: 1000)))
      }
      // The end reaches the peer behind all of it.
      near.close()
      var received = 0
      for await frame in far.frames {
        #expect(frame.first == UInt8(received % 251))
        if received.isMultiple(of: 100) { await Task.yield() }
        received += 1
      }
      #expect(received == 2000)
      #expect(far.closeReason == .closedByPeer)
      await pair.close()
    }

    @Test("A peer that takes nothing is cut off once too much waits")
    func slowPeer() async throws {
      let pair = try await Pair()
      let (near, far) = try await pair.connect()
      let frame = [UInt8](repeating: 1, count: WireBounds.frame)
      var sent = 0
      while near.send(frame) && sent < 1000 { sent += 1 }
      #expect(sent < 1000)
      #expect(await near.closed() == .slowPeer)
      #expect(!near.send([]))
      #expect(await far.closed() == .reset)
      await pair.close()
    }

    @Test("A frame that is too long is refused where it is made")
    func oversizedHere() async throws {
      let pair = try await Pair()
      let (near, far) = try await pair.connect(.admission)
      #expect(!near.send([UInt8](repeating: 0, count: WireBounds.admissionFrame + 1)))
      guard case .protocolViolation = await near.closed() else {
        Issue.record("\(String(describing: near.closeReason))")
        return
      }
      await far.closed()
      await pair.close()
    }

    @Test("Cancelling the task that waits for a frame ends its wait, not the stream")
    func cancelledReader() async throws {
      let pair = try await Pair()
      let (near, far) = try await pair.connect()
      let reader = Task { await far.next() }
      reader.cancel()
      #expect(await reader.value == nil)
      #expect(near.send([4]))
      #expect(await far.next() == [4])
      await pair.close()
    }

    @Test("Closing everything delivers what was sent and leaves no stream")
    func closeAll() async throws {
      let pair = try await Pair()
      let (near, far) = try await pair.connect()
      #expect(near.send(Array("goodbye".utf8)))
      await pair.near.close()
      #expect(pair.near.streamCount == 0)
      #expect(await far.next() == Array("goodbye".utf8))
      #expect(await far.next() == nil)
      await pair.listener.close()
      await pair.far.close()
    }

    @Test("An admission that takes too long ends on both sides")
    func admissionTime() async throws {
      var limits = LinkLimits()
      limits.admission = .milliseconds(50)
      let pair = try await Pair(limits: limits)
      let (near, far) = try await pair.connect(.admission)
      far.confirm()
      let reasons = [await near.closed(), await far.closed()]
      #expect(reasons.contains(.timeout))
      await pair.close()
    }
  }
}
