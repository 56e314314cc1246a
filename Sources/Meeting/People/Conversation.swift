import Chat
import Foundations
import Gossip
import History
import Logging
import Roster
import SwiftProtobuf
import Wire

/// The conversation: the log decides, the store keeps, the members hear of it.
extension MeetingSession {
  /// Says a line to everybody.
  package func say(_ line: String) {
    guard !line.allSatisfy(\.isWhitespace) else { return }
    drive(chat: .compose(.text(line), wall: parts.clock.wallTime()))
  }

  func drive(chat input: ChatLog.Input) {
    var outputs: [ChatLog.Output] = []
    chat.handle(input, at: parts.clock.now(), into: &outputs)
    carryOut(outputs)
  }

  func wakeChat() {
    chatAlarm?.forget()
    var outputs: [ChatLog.Output] = []
    chat.wake(at: parts.clock.now(), into: &outputs)
    carryOut(outputs)
  }

  private func carryOut(_ outputs: [ChatLog.Output]) {
    for output in outputs {
      switch output {
      case .commit(let entries): commit(entries)
      case .publish(let entry): drive(.broadcast(.with { $0.entry = entry }))
      case .show(let entry): show(entry)
      case .sendHeads(let heads, let peer): send(.with { $0.heads = heads }, to: peer)
      case .sendBatch(let batch, let peer): send(.with { $0.batch = batch }, to: peer)
      case .refused(_, let refusal):
        emit(
          .warning(
            code: "chat-refused", message: "The line was not sent: \(Self.reason(of: refusal))."))
      case .misbehaviour(let peer, let what):
        parts.log.notice("\(peer): \(what)")
      }
    }
    chatAlarm?.set(chat.deadline)
  }

  private static func reason(of refusal: ChatLog.Refusal) -> String {
    switch refusal {
    case .invalid: "it is empty or longer than \(WireBounds.chatText) bytes"
    case .notCommitted: "it can't be kept on this computer"
    case .tooMany: "too many lines wait already"
    }
  }

  private func commit(_ entries: [Entry]) {
    let ids = entries.map(\.id)
    Task { [history = parts.history, clock = parts.clock, weak self] in
      do {
        try await history.append(entries, at: clock.wallTime())
        await self?.drive(chat: .committed(ids))
      } catch {
        if let failure = error as? Failure { await self?.warnOnce(failure) }
        await self?.drive(chat: .notCommitted(ids))
      }
    }
  }

  private func warnOnce(_ failure: Failure) {
    guard warned.insert(failure.code).inserted else { return }
    emit(.warning(code: failure.code, message: failure.message))
  }

  private func show(_ entry: Entry) {
    guard case .text(let text) = entry.body else { return }
    emit(
      .chat(
        ChatLine(
          id: entry.id, member: entry.author,
          name: roster.displayName(of: entry.author) ?? entry.author.description,
          text: DisplayText.lines(text),
          sent: entry.clock.shown(received: parts.clock.wallTime()),
          isOwn: entry.author == parts.me)))
  }

  func remember(_ record: MemberRecord) {
    Task { [history = parts.history, meeting = ticket.meeting, clock = parts.clock] in
      try? await history.remember(record, in: meeting, at: clock.wallTime())
    }
  }
}
