import Foundation
import Foundations
import SwiftProtobuf
import Wire

/// What one side offers or answers: how to reach it, how to know it, what it sends.
package struct SessionDescription: Hashable, Sendable {
  /// 4 to 256 ice-chars (RFC 8839 §5.4).
  package let ufrag: String
  /// 22 to 256 ice-chars.
  package let password: String
  /// SHA-256 of the DTLS certificate, 32 bytes.
  package let fingerprint: [UInt8]
  /// Candidate-attribute lines (RFC 8839 §5.1), at most 32.
  package let candidates: [String]
  /// At most 8.
  package let tracks: [MediaTrack]

  package init(
    ufrag: String, password: String, fingerprint: [UInt8], candidates: [String],
    tracks: [MediaTrack]
  ) {
    self.ufrag = ufrag
    self.password = password
    self.fingerprint = fingerprint
    self.candidates = candidates
    self.tracks = tracks
  }

  /// - Throws: ``WireError/outOfBounds(_:)`` with the field's name. Tracks of an unknown kind are left
  ///   out, since a later version may send more than sound and pictures.
  init(checking wire: WireDescription) throws(WireError) {
    guard (4...256).contains(wire.ufrag.utf8.count), Self.isICE(wire.ufrag) else {
      throw .outOfBounds("ufrag")
    }
    guard (22...256).contains(wire.password.utf8.count), Self.isICE(wire.password) else {
      throw .outOfBounds("password")
    }
    guard wire.fingerprint.count == 32 else { throw .outOfBounds("fingerprint") }
    guard wire.candidates.count <= WireBounds.candidates,
      wire.candidates.allSatisfy(Self.isCandidate)
    else { throw .outOfBounds("candidates") }
    guard wire.tracks.count <= WireBounds.tracks else { throw .outOfBounds("tracks") }
    var tracks: [MediaTrack] = []
    for track in wire.tracks {
      if let known = try MediaTrack(checking: track) { tracks.append(known) }
    }
    let sources = tracks.map(\.ssrc).filter { $0 != 0 }
    guard Set(sources).count == sources.count else { throw .outOfBounds("ssrc") }
    self.init(
      ufrag: wire.ufrag, password: wire.password, fingerprint: Array(wire.fingerprint),
      candidates: wire.candidates, tracks: tracks)
  }

  func wire(session: UInt64, setup: WireDescription.Setup, adding more: [String]) -> WireDescription
  {
    .with {
      $0.session = session
      $0.ufrag = ufrag
      $0.password = password
      $0.fingerprint = Data(fingerprint)
      $0.setup = setup
      $0.candidates = Array((candidates + more).prefix(WireBounds.candidates))
      $0.tracks = tracks.prefix(WireBounds.tracks).map(\.wire)
    }
  }

  /// ice-char = ALPHA / DIGIT / "+" / "/".
  private static func isICE(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
        true
      case _: false
      }
    }
  }

  /// Whether the line is short and printable, and says that it is a candidate. The ICE library reads
  /// the rest.
  static func isCandidate(_ line: String) -> Bool {
    line.utf8.count <= Signalling.candidateLimit
      && line.utf8.allSatisfy { (0x20...0x7E).contains($0) }
      && (line.hasPrefix("candidate:") || line.hasPrefix("a=candidate:"))
  }
}

/// A stream of packets that one side sends.
package struct MediaTrack: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case audio
    case video
    case screen
  }

  package let kind: Kind
  /// 0 where the packets tell.
  package let ssrc: UInt32
  /// 0...63 or 96...127: what lies between looks like RTCP (RFC 5761 §4).
  package let payloadType: UInt8
  /// "VP8", "opus".
  package let codec: String
  package let clockRate: Int
  package let cname: String

  package init(
    kind: Kind, ssrc: UInt32, payloadType: UInt8, codec: String, clockRate: Int, cname: String
  ) {
    self.kind = kind
    self.ssrc = ssrc
    self.payloadType = payloadType
    self.codec = codec
    self.clockRate = clockRate
    self.cname = cname
  }

  /// `nil` for an unknown kind.
  init?(checking wire: WireMediaTrack) throws(WireError) {
    switch wire.kind {
    case .audio: kind = .audio
    case .video: kind = .video
    case .screen: kind = .screen
    case .UNRECOGNIZED: return nil
    }
    guard wire.payloadType < 64 || (96...127).contains(wire.payloadType) else {
      throw .outOfBounds("payload_type")
    }
    guard (1...32).contains(wire.codec.utf8.count), Self.isPlain(wire.codec) else {
      throw .outOfBounds("codec")
    }
    guard (1...384_000).contains(wire.clockRate) else { throw .outOfBounds("clock_rate") }
    // The length of an RTCP source description's item (RFC 3550 §6.5).
    guard wire.cname.utf8.count <= 255, Self.isPlain(wire.cname) else {
      throw .outOfBounds("cname")
    }
    ssrc = wire.ssrc
    payloadType = UInt8(wire.payloadType)
    codec = wire.codec
    clockRate = Int(wire.clockRate)
    cname = wire.cname
  }

  var wire: WireMediaTrack {
    .with {
      $0.kind =
        switch kind {
        case .audio: .audio
        case .video: .video
        case .screen: .screen
        }
      $0.ssrc = ssrc
      $0.payloadType = UInt32(payloadType)
      $0.codec = codec
      $0.clockRate = UInt32(clamping: clockRate)
      $0.cname = cname
    }
  }

  /// Printable, without spaces.
  private static func isPlain(_ text: String) -> Bool {
    text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }
}

/// What the driver's own agent has to say.
package typealias LocalDescription = SessionDescription
/// What the other side said, checked.
package typealias RemoteDescription = SessionDescription
