import Glibc

/// Numbers in rows and columns, allocated once.
final class Grid<Element: BitwiseCopyable> {
  let width: Int
  let height: Int
  let values: UnsafeMutablePointer<Element>

  init(width: Int, height: Int, filledWith value: Element) {
    self.width = width
    self.height = height
    let memory = UnsafeMutableRawPointer.allocate(
      // Vector code may read a little beyond the end.
      byteCount: width * height * MemoryLayout<Element>.stride + 64, alignment: 64)
    values = memory.bindMemory(to: Element.self, capacity: width * height)
    values.initialize(repeating: value, count: width * height)
  }

  deinit {
    UnsafeMutableRawPointer(values).deallocate()
  }

  var count: Int { width * height }

  func row(_ index: Int) -> UnsafeMutablePointer<Element> { values + index * width }
}
