import FuzzTargets
import Glibc

/// Which parser is fuzzed: `VIRTUE_FUZZ_TARGET` names it.
private let target: FuzzTarget = {
  let name = getenv("VIRTUE_FUZZ_TARGET").map { String(cString: $0) } ?? ""
  guard let target = FuzzTarget.named(name) else {
    let names = FuzzTarget.all.map(\.name).joined(separator: ", ")
    fatalError("VIRTUE_FUZZ_TARGET is to be one of: \(names)")
  }
  return target
}()

/// libFuzzer's entry.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  target.take(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
