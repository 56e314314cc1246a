import Foundation

/// Where the programs of a call are.
enum Environment {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  private static let root = folder.deletingLastPathComponent().deletingLastPathComponent()

  static var peer: String { folder.appendingPathComponent("peer.py").path }

  /// Beside the tests' own program.
  static var adapter: String {
    get throws {
      let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      return URL(fileURLWithPath: own).deletingLastPathComponent()
        .appendingPathComponent("sdp-adapter").path
    }
  }

  /// The interpreter that has aiortc. Where it can't be had the tests fail: a stack that wasn't there
  /// has proved nothing.
  static func python() async throws -> String { try await installed.value }

  private static let installed = Task { () throws -> String in
    let script = Process()
    script.executableURL = root.appendingPathComponent(".ci/interop-environment")
    let status = try await withCheckedThrowingContinuation { continuation in
      script.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do {
        try script.run()
      } catch {
        continuation.resume(throwing: error)
      }
    }
    guard status == 0 else {
      throw Conversation.Broken(
        description: ".ci/interop-environment can't set up aiortc (status \(status))")
    }
    return root.appendingPathComponent(".build/interop-venv/bin/python").path
  }
}
