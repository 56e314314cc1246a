// swift-tools-version: 6.2
import PackageDescription

/// What every target of our own is built with.
let house: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

// MARK: - From the field

/// Package.resolved is not kept, so each version is named in full.
let dependencies: [Package.Dependency] = [
  // Subcommands, and the source of the man pages and completions.
  .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
  // Keys, signatures, HPKE.
  .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
  // The certificate of a run.
  .package(url: "https://github.com/apple/swift-certificates", exact: "1.21.1"),
  .package(url: "https://github.com/apple/swift-asn1", exact: "1.7.4"),
  // Queues and ordered sets.
  .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
  .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
  // Streams between members, and the TLS 1.3 on them.
  .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
  .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
  // The messages on the wire.
  .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
  // SQLite in Swift.
  .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
]

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let ordered = Target.Dependency.product(name: "OrderedCollections", package: "swift-collections")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nio: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
  .product(name: "NIOFoundationCompat", package: "swift-nio"),
  .product(name: "NIOSSL", package: "swift-nio-ssl"),
]
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")

// MARK: - C libraries

func system(_ name: String, pkgConfig: String? = nil, apt: String) -> Target {
  .systemLibrary(
    name: name, path: "Sources/CSystem/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

let cSystem: [Target] = [
  .systemLibrary(
    name: "CAvahi", path: "Sources/CSystem/CAvahi",
    providers: [.apt(["libavahi-client-dev", "libavahi-core-dev"])]),
  system("CNice", pkgConfig: "glib-2.0", apt: "libnice-dev"),
  system("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
  system("COpus", pkgConfig: "opus", apt: "libopus-dev"),
  system("CPNG", pkgConfig: "libpng", apt: "libpng-dev"),
  system("CQREncode", pkgConfig: "libqrencode", apt: "libqrencode-dev"),
  system("CSRTP", pkgConfig: "libsrtp2", apt: "libsrtp2-dev"),
  system("CSodium", pkgConfig: "libsodium", apt: "libsodium-dev"),
  // Backgrounds that are photographs.
  system("CTurboJPEG", pkgConfig: "libturbojpeg", apt: "libturbojpeg0-dev"),
  system("CVPX", pkgConfig: "vpx", apt: "libvpx-dev"),
  // Runs the neural networks. Debian gives it no .pc file: the module map names what to link.
  system("CXNNPACK", apt: "libxnnpack-dev"),
  system("CYUV", apt: "libyuv-dev"),
  // Unpacks the wheel that the models come in.
  system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
  // libwebm speaks C++ only: this target is its C face.
  .target(
    name: "CWebM", path: "Sources/CSystem/CWebM",
    linkerSettings: [.linkedLibrary("webm"), .linkedLibrary("stdc++")]),
]

// MARK: - The house

func room(
  _ name: String, in floor: String, _ dependencies: [Target.Dependency],
  resources: [Resource] = [], exclude: [String] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/\(floor)\(name)", exclude: exclude,
    resources: resources, swiftSettings: house)
}

let base: [Target] = [
  room("Foundations", in: "Base/", []),
  room("Wire", in: "Base/", ["Foundations", crypto, protobuf], exclude: ["Protocol"]),
]

let mesh: [Target] = [
  room("Discovery", in: "Mesh/", ["Foundations", "CAvahi"]),
  room("Links", in: "Mesh/", ["Foundations", "Wire", crypto, x509, asn1, nioTLS] + nio),
  room("Admission", in: "Mesh/", ["Foundations", "Wire", "CSodium", crypto, protobuf]),
  room("Gossip", in: "Mesh/", ["Foundations", "Wire", ordered, protobuf]),
  room("Roster", in: "Mesh/", ["Foundations", "Wire"]),
  room("Signalling", in: "Mesh/", ["Foundations", "Wire", protobuf]),
]

let conversation: [Target] = [
  room("Chat", in: "Conversation/", ["Foundations", "Wire", crypto, protobuf]),
  room("Files", in: "Conversation/", ["Foundations", "Wire", protobuf]),
  room("History", in: "Conversation/", ["Foundations", "Wire", "Chat", grdb, protobuf]),
]

let media: [Target] = [
  room("Capture", in: "Media/", ["Foundations", "CWebM", "CYUV"]),
  room("Codecs", in: "Media/", ["Foundations", "CVPX", "COpus"]),
  room("RTP", in: "Media/", ["Foundations", deque]),
  room("Protection", in: "Media/", ["Foundations", "COpenSSL", "CSRTP"]),
  room("Connectivity", in: "Media/", ["Foundations", "CNice"]),
  room("Playback", in: "Media/", ["Foundations", "CPNG", "CYUV"]),
  room(
    "Vision", in: "Media/",
    ["Foundations", "CPNG", "CTurboJPEG", "CXNNPACK", "CYUV", "CZlib", crypto]),
]

let everything = (mesh + conversation + media).map { Target.Dependency(stringLiteral: $0.name) }

let app: [Target] = [
  .target(
    name: "Meeting", dependencies: everything + ["Foundations", "Wire", crypto, logging, protobuf],
    path: "Sources/Meeting", swiftSettings: house),
  room(
    "CommandLineTool", in: "App/",
    [
      "Meeting", "Admission", "Capture", "Codecs", "Discovery", "History", "Links", "Playback",
      "Roster", "Foundations", "CQREncode", argumentParser, logging, "Vision",
    ], resources: [.copy("Demo/Clips")], exclude: ["events.schema.json"]),
  .executableTarget(
    name: "virtue", dependencies: ["CommandLineTool"], path: "Sources/App/virtue",
    swiftSettings: house),
]

// MARK: - Tests

/// The tests of one room.
func tests(
  of room: String, _ more: [Target.Dependency] = [], resources: [Resource] = []
) -> Target {
  .testTarget(
    name: "\(room)Tests", dependencies: [.init(stringLiteral: room), "Foundations"] + more,
    resources: resources, swiftSettings: house)
}

let testTargets: [Target] = [
  // Pictures and sound to test with, and measures of them.
  .target(
    name: "MediaSupport", dependencies: ["Foundations", "CVPX"],
    path: "Tests/Support/MediaSupport", swiftSettings: house),
  // Publishes and browses from a process of its own, for tests in network namespaces.
  .executableTarget(
    name: "discovery-probe", dependencies: ["Discovery", "Foundations"],
    path: "Tests/Support/DiscoveryProbe", swiftSettings: house),
  // The media path of a meeting with SDP for signalling, for calls with other WebRTC stacks.
  .executableTarget(
    name: "sdp-adapter",
    dependencies: [
      "Meeting", "Capture", "Links", "Playback", "RTP", "Signalling", "Foundations", "Wire",
      "MediaSupport",
    ],
    path: "Tests/Support/SDPAdapter", swiftSettings: house),
  .testTarget(
    name: "FoundationsTests", dependencies: ["Foundations", "MediaSupport"], swiftSettings: house),
  tests(of: "Wire", [protobuf]),
  tests(of: "Discovery", ["discovery-probe"]),
  tests(of: "Links", ["Wire", "COpenSSL", crypto, nioTLS] + nio),
  tests(of: "Admission", ["Wire", protobuf], resources: [.copy("Vectors")]),
  // One seeded generator, one heap of events, thousands of machines.
  .target(
    name: "Simulation", dependencies: ["Gossip", "Foundations", "Wire", protobuf],
    path: "Tests/Support/Simulation", swiftSettings: house),
  tests(of: "Gossip", ["Simulation", "Wire", protobuf]),
  // Seeds and scenarios; a failing one prints its seed, which VIRTUE_SEED replays.
  .testTarget(
    name: "SimulationTests", dependencies: ["Simulation", "Gossip", "Foundations"],
    swiftSettings: house),
  tests(of: "Roster", ["Wire"]),
  tests(of: "Signalling", ["Wire", protobuf]),
  tests(of: "Chat", ["Wire", protobuf]),
  // Appends to a history until it is killed, and says what was acknowledged.
  .executableTarget(
    name: "history-writer", dependencies: ["Chat", "History", "Foundations", "Wire", protobuf],
    path: "Tests/Support/HistoryWriter", swiftSettings: house),
  tests(of: "Files", ["Wire"]),
  tests(of: "History", ["Wire", "Chat", "LabSupport", "history-writer", grdb, protobuf]),
  tests(
    of: "Capture", ["Codecs", "Playback", "MediaSupport"], resources: [.copy("Fixtures")]),
  tests(of: "Codecs", ["Capture", "MediaSupport"]),
  tests(of: "RTP"),
  tests(of: "Protection", ["COpenSSL"]),
  tests(of: "Connectivity"),
  tests(of: "Playback", ["Capture", "Codecs", "MediaSupport"]),
  tests(
    of: "Meeting",
    [
      "Admission", "Capture", "Codecs", "Links", "Roster", "RTP", "Signalling", "Vision", "Wire",
      protobuf,
    ]),
  tests(
    of: "CommandLineTool",
    [
      "Meeting", "History", "Chat", "Capture", "Codecs", "Vision", "MediaSupport", "Wire", protobuf,
      argumentParser,
    ]),
  .testTarget(
    name: "VisionTests",
    dependencies: ["Vision", "Capture", "Codecs", "Playback", "MediaSupport", "Foundations"],
    exclude: ["reference.py", "requirements.txt", "Fixtures"], swiftSettings: house),
  // Hosts made of network namespaces, and programs run on them as their users would.
  .target(
    name: "LabSupport", path: "Tests/Support/Lab", exclude: ["lab.sh"], swiftSettings: house),
  // Real processes on several hosts.
  .testTarget(
    name: "LabTests", dependencies: ["virtue", "LabSupport"], swiftSettings: house),
  // Counts a thread's heap allocations, in place of the C library's own functions.
  .target(name: "AllocationCount", path: "Tests/Support/AllocationCount"),
  // Every figure that the project claims, measured: a table and JSON.
  .executableTarget(
    name: "virtue-bench",
    dependencies: [
      "virtue", "LabSupport", "MediaSupport", "Capture", "Codecs", "Playback", "Foundations",
      "AllocationCount", "Chat", "Gossip", "History", "Simulation", "Vision", "Wire",
      argumentParser,
      protobuf,
    ],
    path: "Tests/Benchmarks", swiftSettings: house),
  // Another WebRTC stack.
  .testTarget(
    name: "InteropTests",
    dependencies: ["sdp-adapter", "Capture", "Playback", "MediaSupport", "Foundations"],
    exclude: ["peer.py", "requirements.txt"], swiftSettings: house),
  // Every parser as a fuzzer sees it.
  .target(
    name: "FuzzTargets",
    dependencies: [
      "Admission", "Capture", "Chat", "Codecs", "Discovery", "Files", "Gossip", "History", "Links",
      "Meeting", "Playback", "Protection", "RTP", "Signalling", "Vision", "Foundations", "Wire",
      protobuf,
    ],
    path: "Tests/Fuzzing/Targets", swiftSettings: house),
  // What .ci/fuzz found worth keeping.
  .testTarget(
    name: "FuzzingTests", dependencies: ["FuzzTargets", "Foundations"], exclude: ["Corpus"],
    swiftSettings: house),
  .testTarget(
    name: "HouseStyleTests",
    dependencies: ["CommandLineTool", "Meeting", "Roster", "Foundations", "Vision"],
    swiftSettings: house),
]

// libFuzzer brings a main function of its own, so it is built by .ci/fuzz alone.
let fuzzing: [Target] =
  Context.environment["VIRTUE_FUZZ"] == nil
  ? []
  : [
    .executableTarget(
      name: "virtue-fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzzing/Entry",
      swiftSettings: house + [.unsafeFlags(["-parse-as-library"])],
      linkerSettings: [
        // SwiftPM and libFuzzer each define `main`; both lead to the same.
        .unsafeFlags([
          "-sanitize=fuzzer", "-use-ld=lld", "-Xlinker", "--allow-multiple-definition",
        ])
      ])
  ]

let package = Package(
  name: "virtue",
  products: [.executable(name: "virtue", targets: ["virtue"])],
  dependencies: dependencies,
  targets: cSystem + base + mesh + conversation + media + app + testTargets + fuzzing,
  swiftLanguageModes: [.v6]
)
