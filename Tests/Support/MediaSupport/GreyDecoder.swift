import CVPX
package import Foundations
import Glibc

/// Decodes the brightness of VP9 of any colour layout, for truths that come as masks: the product's
/// own decoder takes 4:2:0 only.
package final class GreyDecoder: PictureDecoding {
  private let context: UnsafeMutablePointer<vpx_codec_ctx_t>
  private let pool: PicturePool

  package struct Broken: Error {}

  package init(pool: PicturePool) throws {
    self.pool = pool
    context = .allocate(capacity: 1)
    context.initialize(to: vpx_codec_ctx_t())
    var settings = vpx_codec_dec_cfg_t(threads: 1, w: 0, h: 0)
    guard virtue_vpx_decoder_init(context, vpx_codec_vp9_dx(), &settings, 0) == VPX_CODEC_OK
    else { throw Broken() }
  }

  deinit {
    vpx_codec_destroy(context)
    context.deallocate()
  }

  package func decode(_ bytes: [UInt8]) throws -> Picture? {
    guard vpx_codec_decode(context, bytes, UInt32(bytes.count), nil, 0) == VPX_CODEC_OK else {
      throw Broken()
    }
    var iterator: vpx_codec_iter_t?
    guard let image = vpx_codec_get_frame(context, &iterator)?.pointee,
      image.bit_depth == 8, let luma = image.planes.0
    else { return nil }
    let picture = pool.makePicture(width: Int(image.d_w), height: Int(image.d_h))
    for row in 0..<picture.height {
      memcpy(
        picture.luma.bytes + row * picture.luma.stride, luma + row * Int(image.stride.0),
        picture.width)
    }
    for plane in [picture.blue, picture.red] {
      plane.bytes.update(repeating: 128, count: plane.stride * plane.height)
    }
    return picture
  }
}
