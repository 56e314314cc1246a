import Foundations
import Links
import Protection
import RTP

/// What comes in UDP datagrams.
let packetTargets: [FuzzTarget] = [
  FuzzTarget(name: "rtp") { bytes in
    let packet = try? RTPPacket(parsing: bytes)
    for id in UInt8.min...UInt8.max { _ = packet?.extensions?[id] }
    _ = OpusPayload(bytes[...])
  },
  FuzzTarget(name: "rtcp") { bytes in
    _ = try? ControlPacket.parse(compound: bytes)
  },
  FuzzTarget(name: "datagram-kind") { bytes in
    _ = DatagramKind(bytes)
  },
  // Records for both roles, while the handshake runs.
  FuzzTarget(name: "dtls") { bytes in
    for role in [DTLSRole.client, .server] {
      let session = DTLSSession(
        role: role, identity: identity, peerFingerprint: identity.fingerprint
      ) { _ in }
      session.start(at: .zero)
      session.receive(bytes, at: .zero)
      session.wake(at: .zero + .seconds(1))
      session.close()
    }
  },
  // A session that gets packets one after another, each led by its length.
  FuzzTarget(name: "rtp-session") { bytes in
    var session = RTPSession(.fuzzed)
    var outputs: [RTPSession.Output] = []
    var now = Moment.zero + .seconds(100)
    var rest = bytes[...]
    while let length = rest.popFirst() {
      now = now + .milliseconds(5)
      session.handle(.received(Array(rest.prefix(Int(length)))), at: now, into: &outputs)
      session.handle(.playSound, at: now, into: &outputs)
      session.wake(at: now, into: &outputs)
      rest = rest.dropFirst(Int(length))
      outputs.removeAll(keepingCapacity: true)
    }
  },
]

/// Made once: a key takes longer than all that is done with it.
private let identity: DTLSIdentity = {
  do {
    let certificate = try RunCertificate.make(now: WallTime(milliseconds: 1_767_225_600_000))
    return try DTLSIdentity(
      certificateDER: certificate.certificateDER, privateKeyPEM: certificate.privateKeyPEM)
  } catch {
    fatalError("no certificate to fuzz with: \(error)")
  }
}()

extension RTPSession.Configuration {
  fileprivate static var fuzzed: Self {
    let (sound, pictures) = (
      TrackSettings(payloadType: PayloadType(111)), TrackSettings(payloadType: PayloadType(96))
    )
    return Self(
      localAudio: sound, localVideo: pictures, remoteAudio: sound, remoteVideo: pictures,
      cname: "fuzz", seed: 1, wallOffset: .seconds(1_700_000_000), audioLevelExtension: 1)
  }
}
