/// Where in one camera's picture the face that is followed has been for longest.
///
/// Nobody is recognised. But people stay at their places: when a tracker has slid over to a passer-by, or
/// has taken somebody else while the speaker was away, a face of the same size at the old place is most
/// likely theirs.
struct FaceHome: Sendable {
  private var place: SIMD2<Float> = .zero
  private var width: Float = 0
  /// Looks for which a face has been followed there; 0 while there is no such place.
  private var stay = 0
  /// Looks since the face that is followed has been somewhere else.
  private(set) var astray = 0
  /// Whether what is followed has been lost since it was at its place.
  private var isOther = false

  /// Looks: a minute at the rate of a camera that is looked at. Whoever has been away for longer has to
  /// come nearer than who was followed meanwhile.
  private static let memory = 900
  /// Looks, three seconds at that rate, after which who has moved lives where they are: nobody takes
  /// longer to pass by.
  private static let settling = 45
  /// Widths of the face's region by which it moves about its place; a neighbour's head is further away.
  private static let reach: Float = 0.6
  /// Share of a look's place that is taken over: three seconds at fifteen a second.
  private static let share: Float = 0.02

  /// How long the face at home has been followed.
  var familiarity: Int { stay }

  func holds(_ place: SIMD2<Float>, width: Float) -> Bool {
    let off = place - self.place
    return stay > 0 && max(width, self.width) <= min(width, self.width) * FaceAgreement.nearer
      && (off * off).sum() <= Self.reach * Self.reach * self.width * self.width
  }

  /// The face is followed at `place`.
  mutating func note(_ place: SIMD2<Float>, width: Float) {
    if holds(place, width: width) {
      self.place += (place - self.place) * Self.share
      self.width += (width - self.width) * Self.share
      stay = min(stay + 1, Self.memory)
      (astray, isOther) = (0, false)
      return
    }
    astray += 1
    if astray > (isOther ? stay : min(stay, Self.settling)) {
      stay = max(stay, astray)
      move(to: place, width: width)
    }
  }

  /// Nobody is followed.
  mutating func lose() { isOther = true }

  /// Somebody else is followed from now on, as if it had always been so.
  mutating func move(to place: SIMD2<Float>, width: Float) {
    if !holds(place, width: width) {
      (self.place, self.width) = (place, width)
      stay = max(stay, 1)
    }
    (astray, isOther) = (0, false)
  }
}
