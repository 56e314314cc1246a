/// Why a model file can't be used.
package enum ModelFailure: Error, Hashable, Sendable {
  /// The file is larger than `ModelBounds.fileLimit`.
  case oversized(bytes: Int)
  /// Something in it points outside of it, or beyond a bound.
  case malformed(String)
  /// It is well-formed and asks for what this engine doesn't do.
  case unsupported(String)
  /// XNNPACK refused; its status follows.
  case engine(String, status: UInt32)
}

/// What a model may be, whatever its file claims. The models that Virtue uses stay below a quarter of
/// each.
enum ModelBounds {
  /// Bytes of a file. The largest in use has 2.5 MB.
  static let fileLimit = 16 << 20
  /// Tensors, and operators. The attention mesh has 1096 and 712.
  static let countLimit = 4096
  /// XNNPACK's own (`XNN_MAX_TENSOR_DIMS`).
  static let rankLimit = 6
  /// Floats in one tensor: 16 MB.
  static let elementLimit = 1 << 22
  /// Floats in all tensors together: 256 MB, far more than is ever alive at once.
  static let totalElementLimit = 1 << 26
  /// Inputs or outputs of one operator.
  static let operandLimit = 16
  /// Kernel side, stride, dilation, padding.
  static let windowLimit = 1024
  /// Bytes of a name.
  static let nameLimit = 256
}
