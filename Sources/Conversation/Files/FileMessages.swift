import Foundation
import SwiftProtobuf
package import Wire

/// A frame of a bulk stream, checked as far as that goes without knowing the file.
package enum FileMessage: Hashable, Sendable {
  case have(root: [UInt8], map: [UInt8])
  case askList(root: [UInt8])
  case list(root: [UInt8], hashes: [UInt8])
  case request(root: [UInt8], chunk: Int)
  case chunk(root: [UInt8], chunk: Int, [UInt8])
  case refusal(root: [UInt8], chunk: Int)
  case gained(root: [UInt8], chunk: Int)

  package init(_ bytes: [UInt8]) throws(WireError) {
    let frame = try WireFileFrame(wire: bytes)
    switch frame.kind {
    case .have(let have):
      guard have.map.count <= FileBounds.chunks / 8 else { throw .outOfBounds("map") }
      self = .have(root: try Self.root(have.root), map: Array(have.map))
    case .ask(let ask): self = .askList(root: try Self.root(ask.root))
    case .list(let list):
      guard list.hashes.count <= FileBounds.chunks * 32 else { throw .outOfBounds("hashes") }
      self = .list(root: try Self.root(list.root), hashes: Array(list.hashes))
    case .request(let ask):
      self = .request(root: try Self.root(ask.root), chunk: try Self.index(ask.chunk))
    case .chunk(let chunk):
      guard chunk.content.count <= FileBounds.chunk else { throw .outOfBounds("content") }
      self = .chunk(
        root: try Self.root(chunk.root), chunk: try Self.index(chunk.chunk), Array(chunk.content))
    case .refusal(let ask):
      self = .refusal(root: try Self.root(ask.root), chunk: try Self.index(ask.chunk))
    case .gained(let ask):
      self = .gained(root: try Self.root(ask.root), chunk: try Self.index(ask.chunk))
    case nil: throw .malformed
    }
  }

  package var wire: [UInt8] {
    func ask(_ root: [UInt8], _ chunk: Int = 0) -> WireFileAsk {
      .with {
        $0.root = Data(root)
        $0.chunk = UInt32(chunk)
      }
    }
    return WireFileFrame.with {
      switch self {
      case .have(let root, let map):
        $0.have = .with {
          $0.root = Data(root)
          $0.map = Data(map)
        }
      case .askList(let root): $0.ask = ask(root)
      case .list(let root, let hashes):
        $0.list = .with {
          $0.root = Data(root)
          $0.hashes = Data(hashes)
        }
      case .request(let root, let chunk): $0.request = ask(root, chunk)
      case .chunk(let root, let chunk, let content):
        $0.chunk = .with {
          $0.root = Data(root)
          $0.chunk = UInt32(chunk)
          $0.content = Data(content)
        }
      case .refusal(let root, let chunk): $0.refusal = ask(root, chunk)
      case .gained(let root, let chunk): $0.gained = ask(root, chunk)
      }
    }.wire
  }

  private static func root(_ bytes: Data) throws(WireError) -> [UInt8] {
    guard bytes.count == 32 else { throw .outOfBounds("root") }
    return Array(bytes)
  }

  private static func index(_ chunk: UInt32) throws(WireError) -> Int {
    guard chunk < FileBounds.chunks else { throw .outOfBounds("chunk") }
    return Int(chunk)
  }
}
