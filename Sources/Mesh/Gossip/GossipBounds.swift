/// The limits of ``Gossip``, each with its reason.
package struct GossipBounds: Sendable {
  // MARK: Links

  package var overlay = OverlayBounds()
  /// Members up to which all have links to all: as many as the active view holds then, and one.
  package var fullMesh = 9
  /// Memberships that a newcomer to a larger meeting is told at once; the others it grafts.
  package var told = 256

  // MARK: Finding out who is gone: within 3 s of a hang or a pulled cable, all told

  /// A link on which nothing was heard for this long is pinged: DESIGN's keep-alive.
  package var pingAfter = Duration.seconds(1)
  /// A link on which nothing was heard for this long makes its member suspect. One second for the
  /// pong leaves room for two retransmissions of TCP.
  package var suspectAfter = Duration.seconds(2)
  /// How long others have to vouch for a suspect.
  package var probeWindow = Duration.milliseconds(500)
  /// How long a member that was asked waits for the suspect's pong: as long as the most patient asker
  /// does. One that hears nothing answers nothing.
  package var vouchWindow = Duration.seconds(3)
  /// A pong younger than this answers for its member without another ping, so that nobody can make us
  /// flood a third.
  package var vouchAgainAfter = Duration.milliseconds(100)
  /// Neighbours that are asked about a suspect (SWIM's k; three leave one chance in a thousand of a
  /// false alarm where a tenth of the neighbours can't answer).
  package var probes = 3
  /// How often somebody who is reached through others only is asked for anew.
  package var probeAgainAfter = Duration.seconds(1)
  /// How long a dial holds up the finding that a member whose link broke is gone.
  package var dialGrace = Duration.seconds(1)
  /// Who comes this late to a deadline of its own is short of processor time, and so perhaps are others:
  /// longer than a busy computer's scheduler lets anybody wait.
  package var lateness = Duration.milliseconds(100)
  /// Who comes this late to a deadline of its own was asleep itself, and suspects nobody for what it
  /// didn't hear meanwhile (Lifeguard's local health).
  package var ownStall = Duration.milliseconds(500)

  // MARK: Finding out without links

  /// How often one member without a link is probed through others: in a meeting of 30, each is probed by
  /// some other every second.
  package var probePeriod = Duration.seconds(1)
  /// How much longer at most in a meeting of more than a hundred, where ways end and members are asked
  /// themselves: a handshake of some 3 kB.
  package var probePeriodFactor = 5.0
  /// Links that a probe may pass: the longest way in a tree of 10,000.
  package var probeHops: UInt32 = 12
  /// How long a suspect has for refuting, in a meeting of ten that all suspect it: some times what a
  /// broadcast takes there and back. It grows with the logarithm of the meeting.
  package var doubt = Duration.milliseconds(250)
  /// How much longer where only one member suspects (Lifeguard's β, 6 there, where suspicion waits for
  /// gossip by timer; here it is broadcast).
  package var doubtFactor = 3.0
  /// Accusers after whom more make no difference (Lifeguard's K + 1).
  package var accusers = 4
  /// How often we say that we are here, when suspected: within the shortest doubt.
  package var refuteAfter = Duration.milliseconds(250)
  /// How often a lost member whom others name is asked aloud whether it is here.
  package var contestAfter = Duration.seconds(5)

  // MARK: Dialling

  /// How long a member waits for a newcomer to dial before it dials the newcomer.
  package var newcomerDials = Duration.seconds(1)
  /// The same, of the member with the smaller identifier: where both take each other for the newcomer,
  /// one is prompt, and rarely both at once. Longer than a dial takes in a room.
  package var smallerDials = Duration.milliseconds(150)
  /// For how long after dialling somebody the members it names are taken to be here before us.
  package var newcomerFor = Duration.seconds(2)
  /// A dial without an answer for this long has failed.
  package var dialLimit = Duration.seconds(5)
  /// Missing members are dialled again after this long, and up to as long again by chance, so that not
  /// all dial at once. It doubles with each dial in a row that fails.
  package var redialAfter = Duration.seconds(1)
  /// How often it doubles: to 8 to 16 s. Where a part of five is cut off from five others, the first of 25
  /// pairs dials within a second still, and all the others follow by its word.
  package var redialDoublings = 3
  /// How often at most somebody's naming a lost member has it dialled as if nothing had been tried: in this
  /// time its dials get rare again, after four.
  package var hintAgainAfter = Duration.seconds(20)
  /// Dials at once, and a second for long, to members that were never reached and have one sponsor: more
  /// than an honest one brings to a meeting at once, and too few to hurt whomever their addresses name.
  package var dialBurst = 16.0
  package var dialsPerSecond = 1.0
  /// A link that ended sooner isn't dialled again at once: the other side may close each one.
  package var briefLink = Duration.seconds(1)
  /// How long a lost member is looked for.
  package var seekFor = Duration.seconds(600)
  /// Lost members that are looked for at once; the one lost first is given up for another.
  package var sought = 50
  /// How long a link that is given up for its double waits for the other side's goodbye.
  package var drainFor = Duration.seconds(2)

  // MARK: Memory

  /// Members known, here or not: the size of meeting that Virtue is made for. When full, those who left
  /// or were lost first are forgotten, then newcomers are refused.
  package var members = 10_000
  /// Bytes of broadcasts kept for neighbours that graft them.
  package var storedBytes = 8 << 20
  /// Strangers whose membership is being verified; more are refused and come round again with the next
  /// link.
  package var strangers = 256
  /// The same, of one neighbour's naming.
  package var strangersPerNeighbour = 128
  /// Envelopes held for one such stranger; later ones are dropped.
  package var heldPerStranger = 32
  /// Bytes held for all strangers together, and of one membership: a record and a chain of grants.
  package var heldBytes = 4 << 20
  package var membershipBytes = 16 << 10
  /// Links to one member at once: one, its double, and some that end. The first makes room.
  package var linksPerMember = 4
  /// How long a verification may take.
  package var strangerLife = Duration.seconds(5)
  /// Questions of others about suspects being answered; more are answered with no. In a meeting of 10,000
  /// a probe passes nine members, so that each passes nine on a second.
  package var vouches = 128

  // MARK: Floods

  /// What a neighbour may send for long: frames a second, each 16 KiB counting as one more; 8 MB/s of
  /// full frames.
  package var framesPerSecond = 500.0
  /// What it may send at once: the memberships of all members and the relayed chatter of a moment.
  package var frameBurst = 2000.0
  /// What is taken and passed on, counted in the same way, of what one member says, and of what all say
  /// that it answers for: whoever says more, over several links, would fill those between others up. Whoever
  /// pastes many lines says 256 a second.
  package var relaysPerSecond = 350.0
  package var relayBurst = 1000.0
  /// Bytes that count as one more of it, where it is said to everybody and kept: a hundred of the longest
  /// lines a second.
  package var relayUnit = 2048
  /// What a broadcast costs whoever grafts it, beside its bytes, as a part of a frame: a newcomer to a large
  /// meeting grafts thousands.
  package var graftShare = 0.25
  /// Walks of one neighbour's that are passed on a second, and at once: in a meeting of 10,000 of whom a
  /// tenth come and go each second, it is less than three.
  package var walksPerSecond = 32.0
  package var walkBurst = 128.0
  /// Members that one accuser may name at once, and a second for long, with an effect: more than an honest
  /// one finds gone by itself. More than that is named only of those who may be here again, by several.
  package var accusationBurst = 32.0
  package var accusationsPerSecond = 8.0
  /// How much more often whoever is named heeds it itself: it must not be silent where others doubt it
  /// because their count of the same accuser is another.
  package var heedFactor = 4.0
  /// Neighbours that a directed message is given to when no way to its recipient is known.
  package var flood = 8
  /// Neighbours that vouched for a member and are given what is directed to it.
  package var relays = 2
  /// How often one neighbour's misbehaviour is reported.
  package var complainAfter = Duration.seconds(1)

  package init() {}
}
