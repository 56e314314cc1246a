import Foundation
import Foundations
import History

/// A meeting as one HTML page that needs nothing else: no script, no picture, no font from anywhere.
///
/// What people wrote is text and never markup. Each of it stands in an element with a direction of its
/// own, so that letters of a script written from the right don't turn what is around them.
struct HistoryPage {
  private let record: MeetingExport
  private let times = TimeText()

  init(of record: MeetingExport) {
    self.record = record
  }

  var text: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
    <meta name="generator" content="Virtue">
    <title>\(escape(record.title))</title>
    <style>
    \(Self.style)
    </style>
    </head>
    <body>
    <header>
    <h1 dir="auto">\(escape(record.title))</h1>
    <p>\(span) · \(messages) · \(members)</p>
    </header>
    <main>
    \(conversation)
    </main>
    \(attendance)
    <footer>
    <p>Meeting <code>\(record.meeting.id)</code></p>
    <p>SHA-256 of its log, equal for all who have everything: <code>\(escape(record.hash))</code></p>
    </footer>
    </body>
    </html>

    """
  }

  private var messages: String { HistoryText.count(record.meeting.messages, "message") }

  private var members: String { HistoryText.count(record.meeting.members, "member") }

  private var span: String {
    guard let first = record.messages.first, let last = record.messages.last else {
      return times.text(record.meeting.firstJoined, "d MMMM yyyy")
    }
    let days = [first, last].map { times.text($0.time, "d MMMM yyyy") }
    return days[0] == days[1] ? days[0] : days.joined(separator: " to ")
  }

  // MARK: - What was said

  private var conversation: String {
    var parts: [String] = []
    var day = ""
    let quoted = Dictionary(
      record.messages.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    for message in record.messages where message.kind != "joined" && message.kind != "left" {
      let next = times.text(message.time, "EEEE, d MMMM yyyy")
      if next != day { parts.append("<h2>\(next)</h2>") }
      day = next
      parts.append(article(message, answering: message.target.flatMap { quoted[$0] }))
    }
    return parts.isEmpty
      ? "<p class=\"quiet\">Nothing was said.</p>" : parts.joined(separator: "\n")
  }

  private func article(_ message: Message, answering target: Message?) -> String {
    let name = bdi(message.name)
    let time = """
      <time datetime="\(iso(message.time))">\(times.text(message.time, "HH:mm"))</time>
      """
    if let event = event(message) {
      return "<p class=\"event\" id=\"m\(message.id)\">\(time) <b>\(name)</b> \(event)</p>"
    }
    var body = ""
    if message.kind == "reply" {
      let quote = target.map { target in
        let said = bdi(DisplayText.line(target.text, limit: 120))
        return "\(bdi(target.name)): \(target.kind == "deleted" ? "<em>deleted</em>" : said)"
      }
      let link = message.target.map { "#m\($0)" } ?? "#"
      body +=
        "<blockquote><a href=\"\(link)\">↩ \(quote ?? "an earlier message")</a></blockquote>"
    }
    body += "<p class=\"text\" dir=\"auto\">\(escape(message.text))</p>"
    body += answers(message) + reactions(message)
    let edited = message.isEdited ? " <small>edited</small>" : ""
    let mark =
      message.isContradicted
      ? " <strong title=\"Two different entries with one number\">contradicts itself</strong>" : ""
    return """
      <article id="m\(message.id)" style="--hue: \(hue(message.author))">
      <h3>\(name)\(mark) \(time)\(edited)</h3>
      \(body)
      </article>
      """
  }

  private func event(_ message: Message) -> String? {
    switch message.kind {
    case "hand": message.text == "raised" ? "raised a hand" : "lowered a hand"
    case "moderation": bdi(message.text)
    case "file": "offered the file <span class=\"said\">\(bdi(message.text))</span>"
    case "deleted": "deleted what stood here"
    case _: nil
    }
  }

  private func answers(_ message: Message) -> String {
    guard !message.answers.isEmpty else { return "" }
    let most = max(1, message.answers.map(\.names.count).max() ?? 1)
    let rows = message.answers.map { answer in
      """
      <li><span>\(bdi(answer.text))</span>\
      <span><meter max="\(most)" value="\(answer.names.count)"></meter> \
      \(answer.names.count)</span>\
      <small>\(answer.names.map(bdi).joined(separator: ", "))</small></li>
      """
    }
    return "<ul class=\"answers\">\(rows.joined())</ul>"
  }

  private func reactions(_ message: Message) -> String {
    guard !message.reactions.isEmpty else { return "" }
    let given = message.reactions.map { reaction in
      "<li>\(bdi(reaction.emoji)) \(reaction.names.map(bdi).joined(separator: ", "))</li>"
    }
    return "<ul class=\"reactions\">\(given.joined())</ul>"
  }

  // MARK: - Who was there

  private var attendance: String {
    let events = record.messages.filter { $0.kind == "joined" || $0.kind == "left" }
    guard !events.isEmpty else { return "" }
    let rows = events.map { event in
      "<tr><td><time datetime=\"\(iso(event.time))\">"
        + times.text(event.time, "yyyy-MM-dd HH:mm:ss")
        + "</time></td><th>\(bdi(event.name))</th>"
        + "<td>\(event.kind == "joined" ? "came" : "left")</td></tr>"
    }
    return """
      <section>
      <h2>Attendance</h2>
      <table>
      \(rows.joined(separator: "\n"))
      </table>
      </section>
      """
  }

  // MARK: - Parts

  /// A colour for each member, the same in every export.
  private func hue(_ member: PeerID) -> Int { Int(member.bytes[0]) * 360 / 256 }

  private func iso(_ time: WallTime) -> String {
    Date(timeIntervalSince1970: time.seconds).formatted(.iso8601)
  }

  private func bdi(_ text: String) -> String { "<bdi>\(escape(text))</bdi>" }

  /// Text for an element or a quoted attribute.
  private func escape(_ text: String) -> String {
    var escaped = ""
    for scalar in DisplayText.lines(text).unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case _: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  private static let style = """
    :root { color-scheme: light dark; --quiet: #626262; --line: #8886; --alarm: #b5151f; }
    @media (prefers-color-scheme: dark) { :root { --quiet: #a8a8a8; --alarm: #ff8a80; } }
    body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 0 auto; padding: 1rem;
      overflow-wrap: anywhere; }
    header { border-bottom: 1px solid var(--line); }
    h1 { margin: 0.5rem 0 0; font-size: clamp(1.4rem, 6vw, 2rem); line-height: 1.2; }
    h2 { font-size: 1rem; text-align: center; color: var(--quiet); margin: 2rem 0 1rem; }
    h3 { font-size: 1rem; margin: 0; }
    time, small, .quiet, .event, header p, footer { color: var(--quiet); font-weight: normal; }
    time, small, strong { font-size: 0.8rem; }
    time { white-space: nowrap; }
    article { margin: 0.75rem 0; padding: 0.25rem 0 0.25rem 0.75rem; overflow: hidden;
      border-left: 3px solid hsl(var(--hue) 60% 50%); }
    article:target { background: #fc03; }
    .text { margin: 0; white-space: pre-wrap; }
    .event { margin: 0.5rem 0; font-size: 0.9rem; }
    .event b, .said { color: CanvasText; font-weight: 500; }
    blockquote { margin: 0.25rem 0; padding-left: 0.5rem; font-size: 0.9rem;
      border-left: 2px solid var(--line); }
    blockquote a { color: var(--quiet); text-decoration: none; }
    blockquote a:hover { text-decoration: underline; }
    ul { list-style: none; margin: 0.25rem 0; padding: 0; font-size: 0.9rem; }
    .answers li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 1rem;
      padding: 0.25rem 0; border-top: 1px solid var(--line); }
    .answers small { grid-column: 1 / -1; }
    .reactions { display: flex; flex-wrap: wrap; gap: 0.5rem; }
    .reactions li { border: 1px solid var(--line); border-radius: 1rem; padding: 0 0.5rem; }
    table { border-collapse: collapse; margin: 0.25rem auto; }
    th, td { text-align: left; font-weight: normal; padding: 0.1rem 0.75rem 0.1rem 0;
      vertical-align: top; }
    strong { color: var(--alarm); }
    footer { border-top: 1px solid var(--line); margin-top: 2rem; font-size: 0.8rem; }
    @media print { article, .event { break-inside: avoid; } }
    """
}
