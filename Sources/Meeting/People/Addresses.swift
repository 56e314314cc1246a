import Foundations
import Links

/// What is to be done when this computer's addresses change.
extension MeetingSession {
  /// Listens on interfaces that came. Called once a second at most.
  func renewAddresses() async {
    guard networkHasChanged else { return }
    networkHasChanged = false
    do {
      try await parts.listener.renew()
    } catch {
      warnOnce(error)
    }
  }
}
