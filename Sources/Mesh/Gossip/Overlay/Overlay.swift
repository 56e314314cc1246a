package import Foundations

/// What neighbours say to each other: one message of the overlay's protocols.
package enum OverlayMessage: Hashable, Sendable {
  case view(HyParViewMessage)
  case tree(PlumtreeMessage)
}

/// The limits of ``Overlay``.
package struct OverlayBounds: Sendable {
  package var view = HyParViewBounds()
  package var tree = PlumtreeBounds()

  package init() {}
}

/// Neighbours, and broadcasts over them: ``HyParView`` below ``Plumtree``.
///
/// Names stand for broadcasts here. The driver keeps what they name, verifies it before it counts, and
/// knows a copy by more than the recent names.
package struct Overlay: Machine {
  package enum Input: Sendable {
    case view(HyParView.Input)
    /// One of our own.
    case broadcast(MessageID)
    /// A message about broadcasts; `isNew` when a push was never taken before.
    case received(PlumtreeMessage, from: PeerID, isNew: Bool)
  }

  package enum Output: Sendable {
    case link(PeerID)
    case unlink(PeerID)
    case send(OverlayMessage, to: PeerID)
    case seek(Int)
    case neighborUp(PeerID)
    case neighborDown(PeerID)
    case recall(MessageID, for: PeerID)
  }

  package private(set) var view: HyParView
  package private(set) var tree: Plumtree
  /// Whether everybody is everybody's neighbour.
  package var isFullMesh: Bool {
    get { tree.refloods }
    set { tree.refloods = newValue }
  }
  private var viewOutputs: [HyParView.Output] = []
  private var treeOutputs: [Plumtree.Output] = []

  package init(
    me: PeerID, capacity: Int, seed: UInt64, bounds: OverlayBounds = .init()
  ) {
    view = HyParView(me: me, capacity: capacity, seed: seed, bounds: bounds.view)
    tree = Plumtree(bounds: bounds.tree)
  }

  package var deadline: Moment? {
    switch (view.deadline, tree.deadline) {
    case (let one?, let other?): min(one, other)
    case (let one, let other): one ?? other
    }
  }

  package mutating func handle(_ input: Input, at now: Moment, into outputs: inout [Output]) {
    switch input {
    case .view(let input):
      view.expendable = tree.expendable
      view.handle(input, at: now, into: &viewOutputs)
      carryOutView(at: now, into: &outputs)
    case .broadcast(let message): drive(.broadcast(message), at: now, into: &outputs)
    case .received(let message, let peer, let isNew):
      switch message {
      case .push(let announcement):
        drive(
          isNew ? .push(announcement, from: peer) : .copy(announcement, from: peer), at: now,
          into: &outputs)
      case .iHave(let announcements):
        drive(.iHave(announcements, from: peer), at: now, into: &outputs)
      case .graft(let messages): drive(.graft(messages, from: peer), at: now, into: &outputs)
      case .prune: drive(.prune(from: peer), at: now, into: &outputs)
      }
    }
  }

  package mutating func wake(at now: Moment, into outputs: inout [Output]) {
    view.expendable = tree.expendable
    view.wake(at: now, into: &viewOutputs)
    carryOutView(at: now, into: &outputs)
    tree.wake(at: now, into: &treeOutputs)
    carryOutTree(into: &outputs)
  }

  private mutating func drive(
    _ input: Plumtree.Input, at now: Moment, into outputs: inout [Output]
  ) {
    tree.handle(input, at: now, into: &treeOutputs)
    carryOutTree(into: &outputs)
  }

  private mutating func carryOutView(at now: Moment, into outputs: inout [Output]) {
    for output in viewOutputs {
      switch output {
      case .link(let peer): outputs.append(.link(peer))
      case .send(let message, let peer): outputs.append(.send(.view(message), to: peer))
      case .unlink(let peer): outputs.append(.unlink(peer))
      case .neighborUp(let peer):
        outputs.append(.neighborUp(peer))
        drive(.neighborUp(peer), at: now, into: &outputs)
      case .neighborDown(let peer):
        outputs.append(.neighborDown(peer))
        drive(.neighborDown(peer), at: now, into: &outputs)
      case .seek(let count): outputs.append(.seek(count))
      }
    }
    viewOutputs.removeAll(keepingCapacity: true)
  }

  private mutating func carryOutTree(into outputs: inout [Output]) {
    for output in treeOutputs {
      switch output {
      case .send(let message, let peer): outputs.append(.send(.tree(message), to: peer))
      case .recall(let message, let peer): outputs.append(.recall(message, for: peer))
      }
    }
    treeOutputs.removeAll(keepingCapacity: true)
  }
}
