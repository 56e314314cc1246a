import CYUV
package import Foundations

/// Blurs or replaces what is behind a person.
///
/// It gives a picture with the effect or none at all: never the camera's own. Everything is allocated
/// when the first picture of a size comes. Belongs to one thread or actor at a time.
package final class BackgroundEffect {
  private let background: Background
  private let store: ModelStore
  private var workshop: Workshop?
  private let detector: FaceDetector
  private var outputs = PictureRing()

  package enum Background: Sendable {
    /// - Parameter strength: 1 to 3.
    case blurred(strength: Int)
    case image(BackgroundImage)
  }

  package static let strengths = 1...3

  /// Loads the models at once, so that who asks for an effect learns before any picture is taken that
  /// it can't be had.
  package init(_ background: Background, store: ModelStore) throws(Failure) {
    self.background = background
    self.store = store
    for model in [VisionModel.landscapeSegmentation, .squareSegmentation] {
      _ = try store.network(model)
    }
    detector = try FaceDetector(store: store)
  }

  /// The picture with the effect; `nil` while all those given out before are still in use, which is
  /// as if it hadn't been taken.
  package func apply(to picture: Picture) throws(Failure) -> Picture? {
    let workshop = try workshop(for: picture)
    guard let target = outputs.next(width: picture.width, height: picture.height) else {
      return nil
    }
    do {
      try workshop.draw(picture, onto: target)
    } catch {
      throw Failure(
        "effect-failed", exit: .software,
        "The background can't be told from the person: \(error).")
    }
    return target
  }

  /// What the latest picture's mask was, as a grey picture: white is the person.
  package func drawMask(onto target: Picture) {
    guard let alpha = workshop?.alpha, alpha.width == target.width, alpha.height == target.height
    else { return }
    for row in 0..<alpha.height {
      let (source, line) = (alpha.row(row), target.luma.bytes + row * target.luma.stride)
      // Limited range: 16 is black, 235 white.
      for column in 0..<alpha.width {
        line[column] = UInt8(16 + (Int(source[column]) * 219 + 127) / 255)
      }
    }
    for plane in [target.blue, target.red] {
      plane.bytes.update(repeating: 128, count: plane.stride * plane.height)
    }
  }

  /// The next picture comes from another camera: nothing before it says anything about it.
  package func beginAnew() { workshop?.beginAnew() }

  private func workshop(for picture: Picture) throws(Failure) -> Workshop {
    if let workshop, workshop.alpha.width == picture.width,
      workshop.alpha.height == picture.height
    {
      return workshop
    }
    let network = try store.network(Segmentation.model(for: picture))
    do {
      let made = try Workshop(
        network, detector, background: background, width: picture.width, height: picture.height)
      workshop = made
      return made
    } catch {
      throw Failure(
        "model-unusable", exit: .software, "The segmentation can't be used: \(error).")
    }
  }
}

/// What is needed for pictures of one size.
private final class Workshop {
  private let segmentation: Segmentation
  private let smoothing: MaskSmoothing
  private let islands: MaskIslands
  private let detector: FaceDetector
  private var search = FaceSearch()
  private var framing: Framing
  /// What each size of window needs, made when one is used first. A window as wide as the picture may be
  /// less high.
  private var lenses: [Lens] = []
  private let colourAlpha: Grid<UInt8>
  private let alphaScaler: BoxScaler
  /// The mask at the picture's size.
  let alpha: Grid<UInt8>
  /// The window that the latest mask is of.
  private var latest: PictureWindow?
  private let behind: Behind
  private let backdrop: Picture

  private enum Behind {
    case blurred(SoftBackground)
    /// Drawn already, and always the same.
    case image
  }

  init(
    _ network: Network, _ detector: FaceDetector, background: BackgroundEffect.Background,
    width: Int, height: Int
  ) throws(ModelFailure) {
    segmentation = try Segmentation(network)
    smoothing = MaskSmoothing(width: segmentation.width, height: segmentation.height)
    islands = MaskIslands(width: segmentation.width, height: segmentation.height)
    self.detector = detector
    framing = Framing(
      picture: (width, height), network: (segmentation.width, segmentation.height))
    colourAlpha = Grid(width: (width + 1) / 2, height: (height + 1) / 2, filledWith: 0)
    alphaScaler = BoxScaler(
      from: (width, height), to: ((width + 1) / 2, (height + 1) / 2))
    alpha = Grid(width: width, height: height, filledWith: 0)
    switch background {
    case .blurred(let strength):
      behind = .blurred(SoftBackground(width: width, height: height, strength: strength))
      backdrop = PicturePool(limit: 0).makePicture(width: width, height: height)
    case .image(let image):
      behind = .image
      backdrop = image.filling(width: width, height: height)
    }
  }

