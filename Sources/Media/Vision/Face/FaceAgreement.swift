/// Whom all cameras follow where each sees several people, so that none takes another's look for the
/// speaker's.
///
/// Cameras that look at one room see its people in the same order from left to right; so those that see
/// the same number know them by their rank. Of these people the one is followed who has been for longest,
/// summed over the cameras; of two alike the nearer. Somebody whose face is clearly larger than theirs
/// to one camera, and larger to all together by the shares that faces have in their pictures, takes their
/// place, and is then left in the same way only. A camera that sees another number of faces than the others
/// decides by what it sees alone.
package struct FaceAgreement: Sendable {
  private var views: [View] = []
  /// Kept for its memory.
  private var people: [Person] = []
  /// Pictures of all cameras together that have been looked at.
  private var looks = 0

  /// One face in a picture.
  struct Face: Sendable {
    /// The region it is searched in: its centre and width in pixels, and radians.
    var place: SIMD2<Float>
    var width: Float
    var angle: Float = 0
    /// Whether the detector has no doubt.
    var isSure = true
    /// Looks for which this camera has followed it.
    var familiarity = 0
  }

  private struct Person {
    var familiarity = 0
    var share: Float = 0
  }

  private struct View {
    let camera: Int
    var faces: [Face] = []
    var followed = 0
    /// Whom it has been decided to follow, until this camera has heard of it.
    var order: Int?
    var at = 0
  }

  /// Share by which a face must be larger to be the nearer one. Two who sit side by side differ by
  /// less; and who has been left for a nearer one must come as much nearer in turn.
  static let nearer: Float = 1.3
  /// The same, summed over the cameras, for one of them to go by what it sees: at an end of the row one
  /// neighbour is nearer, at the other end the other.
  private static let sharedNearer: Float = 1.15
  /// Faces that are told apart in a picture; of more the likeliest.
  static let faceLimit = 8
  /// Looks of all cameras after which one camera's last word doesn't count. Eight cameras that are
  /// looked at by turns have each looked round by then.
  private static let freshness = 64

  package init() {}

  /// A picture has been looked at, of whichever camera.
  mutating func pass() { looks += 1 }

  /// - Parameters:
  ///   - faces: at least one, from left to right.
  ///   - followed: the one of them that `camera` follows.
  mutating func note(camera: Int, faces: [Face], followed: Int) {
    let index = index(of: camera)
    // An order is for those that were seen then.
    if views[index].faces.count != faces.count { views[index].order = nil }
    views[index].faces.replaceSubrange(views[index].faces.indices, with: faces)
    (views[index].followed, views[index].at) = (followed, looks)
  }

  /// Who may be clearly nearer than whom this camera follows. Whether they are is for its mesh to say:
  /// the detector's sizes are coarse.
  /// - Parameter width: that of the region of a face that is.
  mutating func nearer(than camera: Int, width: Float) -> Int? {
    let view = views[index(of: camera)]
    guard view.order == nil else { return nil }
    var (nearest, least) = (Int?.none, width)
    for (rank, face) in view.faces.enumerated() where face.isSure && rank != view.followed {
      if face.width >= least { (nearest, least) = (rank, face.width) }
    }
    guard let nearest else { return nil }
    let cameras = sum(view.faces.count)
    let isShared = people[nearest].share >= people[view.followed].share * Self.sharedNearer
    return cameras == 1 || isShared ? nearest : nil
  }

  /// Whom this camera is to follow.
  mutating func agree(camera: Int) -> Int {
    let index = index(of: camera)
    if let order = views[index].order {
      views[index].order = nil
      return order
    }
    sum(views[index].faces.count)
    let leader = leader()
    settle(on: leader, camera: camera)
    return leader
  }

  /// Decided once for all cameras that see as many as this one: were each to weigh anew, noise round the
  /// bound would have them go back and forth.
  mutating func settle(on leader: Int, camera: Int) {
    let count = views[index(of: camera)].faces.count
    for index in views.indices where isFresh(views[index], count) {
      guard views[index].followed != leader else { continue }
      var most = 0
      for rank in 0..<count {
        most = max(most, views[index].faces[rank].familiarity)
        views[index].faces[rank].familiarity = 0
      }
      views[index].faces[leader].familiarity = most
      views[index].followed = leader
      if views[index].camera != camera { views[index].order = leader }
    }
  }

  /// Whoever has been followed for longest, then the nearest, then the leftmost.
  private func leader() -> Int {
    var leader = 0
    for rank in people.indices.dropFirst() {
      let (next, known) = (people[rank], people[leader])
      if next.familiarity > known.familiarity
        || (next.familiarity == known.familiarity && next.share > known.share)
      {
        leader = rank
      }
    }
    return leader
  }

  private mutating func index(of camera: Int) -> Int {
    if let index = views.firstIndex(where: { $0.camera == camera }) { return index }
    views.append(View(camera: camera))
    return views.count - 1
  }

  private func isFresh(_ view: View, _ count: Int) -> Bool {
    view.faces.count == count && looks - view.at <= Self.freshness
  }

  /// All that the cameras know which see so many faces.
  /// - Returns: how many these are.
  @discardableResult
  private mutating func sum(_ count: Int) -> Int {
    people.removeAll(keepingCapacity: true)
    for _ in 0..<count { people.append(Person()) }
    var cameras = 0
    for view in views where isFresh(view, count) {
      cameras += 1
      var total: Float = 0
      for face in view.faces { total += face.width }
      for (rank, face) in view.faces.enumerated() {
        people[rank].familiarity += face.familiarity
        people[rank].share += face.width / max(total, 1)
      }
    }
    return cameras
  }
}
