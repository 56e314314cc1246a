/// Small letters made of squares, for frame counters and captions: five columns and seven rows each,
/// one column apart. ASCII only; anything else shows as a hollow box.
package enum BitmapFont {
  package static let columns = 5
  package static let rows = 7

  /// Pixels that `text` takes at `scale` pixels a square.
  package static func width(of text: String, scale: Int) -> Int {
    max(text.unicodeScalars.count * (columns + 1) - 1, 0) * scale
  }

  /// Calls `fill` with each rectangle that is to be painted, in pixels; `x` and `y` are the text's
  /// upper left corner.
  package static func draw(
    _ text: String, x: Int, y: Int, scale: Int,
    fill: (_ x: Int, _ y: Int, _ width: Int, _ height: Int) -> Void
  ) {
    for (index, scalar) in text.unicodeScalars.enumerated() {
      let shape = shape(of: scalar)
      for row in 0..<rows {
        let bits = shape >> UInt64(8 * (rows - 1 - row)) & 0x1F
        for column in 0..<columns where bits >> UInt64(columns - 1 - column) & 1 == 1 {
          let square = index * (columns + 1) + column
          fill(x + square * scale, y + row * scale, scale, scale)
        }
      }
    }
  }

  private static func shape(of scalar: Unicode.Scalar) -> UInt64 {
    let index = Int(scalar.value) - 0x20
    return shapes.indices.contains(index) ? shapes[index] : box
  }

  private static let box: UInt64 = 0x1F_11_11_11_11_11_1F

  /// From space to tilde. A byte is a row, the first the topmost; bit 4 is the leftmost column.
  private static let shapes: [UInt64] = [
    0x00_00_00_00_00_00_00, 0x04_04_04_04_04_00_04, 0x0A_0A_00_00_00_00_00,  // space ! "
    0x0A_0A_1F_0A_1F_0A_0A, 0x04_0F_14_0E_05_1E_04, 0x18_19_02_04_08_13_03,  // # $ %
    0x0C_12_14_08_15_12_0D, 0x04_04_00_00_00_00_00, 0x02_04_08_08_08_04_02,  // & ' (
    0x08_04_02_02_02_04_08, 0x00_04_15_0E_15_04_00, 0x00_04_04_1F_04_04_00,  // ) * +
    0x00_00_00_00_0C_04_08, 0x00_00_00_1F_00_00_00, 0x00_00_00_00_00_0C_0C,  // , - .
    0x00_01_02_04_08_10_00, 0x0E_11_13_15_19_11_0E, 0x04_0C_04_04_04_04_0E,  // / 0 1
    0x0E_11_01_02_04_08_1F, 0x1F_02_04_02_01_11_0E, 0x02_06_0A_12_1F_02_02,  // 2 3 4
    0x1F_10_1E_01_01_11_0E, 0x06_08_10_1E_11_11_0E, 0x1F_01_02_04_08_08_08,  // 5 6 7
    0x0E_11_11_0E_11_11_0E, 0x0E_11_11_0F_01_02_0C, 0x00_0C_0C_00_0C_0C_00,  // 8 9 :
    0x00_0C_0C_00_0C_04_08, 0x02_04_08_10_08_04_02, 0x00_00_1F_00_1F_00_00,  // ; < =
    0x08_04_02_01_02_04_08, 0x0E_11_01_02_04_00_04, 0x0E_11_01_0D_15_15_0E,  // > ? @
    0x0E_11_11_11_1F_11_11, 0x1E_11_11_1E_11_11_1E, 0x0E_11_10_10_10_11_0E,  // A B C
    0x1C_12_11_11_11_12_1C, 0x1F_10_10_1E_10_10_1F, 0x1F_10_10_1E_10_10_10,  // D E F
    0x0E_11_10_17_11_11_0F, 0x11_11_11_1F_11_11_11, 0x0E_04_04_04_04_04_0E,  // G H I
    0x07_02_02_02_02_12_0C, 0x11_12_14_18_14_12_11, 0x10_10_10_10_10_10_1F,  // J K L
    0x11_1B_15_15_11_11_11, 0x11_11_19_15_13_11_11, 0x0E_11_11_11_11_11_0E,  // M N O
    0x1E_11_11_1E_10_10_10, 0x0E_11_11_11_15_12_0D, 0x1E_11_11_1E_14_12_11,  // P Q R
    0x0F_10_10_0E_01_01_1E, 0x1F_04_04_04_04_04_04, 0x11_11_11_11_11_11_0E,  // S T U
    0x11_11_11_11_11_0A_04, 0x11_11_11_15_15_15_0A, 0x11_11_0A_04_0A_11_11,  // V W X
    0x11_11_11_0A_04_04_04, 0x1F_01_02_04_08_10_1F, 0x0E_08_08_08_08_08_0E,  // Y Z [
    0x00_10_08_04_02_01_00, 0x0E_02_02_02_02_02_0E, 0x04_0A_11_00_00_00_00,  // \ ] ^
    0x00_00_00_00_00_00_1F, 0x08_04_02_00_00_00_00, 0x00_00_0E_01_0F_11_0F,  // _ ` a
    0x10_10_16_19_11_11_1E, 0x00_00_0E_10_10_11_0E, 0x01_01_0D_13_11_11_0F,  // b c d
    0x00_00_0E_11_1F_10_0E, 0x06_09_08_1C_08_08_08, 0x00_0F_11_11_0F_01_0E,  // e f g
    0x10_10_16_19_11_11_11, 0x04_00_0C_04_04_04_0E, 0x02_00_06_02_02_12_0C,  // h i j
    0x10_10_12_14_18_14_12, 0x0C_04_04_04_04_04_0E, 0x00_00_1A_15_15_11_11,  // k l m
    0x00_00_16_19_11_11_11, 0x00_00_0E_11_11_11_0E, 0x00_00_1E_11_1E_10_10,  // n o p
    0x00_00_0D_13_0F_01_01, 0x00_00_16_19_10_10_10, 0x00_00_0E_10_0E_01_1E,  // q r s
    0x08_08_1C_08_08_09_06, 0x00_00_11_11_11_13_0D, 0x00_00_11_11_11_0A_04,  // t u v
    0x00_00_11_11_15_15_0A, 0x00_00_11_0A_04_0A_11, 0x00_00_11_11_0F_01_0E,  // w x y
    0x00_00_1F_02_04_08_1F, 0x02_04_04_08_04_04_02, 0x04_04_04_04_04_04_04,  // z { |
    0x08_04_04_02_04_04_08, 0x00_00_08_15_02_00_00,  // } ~
  ]
}
