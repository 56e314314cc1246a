import ArgumentParser

struct VisionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vision",
    abstract: "Run the effects on files.",
    discussion: """
      The same code that works on cameras in a meeting, over clips, picture by picture and in order, \
      so that it can be measured.
      """,
    subcommands: [VisionBlurCommand.self, VisionLookCommand.self])
}
