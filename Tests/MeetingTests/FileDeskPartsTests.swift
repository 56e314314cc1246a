import Files
import Foundation
import Foundations
import Glibc
import Testing
import Wire

@testable import Meeting

@Suite("Folders that a desktop has set apart")
struct UserDirectoriesTests {
  @Test(
    "The folder for downloads is read as xdg-user-dirs writes it",
    arguments: [
      (#"XDG_DOWNLOAD_DIR="$HOME/Téléchargements""#, "/home/ada/Téléchargements"),
      (#"XDG_DOWNLOAD_DIR="/data/in""#, "/data/in"),
      ("# XDG_DOWNLOAD_DIR=\"$HOME/no\"\nXDG_DOWNLOAD_DIR=\"$HOME/yes\"", "/home/ada/yes"),
      (#"XDG_DOWNLOAD_DIR="$HOME/a \"b\" \$c""#, #"/home/ada/a "b" $c"#),
      (#"XDG_DOWNLOAD_DIR="$HOME/""#, nil), (#"XDG_DOWNLOAD_DIR="relative""#, nil),
      ("XDG_DOWNLOAD_DIR=$HOME/unquoted", nil), ("XDG_DESKTOP_DIR=\"$HOME/Desktop\"", nil),
      ("XDG_DOWNLOAD_DIR=\"", nil), ("", nil),
    ])
  func reading(text: String, expected: String?) {
    #expect(UserDirectories.download(in: text, home: "/home/ada") == expected)
  }

  @Test("The environment goes before the file, the file before ~/Downloads")
  func order() throws {
    let home = NSTemporaryDirectory() + "/home-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: home) }
    try FileManager.default.createDirectory(
      atPath: home + "/.config", withIntermediateDirectories: true)
    var environment = ["HOME": home]
    #expect(UserDirectories(environment: environment).downloads == nil)
    try FileManager.default.createDirectory(
      atPath: home + "/Downloads", withIntermediateDirectories: true)
    #expect(UserDirectories(environment: environment).downloads == home + "/Downloads")
    try Data("XDG_DOWNLOAD_DIR=\"$HOME/In\"\n".utf8).write(
      to: URL(fileURLWithPath: home + "/.config/user-dirs.dirs"))
    #expect(UserDirectories(environment: environment).downloads == home + "/In")
    environment["XDG_DOWNLOAD_DIR"] = "/elsewhere"
    #expect(UserDirectories(environment: environment).downloads == "/elsewhere")
  }
}

@Suite("One content, offered several times")
struct FileItemTests {
  private static func offer(
    _ number: UInt8, by author: UInt8, named name: String = "a", bytes: Int = 10
  ) -> FileDesk.Offer {
    FileDesk.Offer(
      entry: EntryID([UInt8](repeating: number, count: 16))!,
      author: PeerID(publicKey: [UInt8](repeating: author, count: 32)), name: name,
      shape: FileShape(byteCount: bytes, root: [UInt8](repeating: 1, count: 32))!,
      digest: [UInt8](repeating: 2, count: 32))
  }

  @Test("The offer that was accepted counts, and when it is withdrawn one that agrees with it")
  func leading() {
    var item = FileDesk.Item(Self.offer(1, by: 1))
    item.add(Self.offer(2, by: 2, bytes: 99), isOwn: false)
    item.add(Self.offer(3, by: 3), isOwn: false)
    #expect(item.agreeing.count == 2)
    item.lead(with: Self.offer(2, by: 2).entry)
    #expect(item.offer.shape.byteCount == 99 && item.agreeing.count == 1)
    item.lead(with: Self.offer(1, by: 1).entry)
    var isLeft = item.remove(Self.offer(1, by: 1).entry)
    #expect(isLeft && item.offer.author == Self.offer(3, by: 3).author)
    isLeft = item.remove(Self.offer(3, by: 3).entry)
    #expect(isLeft)
    isLeft = item.remove(Self.offer(2, by: 2).entry)
    #expect(!isLeft)
  }

  private static func entries(_ item: FileDesk.Item) -> Set<EntryID> {
    Set(item.offers.map(\.entry))
  }

  @Test("Of one member the newest offers count; the one that is under way stays besides")
  func ofOne() {
    var item = FileDesk.Item(Self.offer(1, by: 1))
    for number in UInt8(2)...20 { item.add(Self.offer(number, by: 1), isOwn: false) }
    let newest = Set((UInt8(13)...20).map { Self.offer($0, by: 1).entry })
    #expect(Self.entries(item) == newest)
    #expect(item.offer.entry == Self.offer(13, by: 1).entry)
    item.lead(with: Self.offer(15, by: 1).entry)
    item.state = .fetching
    for number in UInt8(21)...40 { item.add(Self.offer(number, by: 1), isOwn: false) }
    #expect(item.offer.entry == Self.offer(15, by: 1).entry)
    let later = Set((UInt8(34)...40).map { Self.offer($0, by: 1).entry })
    #expect(Self.entries(item) == later.union([item.offer.entry]))
  }

  @Test("An older one can be accepted still, and takes the place of one that is withdrawn")
  func aside() {
    var item = FileDesk.Item(Self.offer(1, by: 1))
    for number in UInt8(2)...20 { item.add(Self.offer(number, by: 1), isOwn: false) }
    #expect(Set(item.known.map(\.entry)).count == 20)
    item.lead(with: Self.offer(3, by: 1).entry)
    #expect(item.offer.entry == Self.offer(3, by: 1).entry)
    #expect(item.offers.count == 8 && Set(item.known.map(\.entry)).count == 20)
    for number in (UInt8(2)...20).reversed() {
      let isLeft = item.remove(Self.offer(number, by: 1).entry)
      #expect(isLeft && item.known.count == number - 1)
      #expect(item.offers.count == min(Int(number) - 1, 8))
    }
    #expect(Self.entries(item) == [Self.offer(1, by: 1).entry])
    let isLeft = item.remove(Self.offer(1, by: 1).entry)
    #expect(!isLeft)
  }

  @Test("One member's flood takes no other's place; all are bounded, and one's own always count")
  func bounded() {
    var item = FileDesk.Item(Self.offer(0, by: 0))
    for author in UInt8(1)...7 {
      for number in 0..<UInt8(20) {
        item.add(Self.offer(author * 20 + number, by: author), isOwn: false)
      }
    }
    #expect(Self.entries(item).contains(Self.offer(0, by: 0).entry))
    #expect(item.offers.count == 57)
    // Whoever has the most makes room, down to one of each.
    for author in UInt8(160)...250 { item.add(Self.offer(author, by: author), isOwn: false) }
    #expect(item.offers.count == 64)
    #expect(Set(item.offers.map(\.author)).count == 64)
    #expect(Self.entries(item).contains(Self.offer(0, by: 0).entry))
    item.add(Self.offer(255, by: 255), isOwn: true)
    #expect(Self.entries(item).contains(Self.offer(255, by: 255).entry))
    #expect(item.offers.count == 65)
  }
}

@Suite("A fetched file that waits for its place")
struct FilePlacingTests {
  @Test("It is tried after two seconds, then four, up to thirty; each new reason is news")
  func waits() {
    var placing = FileDesk.Placing([], at: .zero)
    var now = Moment.zero
    let waits = (0..<8).map { number in
      let isNews = placing.failed(because: .unwritable(EROFS), at: now)
      #expect(isNews == (number == 0))
      defer { now = placing.nextTry }
      return placing.nextTry - now
    }
    #expect(waits == [2, 4, 8, 16, 30, 30, 30, 30].map(Duration.seconds))
    let isOtherNews = placing.failed(because: .unwritable(ENOSPC), at: now)
    #expect(isOtherNews)
    placing.forgetTrouble()
    let isNewsAgain = placing.failed(because: .unwritable(ENOSPC), at: now)
    #expect(isNewsAgain)
  }

  @Test("A folder that is missing is made, one behind a link is used, and what is wrong is named")
  func directories() throws {
    let path = NSTemporaryDirectory() + "/placing-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let folder = FileFolder(path: path + "/kept")
    try folder.make()
    func place(in directory: String) throws -> String {
      try folder.store([1, 2, 3], at: 0)
      return try folder.place(as: "plan", in: path + directory, byteCount: 3)
    }
    #expect(try place(in: "/new/one") == path + "/new/one/plan")
    for (link, target) in [("/link", "new/one"), ("/loop", "loop"), ("/dangling", "none")] {
      try FileManager.default.createSymbolicLink(
        atPath: path + link, withDestinationPath: target)
    }
    #expect(try place(in: "/link") == path + "/link/plan (2)")
    try Data().write(to: URL(fileURLWithPath: path + "/file"))
    for (directory, number) in [
      ("/file", ENOTDIR), ("/file/under", ENOTDIR), ("/loop", ELOOP), ("/dangling", ENOENT),
    ] {
      #expect(throws: FileFolder.Trouble.unwritable(number), "\(directory)") {
        _ = try place(in: directory)
      }
    }
    try FileManager.default.removeItem(atPath: path + "/kept")
    #expect(throws: FileFolder.Trouble.unreadable(ENOENT)) {
      _ = try folder.place(as: "plan", in: path + "/new", byteCount: 3)
    }
  }

  /// The superuser's alone, and not of every one.
  private static let canMount: Bool = {
    let path = NSTemporaryDirectory() + "/mount-\(UUID().uuidString)"
    defer { rmdir(path) }
    return mkdir(path, 0o700) == 0 && mount("virtue-test", path, "tmpfs", 0, nil) == 0
      && umount(path) == 0
  }()

  @Test(
    "A folder that becomes full while a file is put there is called so, and stays empty",
    .enabled(if: canMount))
  func full() throws {
    let path = NSTemporaryDirectory() + "/placing-\(UUID().uuidString)"
    let small = path + "/small"
    try FileManager.default.createDirectory(atPath: small, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try #require(mount("virtue-test", small, "tmpfs", 0, "size=256k") == 0)
    // MNT_DETACH (umount2(2)).
    defer { umount2(small, 2) }
    let folder = FileFolder(path: path + "/kept")
    try folder.make()
    try folder.store([UInt8](repeating: 1, count: 1 << 20), at: 0)
    // Of a call that fails before, nothing is told.
    errno = ENOENT
    #expect(throws: FileFolder.Trouble.unwritable(ENOSPC)) {
      _ = try folder.place(as: "plan", in: small, byteCount: 1 << 20)
    }
    let list = [[UInt8]](repeating: [UInt8](repeating: 1, count: 32), count: FileBounds.chunks)
    errno = ENOENT
    let error = #expect(throws: SystemError.self) { try FileFolder(path: small).keep(list: list) }
    #expect(error?.number == ENOSPC)
    #expect(try FileManager.default.contentsOfDirectory(atPath: small).isEmpty)
  }

  @Test("What was kept counts as verified until it changes, even if its size and time stay")
  func version() throws {
    let path = NSTemporaryDirectory() + "/placing-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let folder = FileFolder(path: path)
    try folder.make()
    var placing = FileDesk.Placing([], at: .zero)
    placing.verified(folder.version)
    #expect(folder.version == nil && !placing.isVerified(folder.version))
    try folder.store([1, 2, 3], at: 0)
    placing.verified(folder.version)
    #expect(placing.isVerified(folder.version))
    let modified = try FileManager.default.attributesOfItem(atPath: path + "/part")[
      .modificationDate]
    // The system's clock for files goes on in steps of some milliseconds.
    let before = folder.version
    while folder.version == before {
      try folder.store([9], at: 1)
      try FileManager.default.setAttributes(
        [.modificationDate: modified as Any], ofItemAtPath: path + "/part")
    }
    #expect(!placing.isVerified(folder.version))
  }
}
