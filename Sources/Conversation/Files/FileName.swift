/// Names for files that come from others.
package enum FileName {
  /// What file systems take, less the room that " (999)" and a suffix while it is written need.
  static let limit = 200

  /// `name` as one that is safe to make a file of: no path, nothing that steers a terminal or turns the
  /// writing direction, not hidden, no device of another system, at most 200 bytes.
  package static func sanitised(_ name: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in name.unicodeScalars.prefix(4096) {
      switch scalar.properties.generalCategory {
      case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
        .paragraphSeparator:
        continue
      case .spaceSeparator: scalars.append(" ")
      case _: scalars.append("/\\:*?\"<>|".unicodeScalars.contains(scalar) ? "_" : scalar)
      }
    }
    // By scalars: with a mark on it, a dot is another letter, and hides the file all the same.
    var result = Substring(String(scalars.drop(while: isUnfitToBegin)))
    while let last = result.last, last == "." || last == " " { result.removeLast() }
    var (stem, suffix) = parts(of: String(result))
    if reserved.contains(stem.split(separator: ".").first.map { $0.lowercased() } ?? "") {
      stem = "_" + stem
    }
    if suffix.utf8.count > 32 { (stem, suffix) = (stem + suffix, "") }
    while stem.utf8.count + suffix.utf8.count > limit { stem.removeLast() }
    return stem.isEmpty ? "file" + suffix : stem + suffix
  }

  private static func isUnfitToBegin(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: true
    case _: scalar == "." || scalar == " " || scalar == "-"
    }
  }

  /// The name to try as the `number`th, from 1: "plan.pdf", "plan (2).pdf".
  package static func numbered(_ name: String, _ number: Int) -> String {
    guard number > 1 else { return name }
    let (stem, suffix) = parts(of: name)
    return "\(stem) (\(number))\(suffix)"
  }

  private static func parts(of name: String) -> (stem: String, suffix: String) {
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return (name, "") }
    return (String(name[..<dot]), String(name[dot...]))
  }

  /// Devices of Windows, to whose disks files are copied.
  private static let reserved: Set<String> = Set(
    ["con", "prn", "aux", "nul"] + (1...9).flatMap { ["com\($0)", "lpt\($0)"] })
}