  /// What sees windows of one size.
  private final class Lens {
    let width: Int
    let height: Int
    let scalers: Segmentation.Scalers
    let edges: EdgeRefinement

    init(_ segmentation: Segmentation, _ window: PictureWindow) {
      (width, height) = (window.width, window.height)
      scalers = segmentation.scalers(from: (window.width, window.height))
      edges = EdgeRefinement(
        width: segmentation.width, height: segmentation.height,
        picture: (window.width, window.height))
    }
  }

  private func lens(for window: PictureWindow) -> Lens {
    for lens in lenses where lens.width == window.width && lens.height == window.height {
      return lens
    }
    let made = Lens(segmentation, window)
    lenses.append(made)
    return made
  }

  func beginAnew() {
    framing.reset()
    search = FaceSearch()
    smoothing.reset()
    latest = nil
  }

  private func clearMask() { alpha.values.update(repeating: 0, count: alpha.count) }

  private func drawMask(of picture: Picture) throws(ModelFailure) {
    let windows = framing.takesLook()
    if windows > 0 {
      if framing.window != framing.whole {
        // Who is near and comes in beyond the window is found at once, if there is a face.
        let whole = framing.whole
        let raw = try segmentation.run(PictureView(picture, whole), self.lens(for: whole).scalers)
        if let mask = raw.baseAddress { islands.find(mask, in: whole, besides: true) }
      }
      try search.look(at: picture, detector, windows: windows, round: islands.boxes) {
        isCovered($0)
      }
      if latest == nil { framing.begin(with: search.sightings) }
    }
    let window = framing.window
    let lens = lens(for: window)
    if window != latest {
      if let latest { smoothing.move(from: latest) }
      lens.edges.reset()
      // Beyond the window there is nobody.
      clearMask()
      latest = window
    }
    let view = PictureView(picture, window)
    smoothing.take(
      try segmentation.run(view, lens.scalers), luma: segmentation.luma, of: window)
    lens.edges.refine(smoothing, segmentation, picture: view, alpha: GridView(alpha, window))
    islands.find(smoothing.mask.values, in: window)
    let isAnybody = framing.follow(
      islands.boxes, faces: search.sightings, areFresh: windows > 0
    ) { isCovered($0) }
    // What looks a little like somebody is nobody, and the wall that it is stays hidden.
    if !isAnybody { clearMask() }
  }

  /// Whether the latest mask shows a person where the face is.
  private func isCovered(_ face: Region) -> Bool {
    guard let window = latest else { return false }
    let (width, height) = (smoothing.mask.width, smoothing.mask.height)
    // The middle of the face, without hair and wall.
    let (across, down) = (
      Float(width) / Float(window.width), Float(height) / Float(window.height)
    )
    let (x, y) = (
      (face.centreX - Float(window.x)) * across, (face.centreY - Float(window.y)) * down
    )
    let reach = max(face.width / 4 * across, 0.5)
    guard x - reach >= 0, y - reach >= 0, x + reach <= Float(width), y + reach <= Float(height)
    else { return false }
    var (sum, count): (Float, Float) = (0, 0)
    for row in Int(y - reach)..<max(Int(y + reach), Int(y - reach) + 1) {
      let line = smoothing.mask.row(row)
      for column in Int(x - reach)..<max(Int(x + reach), Int(x - reach) + 1) {
        sum += line[column]
        count += 1
      }
    }
    return sum >= 0.5 * count
  }

  func draw(_ picture: Picture, onto target: Picture) throws(ModelFailure) {
    try drawMask(of: picture)
    if case .blurred(let soft) = behind { soft.draw(picture, alpha: alpha, onto: backdrop) }
    alphaScaler.scale(
      alpha.values, stride: alpha.width, to: colourAlpha.values, stride: colourAlpha.width)
    blend(picture.luma, backdrop.luma, alpha, target.luma)
    blend(picture.blue, backdrop.blue, colourAlpha, target.blue)
    blend(picture.red, backdrop.red, colourAlpha, target.red)
  }

  private func blend(
    _ person: Picture.Plane, _ behind: Picture.Plane, _ alpha: Grid<UInt8>,
    _ target: Picture.Plane
  ) {
    BlendPlane(
      person.bytes, Int32(person.stride), behind.bytes, Int32(behind.stride), alpha.values,
      Int32(alpha.width), target.bytes, Int32(target.stride), Int32(target.width),
      Int32(target.height))
  }
}
