import Foundations
import Testing

@testable import RTP

@Suite("Loss repair")
struct LossRepairTests {
  private let trip = Duration.milliseconds(20)

  @Test("waits a little for packets that are only out of order")
  func patience() {
    var repair = LossRepair()
    #expect(repair.notice(10..<11, revealedBy: 11, at: .zero) == true)
    #expect(repair.requests(at: .milliseconds(5), roundTrip: trip) == [])
    #expect(repair.deadline(roundTrip: trip) == .milliseconds(10))
    #expect(repair.requests(at: .milliseconds(10), roundTrip: trip) == [SequenceNumber(10)])
  }

  @Test("asks at once when three newer packets have come")
  func outrun() {
    var repair = LossRepair()
    _ = repair.notice(10..<11, revealedBy: 11, at: .zero)
    _ = repair.notice(12..<12, revealedBy: 12, at: .zero)
    #expect(repair.requests(at: .zero, roundTrip: trip).isEmpty)
    _ = repair.notice(13..<13, revealedBy: 13, at: .zero)
    #expect(repair.requests(at: .zero, roundTrip: trip) == [SequenceNumber(10)])
  }

  @Test("asks again each round trip and a half, at most ten times, and then gives up")
  func tries() {
    var repair = LossRepair()
    _ = repair.notice(65_536..<65_537, revealedBy: 65_537, at: .zero)
    var asked: [Double] = []
    var givenUp: Double?
    for time in stride(from: 0.0, to: 400, by: 1) {
      if repair.giveUp(at: .milliseconds(time), roundTrip: trip) != nil { givenUp = time }
      let requests = repair.requests(at: .milliseconds(time), roundTrip: trip)
      #expect(requests.allSatisfy { $0 == SequenceNumber(0) })
      if !requests.isEmpty { asked.append(time) }
    }
    #expect(asked == [10, 40, 70, 100, 130])
    #expect(givenUp == 150)
    #expect(repair.isEmpty)
    #expect(repair.deadline(roundTrip: trip) == nil)
  }

  @Test("forgets a packet when it arrives")
  func arrived() {
    var repair = LossRepair()
    _ = repair.notice(10..<14, revealedBy: 14, at: .zero)
    #expect(repair.arrived(11) == false)
    #expect(repair.arrived(99) == false)
    #expect(
      repair.requests(at: .milliseconds(10), roundTrip: trip).map(\.rawValue) == [10, 12, 13])
    #expect(repair.arrived(12) == true)
    repair.forget(before: 13)
    #expect(repair.count == 1)
    #expect(repair.giveUp(at: .seconds(1), roundTrip: trip) == 13)
  }

  @Test("holds no more than its bound, and asks for no more than fits one packet")
  func bounds() {
    var repair = LossRepair()
    #expect(repair.notice(0..<512, revealedBy: 512, at: .zero) == true)
    #expect(repair.requests(at: .milliseconds(10), roundTrip: trip).count == 128)
    #expect(repair.requests(at: .milliseconds(10), roundTrip: trip).first == SequenceNumber(128))
    #expect(repair.notice(513..<514, revealedBy: 514, at: .zero) == false)
    #expect(repair.isEmpty)
  }
}

@Suite("A keyframe requester")
struct KeyframeRequesterTests {
  @Test("asks at once, and again after 300 ms until it is satisfied")
  func repeats() {
    var requester = KeyframeRequester()
    requester.heard(at: .zero)
    requester.need(at: .zero)
    #expect(requester.poll(at: .zero) == true)
    #expect(requester.poll(at: .milliseconds(299)) == false)
    #expect(requester.poll(at: .milliseconds(300)) == true)
    requester.satisfied()
    #expect(requester.deadline == nil)
    requester.need(at: .milliseconds(400))
    #expect(requester.poll(at: .milliseconds(599)) == false)
    #expect(requester.poll(at: .milliseconds(600)) == true)
  }

  @Test("stops asking a stream that has fallen silent")
  func silent() {
    var requester = KeyframeRequester()
    requester.heard(at: .zero)
    requester.need(at: .zero)
    var asked = 0
    for time in 0..<10_000 where requester.poll(at: .milliseconds(Double(time))) { asked += 1 }
    #expect(asked == 7)
    requester.heard(at: .seconds(10))
    #expect(requester.poll(at: .seconds(10)) == true)
  }

  @Test("asked by somebody who watches goes on until a keyframe comes, not just any picture")
  func insisted() {
    var requester = KeyframeRequester()
    requester.askNow(at: .zero)
    #expect(requester.poll(at: .zero) == true)
    requester.recovered()
    #expect(requester.poll(at: .milliseconds(300)) == true)
    requester.satisfied()
    #expect(requester.deadline == nil)
  }
}
