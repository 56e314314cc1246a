/// An error at the edge: a stable code for programs, a sentence for people (what happened, and what
/// to do about it), and the exit status of a program that ends by it.
package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
  /// Lower-case words joined by hyphens: "wrong-code".
  package let code: String
  package let message: String
  package let exit: ExitStatus

  package init(_ code: String, exit: ExitStatus, _ message: String) {
    self.code = code
    self.message = message
    self.exit = exit
  }

  package var description: String { message }
}

/// Exit statuses of sysexits.h, and what each means here.
package enum ExitStatus: Int32, Sendable {
  case success = 0
  /// 64: the command line, or an invite code that can't be one.
  case usage = 64
  /// 65: what was given is no longer good: an expired code, a damaged file.
  case badData = 65
  /// 66: a file or device to read from isn't there.
  case noInput = 66
  /// 67: several meetings answer to one name.
  case ambiguous = 67
  /// 68: nobody here answers.
  case noHost = 68
  /// 69: it was there once and is used up, or a part that is needed is missing.
  case unavailable = 69
  /// 70: a fault of this program.
  case software = 70
  /// 71: the operating system refused something basic.
  case system = 71
  /// 73: an output, or the data directory, can't be made or is in use.
  case cannotCreate = 73
  /// 74: reading or writing failed midway.
  case inputOutput = 74
  /// 75: try again later.
  case temporary = 75
  /// 76: the other side speaks another version.
  case protocolMismatch = 76
  /// 77: not allowed: a wrong code, a removed member.
  case noPermission = 77
  /// 78: a setting in the environment or a file is wrong.
  case configuration = 78
}
