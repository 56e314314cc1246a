import CVPX
import Foundations
import Glibc

/// The memory of the frames that one VP9 decoder keeps.
///
/// libvpx asks for it here rather than from `malloc`, so that there is a bound which no header can
/// talk its way round. libvpx doesn't give back what it still holds when it is destroyed, so
/// whatever is left goes with this object, which has to outlive the decoder.
final class FrameBuffers {
  private var buffers: [Buffer] = []

  private struct Buffer {
    var memory: UnsafeMutableRawPointer
    var size: Int
    var isHeld: Bool
  }

  /// Eight references and eight frames at work (vpx_frame_buffer.h).
  private static let countLimit = 16
  /// Bytes of the largest frame: the largest picture with the border of 160 pixels that libvpx puts
  /// round it, and some alignment.
  private static let sizeLimit =
    (Picture.sideLimit + 320) * (Picture.sideLimit + 320) * 3 / 2 + 4096

  deinit {
    for buffer in buffers { free(buffer.memory) }
  }

  /// Has `context` use these buffers.
  func serve(_ context: UnsafeMutablePointer<vpx_codec_ctx_t>) -> vpx_codec_err_t {
    vpx_codec_set_frame_buffer_functions(
      context, holdFrameBuffer, releaseFrameBuffer, Unmanaged.passUnretained(self).toOpaque())
  }

  /// A buffer of at least `size` bytes: zero when it is new, and with an earlier frame in it when
  /// not, which is what libvpx does itself.
  fileprivate func hold(_ size: Int) -> (memory: UnsafeMutableRawPointer, size: Int)? {
    guard size <= Self.sizeLimit else { return nil }
    let spare = buffers.indices.filter { !buffers[$0].isHeld }
    if let index = spare.first(where: { buffers[$0].size >= size }) {
      buffers[index].isHeld = true
      return (buffers[index].memory, buffers[index].size)
    }
    // The frames have grown: what was for smaller ones makes room.
    if let index = spare.first {
      free(buffers[index].memory)
      buffers.remove(at: index)
    }
    guard buffers.count < Self.countLimit, let memory = calloc(1, size) else { return nil }
    buffers.append(Buffer(memory: memory, size: size, isHeld: true))
    return (memory, size)
  }

  fileprivate func release(_ memory: UnsafeMutableRawPointer) {
    guard let index = buffers.firstIndex(where: { $0.memory == memory }) else { return }
    buffers[index].isHeld = false
  }
}

private func holdFrameBuffer(
  owner: UnsafeMutableRawPointer?, size: Int,
  target: UnsafeMutablePointer<vpx_codec_frame_buffer_t>?
) -> Int32 {
  guard let owner, let target,
    let buffer = Unmanaged<FrameBuffers>.fromOpaque(owner).takeUnretainedValue().hold(size)
  else { return -1 }
  target.pointee.data = buffer.memory.assumingMemoryBound(to: UInt8.self)
  target.pointee.size = buffer.size
  // libvpx gives back only what has something here.
  target.pointee.priv = buffer.memory
  return 0
}

private func releaseFrameBuffer(
  owner: UnsafeMutableRawPointer?, target: UnsafeMutablePointer<vpx_codec_frame_buffer_t>?
) -> Int32 {
  guard let owner, let memory = target?.pointee.data else { return 0 }
  Unmanaged<FrameBuffers>.fromOpaque(owner).takeUnretainedValue().release(memory)
  return 0
}
