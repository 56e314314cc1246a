import Foundations
import Signalling

/// Session descriptions as other WebRTC stacks write them (RFC 8866, 8839, 8842), as far as a call
/// of one sound and one picture track needs them. Members of a meeting never speak SDP.
enum SDP {
  /// What a text describes, and how its sections are named: an answer repeats that.
  struct Parsed {
    var description: RemoteDescription
    var sections: [Section]
    /// Of the DTLS role: actpass, active or passive.
    var setup: String
  }

  struct Section {
    var kind: MediaTrack.Kind
    var payloadType: UInt8
    var mid: String
  }

  struct Malformed: Error, CustomStringConvertible {
    let description: String
  }

  static let offeredSections = [
    Section(kind: .audio, payloadType: 111, mid: "0"),
    Section(kind: .video, payloadType: 96, mid: "1"),
  ]

  // MARK: - Reading

  static func parse(_ text: String) throws -> Parsed {
    let lines = text.split(whereSeparator: \.isNewline).map(String.init)
    let parts = lines.split(omittingEmptySubsequences: false) { $0.hasPrefix("m=") }
    let headings = lines.filter { $0.hasPrefix("m=") }
    var sections: [Section] = []
    var tracks: [MediaTrack] = []
    for (heading, body) in zip(headings, parts.dropFirst()) {
      let body = Array(body)
      let (kind, codec, rate): (MediaTrack.Kind, String, Int)
      if heading.hasPrefix("m=audio") {
        (kind, codec, rate) = (.audio, "opus", 48_000)
      } else if heading.hasPrefix("m=video") {
        (kind, codec, rate) = (.video, "VP8", 90_000)
      } else {
        throw Malformed(description: "a section that is neither sound nor pictures: \(heading)")
      }
      guard let payloadType = payloadType(of: codec, rate: rate, in: body),
        let mid = value(of: "mid", in: body)
      else { throw Malformed(description: "no \(codec) in \(heading)") }
      sections.append(Section(kind: kind, payloadType: payloadType, mid: mid))
      let source = value(of: "ssrc", in: body)?.split(separator: " ")
      let name = body.firstIndex { $0.hasPrefix("a=ssrc:") && $0.contains(" cname:") }
      tracks.append(
        MediaTrack(
          kind: kind, ssrc: source.flatMap { UInt32($0[0]) } ?? 0, payloadType: payloadType,
          codec: codec, clockRate: rate,
          cname: name.flatMap { body[$0].split(separator: ":").last.map(String.init) } ?? ""))
    }
    guard let ufrag = value(of: "ice-ufrag", in: lines),
      let password = value(of: "ice-pwd", in: lines),
      let fingerprint = fingerprint(in: lines), let setup = value(of: "setup", in: lines)
    else { throw Malformed(description: "credentials, fingerprint or setup are missing") }
    let candidates = lines.filter { $0.hasPrefix("a=candidate:") }.map { String($0.dropFirst(2)) }
    return Parsed(
      description: RemoteDescription(
        ufrag: ufrag, password: password, fingerprint: fingerprint, candidates: candidates,
        tracks: tracks),
      sections: sections, setup: setup)
  }

  private static func value(of attribute: String, in lines: [String]) -> String? {
    let prefix = "a=\(attribute):"
    return lines.first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
  }

  private static func payloadType(of codec: String, rate: Int, in lines: [String]) -> UInt8? {
    for line in lines where line.hasPrefix("a=rtpmap:") {
      let words = line.dropFirst("a=rtpmap:".count).split(separator: " ")
      if words.count == 2, words[1].lowercased().hasPrefix("\(codec.lowercased())/\(rate)") {
        return UInt8(words[0])
      }
    }
    return nil
  }

  private static func fingerprint(in lines: [String]) -> [UInt8]? {
    for line in lines where line.lowercased().hasPrefix("a=fingerprint:sha-256 ") {
      let bytes = line.split(separator: " ")[1].split(separator: ":").map { UInt8($0, radix: 16) }
      if bytes.count == 32, !bytes.contains(nil) { return bytes.compactMap(\.self) }
    }
    return nil
  }

  // MARK: - Writing

  /// - Parameter sections: of the offer that is answered, whose payload types are taken over; or
  ///   ``offeredSections``.
  static func write(
    _ local: LocalDescription, sections: [Section], setup: String
  ) -> String {
    let fingerprint = local.fingerprint.map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }.joined(separator: ":")
    let names = sections.map(\.mid).joined(separator: " ")
    var lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE \(names)"]
    for section in sections {
      let type = section.payloadType
      lines += [
        "m=\(section.kind == .audio ? "audio" : "video") 9 UDP/TLS/RTP/SAVPF \(type)",
        "c=IN IP4 0.0.0.0", "a=ice-ufrag:\(local.ufrag)", "a=ice-pwd:\(local.password)",
        "a=fingerprint:sha-256 \(fingerprint)", "a=setup:\(setup)", "a=mid:\(section.mid)",
        "a=sendrecv", "a=rtcp-mux",
      ]
      if section.kind == .audio {
        lines += ["a=rtpmap:\(type) opus/48000/2", "a=fmtp:\(type) minptime=10;useinbandfec=1"]
      } else {
        lines += [
          "a=rtpmap:\(type) VP8/90000", "a=rtcp-fb:\(type) nack", "a=rtcp-fb:\(type) nack pli",
          "a=rtcp-fb:\(type) ccm fir",
        ]
      }
      if let track = local.tracks.first(where: { $0.kind == section.kind }) {
        lines.append("a=ssrc:\(track.ssrc) cname:\(track.cname)")
      }
      // Once is enough for the bundle, but not for every stack.
      lines += local.candidates.map { $0.hasPrefix("a=") ? $0 : "a=\($0)" }
      lines.append("a=end-of-candidates")
    }
    return lines.joined(separator: "\r\n") + "\r\n"
  }
}
