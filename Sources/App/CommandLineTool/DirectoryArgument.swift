import ArgumentParser
import Foundation
import Meeting

/// A directory's path: an empty one, as of an unset variable of a script, names none.
struct DirectoryArgument: ExpressibleByArgument {
  let path: String

  init?(argument: String) {
    guard !argument.isEmpty else { return nil }
    path = argument
  }

  static var defaultCompletionKind: CompletionKind { .directory }
}

/// The directory that `--data-dir` names, or the usual one.
func dataDirectory(_ option: DirectoryArgument?) -> String {
  option?.path ?? DataDirectory.standardPath(environment: ProcessInfo.processInfo.environment)
}
