import Foundations

/// The chunks of a file that are to be asked for, by how many members could pass them on.
///
/// A file has up to 16,384 chunks and fetching it takes some hundred thousand inputs, so this is kept
/// from one to the next: each change costs the same however large the file is.
struct WantedChunks: Sendable {
  /// By rarity, from 0 to ``FileBounds/holders``; each in no order.
  private var shelves: [[Int32]]
  /// Where a chunk stands on its shelf; -1 for one that isn't wanted.
  private var places: [Int32]
  private var rarities: [UInt8]
  private(set) var count = 0

  init(chunkCount: Int, without map: ChunkMap) {
    shelves = Array(repeating: [], count: FileBounds.holders + 1)
    places = Array(repeating: -1, count: chunkCount)
    rarities = Array(repeating: 0, count: chunkCount)
    for chunk in 0..<chunkCount where !map.contains(chunk) { insert(chunk) }
  }

  func contains(_ chunk: Int) -> Bool { places[chunk] >= 0 }

  mutating func insert(_ chunk: Int) {
    guard places[chunk] < 0 else { return }
    count += 1
    shelve(chunk)
  }

  mutating func remove(_ chunk: Int) {
    guard places[chunk] >= 0 else { return }
    count -= 1
    unshelve(chunk)
  }

  /// One member more, or with `step` -1 one fewer, could pass on this chunk.
  mutating func count(_ chunk: Int, by step: Int) {
    let isWanted = places[chunk] >= 0
    if isWanted { unshelve(chunk) }
    rarities[chunk] = UInt8(min(max(Int(rarities[chunk]) + step, 0), FileBounds.holders))
    if isWanted { shelve(chunk) }
  }

  /// The same for each chunk of a map.
  mutating func count(_ map: ChunkMap, by step: Int) {
    for chunk in 0..<map.chunkCount where map.contains(chunk) { count(chunk, by: step) }
  }

  /// A chunk among the rarest that `fits`, any of them with equal chance where all fit.
  func choose(
    rarities: ClosedRange<Int>, using generator: inout SeededGenerator, where fits: (Int) -> Bool
  ) -> Int? {
    for rarity in rarities {
      let shelf = shelves[rarity]
      guard !shelf.isEmpty else { continue }
      let start = Int.random(in: 0..<shelf.count, using: &generator)
      for offset in 0..<shelf.count {
        let chunk = Int(shelf[(start + offset) % shelf.count])
        if fits(chunk) { return chunk }
      }
    }
    return nil
  }

  private mutating func shelve(_ chunk: Int) {
    let rarity = Int(rarities[chunk])
    places[chunk] = Int32(shelves[rarity].count)
    shelves[rarity].append(Int32(chunk))
  }

  /// The last of the shelf takes its place.
  private mutating func unshelve(_ chunk: Int) {
    let rarity = Int(rarities[chunk])
    let place = Int(places[chunk])
    let last = shelves[rarity].removeLast()
    if Int(last) != chunk {
      shelves[rarity][place] = last
      places[Int(last)] = Int32(place)
    }
    places[chunk] = -1
  }
}
