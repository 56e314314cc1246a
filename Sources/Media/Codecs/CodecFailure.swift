/// Why a codec refused.
package enum CodecFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// The library can't do what was asked for; its own words follow.
  case unavailable(String)
  /// These bytes are no picture or sound.
  case badData(String)
  /// The picture would be larger than `Picture.sideLimit` allows.
  case tooLarge(width: Int, height: Int)
  /// Nothing can be shown before the next keyframe.
  case keyframeNeeded
  /// The frame has another size than the encoder was made for.
  case wrongSize(width: Int, height: Int)

  /// What stands well in a sentence after "because" or in brackets.
  package var description: String {
    switch self {
    case .unavailable(let reason), .badData(let reason): reason
    case .tooLarge(let width, let height): "\(width)×\(height) pixels are too many"
    case .keyframeNeeded: "nothing can be shown before the next keyframe"
    case .wrongSize(let width, let height): "it has \(width)×\(height) pixels"
    }
  }
}
