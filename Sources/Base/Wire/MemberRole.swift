/// What a member may do to others. Plain members may do nothing to anybody.
package enum MemberRole: UInt8, Comparable, CaseIterable, Sendable {
  case member
  /// May remove plain members.
  case cohost
  /// May remove anybody.
  case host

  /// `nil` for a role that a later version may have added.
  package init?(wire: WireRole) {
    switch wire {
    case .member: self = .member
    case .cohost: self = .cohost
    case .host: self = .host
    case .UNRECOGNIZED: return nil
    }
  }

  package var wire: WireRole {
    switch self {
    case .member: .member
    case .cohost: .cohost
    case .host: .host
    }
  }

  package static func < (left: MemberRole, right: MemberRole) -> Bool {
    left.rawValue < right.rawValue
  }
}
