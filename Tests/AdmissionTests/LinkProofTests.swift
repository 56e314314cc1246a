import Foundation
import Foundations
import SwiftProtobuf
import Testing
import Wire

@testable import Admission

@Suite("The proof that opens a link")
struct LinkProofTests {
  private let genesis = [UInt8](repeating: 1, count: 32)
  private let ada = [UInt8](repeating: 2, count: 32)
  private let ben = [UInt8](repeating: 3, count: 32)
  private let eve = [UInt8](repeating: 4, count: 32)

  private func proof(_ genesis: [UInt8], _ initiator: [UInt8], _ responder: [UInt8]) -> LinkProof {
    LinkProof(genesisKey: genesis, initiator: initiator, responder: responder)
  }

  @Test("Two who know the meeting open a link to each other")
  func opens() throws {
    let (here, there) = (proof(genesis, ada, ben), proof(genesis, ada, ben))
    let opening = here.opening(secrets: .seeded(1))
    let opened = try #require(there.answer(to: opening))
    #expect(here.accepts(opened, after: opening))
  }

  @Test("Another meeting, another certificate at either end, or a reflected proof opens none")
  func refuses() throws {
    let here = proof(genesis, ada, ben)
    let opening = here.opening(secrets: .seeded(1))
    #expect(proof([UInt8](repeating: 9, count: 32), ada, ben).answer(to: opening) == nil)
    // Passed on by somebody between the two, over streams of its own.
    #expect(proof(genesis, eve, ben).answer(to: opening) == nil)
    #expect(proof(genesis, ada, eve).answer(to: opening) == nil)
    #expect(!here.accepts(.with { $0.proof = opening.proof }, after: opening))
    let opened = try #require(here.answer(to: opening))
    #expect(!here.accepts(opened, after: here.opening(secrets: .seeded(2))))
  }

  @Test("Fields of a wrong length are refused")
  func bounds() {
    let here = proof(genesis, ada, ben)
    var opening = here.opening(secrets: .seeded(1))
    opening.nonce.append(0)
    #expect(here.answer(to: opening) == nil)
    #expect(here.answer(to: WireLinkOpening()) == nil)
    #expect(!here.accepts(WireLinkOpened(), after: opening))
  }
}
