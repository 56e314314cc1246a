import CQREncode

/// A link as a QR code of half-block characters, dark on light, for a terminal.
struct QRCode {
  let lines: [String]

  /// `nil` when the text is too long for a code.
  init?(_ text: String) {
    guard let code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L) else { return nil }
    defer { QRcode_free(code) }
    let width = Int(code.pointee.width)
    // The quiet zone that ISO/IEC 18004 asks for, at half its size: screens are lit evenly.
    let margin = 2
    func isDark(_ column: Int, _ row: Int) -> Bool {
      guard (0..<width).contains(column), (0..<width).contains(row) else { return false }
      return code.pointee.data[row * width + column] & 1 == 1
    }
    // Light modules are drawn, dark ones left: right on the usual dark terminal.
    lines = stride(from: -margin, to: width + margin, by: 2).map { row in
      String(
        (-margin..<width + margin).map { column -> Character in
          switch (isDark(column, row), isDark(column, row + 1)) {
          case (false, false): "█"
          case (false, true): "▀"
          case (true, false): "▄"
          case (true, true): " "
          }
        })
    }
  }
}
