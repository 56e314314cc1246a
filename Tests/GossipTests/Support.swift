import Foundation
import Foundations
import Simulation
import SwiftProtobuf
import Wire

let meeting = MeetingWorld.meeting

func entry(_ text: String) -> WirePayload {
  .with { $0.entry.entry = Data(text.utf8) }
}
