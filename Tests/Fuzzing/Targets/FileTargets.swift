import Capture
import Codecs
import Foundations
import Glibc

/// Clips and sounds that somebody hands on.
let fileTargets: [FuzzTarget] = [
  FuzzTarget(name: "webm") { bytes in
    withFile(bytes, named: "clip.webm") { path in
      guard let reader = try? WebMReader(path: path) else { return }
      for _ in 0..<64 where reader.next() != nil {}
      _ = reader.track(.video)
      _ = reader.track(.audio)
    }
  },
  FuzzTarget(name: "clip") { bytes in
    withFile(bytes, named: "clip") { path in
      let source = try? openClip(
        path, settings: VideoSettings(width: 64, height: 48, framesPerSecond: 30),
        pool: PicturePool(),
        makeDecoder: { codec, pool in try VideoDecoder(codec: codec, pool: pool) })
      for slot in 0..<16 {
        _ = try? source?.picture(slot: slot, captured: WallTime(milliseconds: 0))
      }
    }
  },
  FuzzTarget(name: "wav") { bytes in
    withFile(bytes, named: "sound.wav") { path in
      let source = try? WAVSource(path: path)
      for _ in 0..<16 { _ = try? source?.next() }
    }
  },
]

/// A file in memory whose path ends in `name`, gone afterwards.
private func withFile(_ bytes: [UInt8], named name: String, _ body: (String) -> Void) {
  var folder = Array("/dev/shm/virtue-fuzz-XXXXXX".utf8CString)
  guard mkdtemp(&folder) != nil else { fatalError("no folder to fuzz in") }
  let directory = String(decoding: folder.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  let path = directory + "/" + name
  defer {
    unlink(path)
    rmdir(directory)
  }
  let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
  guard descriptor >= 0, write(descriptor, bytes, bytes.count) == bytes.count else {
    fatalError("no file to fuzz with")
  }
  close(descriptor)
  body(path)
}
