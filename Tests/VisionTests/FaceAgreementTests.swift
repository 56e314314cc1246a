import Foundations
import Testing

@testable import Vision

/// Whom several cameras follow that see several people.
@Suite("All cameras follow one of several people")
struct FaceAgreementTests {
  /// Faces side by side, from left to right: how large, and for how many looks they have been
  /// followed.
  private static func faces(
    _ faces: (width: Float, familiarity: Int)...
  ) -> [FaceAgreement.Face] {
    faces.enumerated().map { place, face in
      .init(
        place: SIMD2(Float(place) * 300, 200), width: face.width, familiarity: face.familiarity)
    }
  }

  @Test("Of two about as near all follow whom most have followed for longest, and stay")
  func longest() {
    var agreement = FaceAgreement()
    for camera in 0..<2 {
      agreement.note(camera: camera, faces: Self.faces((100, 40), (110, 0)), followed: 0)
      #expect(agreement.agree(camera: camera) == 0)
    }
    agreement.note(camera: 2, faces: Self.faces((100, 0), (115, 45)), followed: 1)
    #expect(agreement.nearer(than: 2, width: 130) == nil)
    #expect(agreement.agree(camera: 2) == 0)
    for look in 0..<9 {
      let widths = look.isMultiple(of: 2) ? (Float(100), Float(125)) : (115, 100)
      for camera in 0..<3 {
        let faces = Self.faces((widths.0, 41 + look), (widths.1, 0))
        agreement.note(camera: camera, faces: faces, followed: 0)
        #expect(
          agreement.nearer(than: camera, width: 130) == nil && agreement.agree(camera: camera) == 0)
      }
    }
  }

  @Test("Of two who have been there for as long, all follow the nearer")
  func nearerAtFirst() {
    var agreement = FaceAgreement()
    agreement.note(camera: 0, faces: Self.faces((100, 3), (110, 0)), followed: 0)
    #expect(agreement.agree(camera: 0) == 0)
    agreement.note(camera: 1, faces: Self.faces((100, 0), (115, 3)), followed: 1)
    #expect(agreement.agree(camera: 1) == 1)
    // The other camera hears of it when it looks next, whatever it sees then.
    agreement.note(camera: 0, faces: Self.faces((120, 6), (100, 0)), followed: 0)
    #expect(agreement.agree(camera: 0) == 1)
  }

  @Test(
    "Somebody nearer is followed by all once the cameras together see it so, and by none before")
  func nearer() {
    var agreement = FaceAgreement()
    let alike = Self.faces((100, 40), (100, 0))
    let leaning = Self.faces((100, 40), (140, 0))
    for camera in 0..<3 {
      agreement.note(camera: camera, faces: alike, followed: 0)
      #expect(agreement.agree(camera: camera) == 0)
    }
    agreement.note(camera: 0, faces: leaning, followed: 0)
    #expect(agreement.nearer(than: 0, width: 130) == nil && agreement.agree(camera: 0) == 0)
    agreement.note(camera: 1, faces: leaning, followed: 0)
    #expect(agreement.nearer(than: 1, width: 130) == 1)
    agreement.settle(on: 1, camera: 1)
    for camera in [0, 2] {
      agreement.note(camera: camera, faces: alike, followed: 0)
      #expect(
        agreement.nearer(than: camera, width: 130) == nil && agreement.agree(camera: camera) == 1)
    }
    // Who has been left comes back by being as much nearer in turn.
    for camera in 0..<3 {
      agreement.note(camera: camera, faces: Self.faces((115, 0), (100, 40)), followed: 1)
      #expect(
        agreement.nearer(than: camera, width: 130) == nil && agreement.agree(camera: camera) == 1)
    }
  }

  @Test("What the detector doubts isn't nearer, and a camera that sees others decides alone")
  func otherNumber() {
    var agreement = FaceAgreement()
    for camera in 0..<2 {
      agreement.note(camera: camera, faces: Self.faces((100, 40), (110, 0)), followed: 0)
      #expect(agreement.agree(camera: camera) == 0)
    }
    var three = Self.faces((100, 0), (110, 2), (160, 0))
    three[2].isSure = false
    agreement.note(camera: 2, faces: three, followed: 1)
    #expect(agreement.nearer(than: 2, width: 130) == nil && agreement.agree(camera: 2) == 1)
    three[2].isSure = true
    agreement.note(camera: 2, faces: three, followed: 1)
    #expect(agreement.nearer(than: 2, width: 130) == 2)
    agreement.note(camera: 2, faces: Self.faces((100, 3)), followed: 0)
    #expect(agreement.nearer(than: 2, width: 130) == nil && agreement.agree(camera: 2) == 0)
  }

  @Test("A camera that has said nothing for long counts no more")
  func stale() {
    var agreement = FaceAgreement()
    agreement.note(camera: 0, faces: Self.faces((100, 400), (100, 0)), followed: 0)
    for _ in 0..<100 { agreement.pass() }
    agreement.note(camera: 1, faces: Self.faces((100, 0), (100, 4)), followed: 1)
    #expect(agreement.agree(camera: 1) == 1)
  }

  private static let seat = SIMD2<Float>(200, 200)
  private static let other = SIMD2<Float>(500, 200)

  @Test("A place is kept while a tracker has slid over to a passer-by, and moves with who moves")
  func home() {
    var home = FaceHome()
    for look in 0..<100 { home.note(Self.seat + SIMD2(Float(look % 20), 0), width: 150) }
    for _ in 0..<30 { home.note(Self.other, width: 160) }
    #expect(home.holds(Self.seat, width: 150) && home.familiarity == 100 && home.astray == 30)
    #expect(!home.holds(Self.seat, width: 80) && !home.holds(Self.other, width: 160))
    for _ in 0..<30 { home.note(Self.other, width: 160) }
    #expect(home.holds(Self.other, width: 160) && !home.holds(Self.seat, width: 150))
  }

  @Test("A place is kept for whoever has left it for as long as they had been there")
  func away() {
    var home = FaceHome()
    for _ in 0..<100 { home.note(Self.seat, width: 150) }
    home.lose()
    for _ in 0..<100 { home.note(Self.other, width: 130) }
    #expect(home.holds(Self.seat, width: 150) && home.familiarity == 100)
    home.note(Self.other, width: 130)
    #expect(home.holds(Self.other, width: 130) && !home.holds(Self.seat, width: 150))
  }
}
