package import Capture
package import Foundations
package import Playback

/// What the user asked for on the command line, checked.
package struct MeetingOptions: Sendable {
  package var name: String
  package var dataDirectory: String
  package var camera: CameraSpec = .none
  /// More cameras, of which the one looked at is sent; only with `godsEye`.
  package var otherCameras: [CameraSpec] = []
  package var godsEye = false
  /// What becomes of the background; `nil` leaves it as it is.
  package var background: BackgroundOption?
  package var video = VideoSettings()
  package var microphone: MicrophoneSpec = .none
  package var speaker: SpeakerSpec = .none
  package var recordDirectory: String?
  /// Interfaces to use; `nil` means all real ones.
  package var interfaces: [String]?
  /// TCP port of the links, 0 for any; media takes UDP ports above it.
  package var port: UInt16 = 0
  /// Where members or the inviter can be reached, given by hand.
  package var peers: [NetworkAddress] = []
  package var duration: Duration?
  /// Where fetched files appear.
  package var downloads: String?
  /// Files of up to so many bytes are fetched without being asked for; `nil` fetches none.
  package var acceptedBytes: Int?

  package init(name: String, dataDirectory: String) {
    self.name = name
    self.dataDirectory = dataDirectory
  }

  /// What whoever finds nobody is told, where not all interfaces are used.
  var interfacesNote: String {
    guard let interfaces else { return "" }
    let list = interfaces.joined(separator: " and ")
    return " Only \(list) was used, as --interface says; leave it out to use every interface."
  }
}

/// What is done to what is behind the person before the camera.
package enum BackgroundOption: Hashable, Sendable {
  /// - Parameter strength: 1 to 3.
  case blur(strength: Int)
  /// The path of a picture.
  case image(String)
}

/// What only the one who opens a meeting decides.
package struct HostOptions: Sendable {
  package var title: String
  /// How often the first invite code may be used.
  package var uses: Int
  /// How long it is good for.
  package var life: Duration
  /// Whether title and host's name are told to everybody on the network.
  package var isVisible: Bool

  package init(title: String, uses: Int, life: Duration, isVisible: Bool) {
    self.title = title
    self.uses = uses
    self.life = life
    self.isVisible = isVisible
  }
}
