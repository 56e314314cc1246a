import ArgumentParser

/// Every figure that the project claims, measured: `swift run -c release virtue-bench --help`.
@main
struct Benchmarks: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "virtue-bench",
    abstract: "Measures what Virtue claims.",
    discussion: """
      Each prints a table, then the same as one JSON object on the last line. What needs several \
      hosts makes them of network namespaces, which takes root; nothing is sent outside this \
      computer. Build with -c release for figures.
      """,
    subcommands: [
      JoinBenchmark.self, CallBenchmark.self, LossBenchmark.self, GrowthBenchmark.self,
      ChatBenchmark.self, FilesBenchmark.self, GossipBenchmark.self, ProcessesBenchmark.self,
      VisionBenchmark.self,
    ])
}
