"""The other side of the call: aiortc, told what to do by lines of JSON on standard input.

Sends a clip (Y4M) and a tone, decodes what comes, and reports on it: which numbered pictures came,
how close they are to the clip that was sent, and the pitch of the sound. Uses loopback only.
"""

import argparse
import asyncio
import fractions
import json
import re
import sys
import time

import aioice.ice
import aiortc.codecs.vpx
import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.rtcdtlstransport import RTCDtlsTransport

RATE = 48_000
BLOCK = 960
MARKER_COLUMNS, MARKER_ROWS = 16, 6


class Clip:
    """A Y4M file of 4:2:0 pictures whose frame headers carry no parameters."""

    def __init__(self, path):
        with open(path, "rb") as file:
            header = file.readline().split()
            self.width = int(next(w[1:] for w in header if w[:1] == b"W"))
            self.height = int(next(w[1:] for w in header if w[:1] == b"H"))
            rate = next(w[1:] for w in header if w[:1] == b"F").split(b":")
            self.rate = int(rate[0]) / int(rate[1])
            size = self.width * self.height * 3 // 2
            self.frames = []
            while file.readline().startswith(b"FRAME"):
                data = np.frombuffer(file.read(size), np.uint8)
                self.frames.append(data.reshape(self.height * 3 // 2, self.width))

    def luma(self, number):
        return self.frames[number % len(self.frames)][: self.height]


def crc(data):
    """CRC-16/CCITT-FALSE."""
    total = 0xFFFF
    for byte in data:
        total ^= byte << 8
        for _ in range(8):
            total = (total << 1) ^ 0x1021 if total & 0x8000 else total << 1
            total &= 0xFFFF
    return total


def read_marker(luma):
    """The number in the squares of the upper left corner; None where its checksum is wrong."""
    side = max(luma.shape[1] // 80, 8)
    corner = luma[: MARKER_ROWS * side, : MARKER_COLUMNS * side].astype(np.float32)
    squares = corner.reshape(MARKER_ROWS, side, MARKER_COLUMNS, side)
    quarter = side // 4
    inner = squares[:, quarter : side - quarter, :, quarter : side - quarter]
    bits = (inner.mean(axis=(1, 3)) > 126).astype(np.uint8).ravel()
    data = bytes(np.packbits(bits))
    if crc(data[:10]) != int.from_bytes(data[10:12], "big"):
        return None
    return int.from_bytes(data[:4], "big")


def psnr(first, second):
    error = np.mean((first.astype(np.float64) - second.astype(np.float64)) ** 2)
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def pitch(samples):
    """The strongest frequency in hertz, and its part of the whole power."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    top = int(np.argmax(spectrum[1:-1])) + 1
    low, middle, high = np.log(spectrum[top - 1 : top + 2] + 1e-9)
    offset = (low - high) / (2 * (low - 2 * middle + high))
    power = spectrum**2
    purity = float(power[max(top - 3, 0) : top + 4].sum() / (power.sum() + 1e-9))
    return (top + offset) * RATE / len(samples), purity


class Pace:
    """Moments a fixed time apart; one who is late doesn't sleep."""

    def __init__(self, rate):
        self.rate, self.start, self.count = rate, None, 0

    async def next(self):
        now = time.monotonic()
        self.start = self.start or now
        delay = self.start + self.count / self.rate - now
        self.count += 1
        if delay > 0:
            await asyncio.sleep(delay)


class Pictures(MediaStreamTrack):
    kind = "video"

    def __init__(self, clip):
        super().__init__()
        self.clip, self.pace, self.sent = clip, Pace(clip.rate), 0

    async def recv(self):
        await self.pace.next()
        frame = av.VideoFrame.from_ndarray(
            self.clip.frames[self.sent % len(self.clip.frames)], format="yuv420p"
        )
        frame.time_base = fractions.Fraction(1, 90_000)
        frame.pts = int(self.sent * 90_000 / self.clip.rate)
        self.sent += 1
        return frame


class Tone(MediaStreamTrack):
    kind = "audio"

    def __init__(self, frequency):
        super().__init__()
        self.frequency, self.pace, self.sent = frequency, Pace(RATE / BLOCK), 0

    async def recv(self):
        await self.pace.next()
        times = np.arange(self.sent * BLOCK, (self.sent + 1) * BLOCK) / RATE
        samples = (6000 * np.sin(2 * np.pi * self.frequency * times)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        frame.time_base = fractions.Fraction(1, RATE)
        frame.pts = self.sent * BLOCK
        self.sent += 1
        return frame


class Reception:
    """What came since the last reset."""

    # Comparing every picture would cost this process more than decoding it.
    COMPARE_EVERY = 7

    def __init__(self, clip):
        self.clip = clip
        self.sound = []
        self.reset()

    def reset(self):
        self.since = time.monotonic()
        self.frames = self.unreadable = self.backward = self.skipped = 0
        self.last = None
        self.ratios = []
        self.size = None

    def picture(self, frame):
        self.frames += 1
        self.size = [frame.width, frame.height]
        luma = frame.to_ndarray(format="yuv420p")[: frame.height]
        number = read_marker(luma)
        if number is None:
            self.unreadable += 1
            return
        if self.last is not None:
            step = (number - self.last) % len(self.clip.frames)
            if step == 0 or step > len(self.clip.frames) // 2:
                self.backward += 1
            else:
                self.skipped += step - 1
        self.last = number
        if self.frames % self.COMPARE_EVERY == 0:
            self.ratios.append(psnr(luma, self.clip.luma(number)))

    def block(self, frame):
        samples = frame.to_ndarray().ravel()[:: len(frame.layout.channels)]
        self.sound.append(samples)
        self.sound = self.sound[-100:]

    def report(self):
        seconds = time.monotonic() - self.since
        samples = np.concatenate(self.sound) if self.sound else np.zeros(BLOCK)
        frequency, purity = pitch(samples) if len(samples) >= RATE else (0.0, 0.0)
        return {
            "seconds": seconds,
            "frames": self.frames,
            "framesPerSecond": self.frames / seconds,
            "unreadable": self.unreadable,
            "backward": self.backward,
            "skipped": self.skipped,
            "width": self.size[0] if self.size else 0,
            "height": self.size[1] if self.size else 0,
            "leastPSNR": min(self.ratios, default=0.0),
            "meanPSNR": sum(self.ratios) / len(self.ratios) if self.ratios else 0.0,
            "pitch": frequency,
            "purity": purity,
        }


class Loss:
    """Loses every n-th picture packet each way, once: what is sent again gets through."""

    def __init__(self, every):
        self.every = every
        self.payload_types = set()
        self.seen = {"in": set(), "out": set()}
        self.lost = {"in": 0, "out": 0}
        if every:
            self.install()

    def learn(self, sdp):
        self.payload_types |= {int(n) for n in re.findall(r"a=rtpmap:(\d+) VP8/", sdp)}

    def takes(self, way, data):
        if len(data) < 12 or data[1] & 0x7F not in self.payload_types:
            return False
        key = data[2:4] + data[8:12]
        if key in self.seen[way]:
            return False
        self.seen[way].add(key)
        if len(self.seen[way]) % self.every:
            return False
        self.lost[way] += 1
        return True

    def install(self):
        # Before SRTP, which would take the repeat of a packet it has seen for a replay.
        receive, send = aioice.ice.Connection.recv, RTCDtlsTransport._send_rtp

        async def lossy_receive(connection):
            while True:
                data = await receive(connection)
                if not self.takes("in", data):
                    return data

        async def lossy_send(transport, data):
            if not self.takes("out", data):
                await send(transport, data)

        aioice.ice.Connection.recv = lossy_receive
        RTCDtlsTransport._send_rtp = lossy_send


class Peer:
    def __init__(self, options):
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pictures = Pictures(Clip(options.clip))
        self.tone = Tone(options.tone)
        self.reception = Reception(Clip(options.expected))
        self.loss = Loss(options.lose_every)
        self.connected = asyncio.Event()
        self.sinks = []
        self.connection.on("track", self.watch)
        self.connection.on("connectionstatechange", self.state_changed)

    def state_changed(self):
        if self.connection.connectionState == "connected":
            self.connected.set()

    def watch(self, track):
        self.sinks.append(asyncio.ensure_future(self.take(track)))

    async def take(self, track):
        accept = (
            self.reception.picture if track.kind == "video" else self.reception.block
        )
        try:
            while True:
                accept(await track.recv())
        except aiortc.mediastreams.MediaStreamError:
            pass

    def describe(self):
        sdp = self.connection.localDescription.sdp
        self.loss.learn(sdp)
        return {"sdp": sdp}

    async def offer(self, _):
        self.connection.addTrack(self.tone)
        self.connection.addTrack(self.pictures)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.describe()

    async def answer(self, message):
        await self.connection.setRemoteDescription(
            RTCSessionDescription(message["sdp"], "offer")
        )
        self.connection.addTrack(self.tone)
        self.connection.addTrack(self.pictures)
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return self.describe()

    async def accept(self, message):
        await self.connection.setRemoteDescription(
            RTCSessionDescription(message["sdp"], "answer")
        )
        return {}

    async def connect(self, _):
        await self.connected.wait()
        return {}

    async def reset(self, _):
        self.reception.reset()
        self.sent_before = self.pictures.sent
        return {}

    async def keyframe(self, _):
        """Sends a picture loss indication."""
        for receiver in self.connection.getReceivers():
            if receiver.track.kind == "video":
                for source in receiver.getSynchronizationSources():
                    await receiver._send_rtcp_pli(source.source)
        return {}

    async def report(self, _):
        statistics = await self.connection.getStats()
        transport = self.connection.getSenders()[0].transport
        profile = transport._ssl.get_selected_srtp_profile()
        return self.reception.report() | {
            "sentFrames": self.pictures.sent - self.sent_before,
            "lostIn": self.loss.lost["in"],
            "lostOut": self.loss.lost["out"],
            "packetsReceived": sum(
                s.packetsReceived
                for s in statistics.values()
                if s.type == "inbound-rtp"
            ),
            "dtls": transport.state,
            "srtpProfile": profile.decode(),
        }

    async def run(self):
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=1 << 20)
        await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        commands = {
            name: getattr(self, name)
            for name in (
                "offer",
                "answer",
                "accept",
                "connect",
                "reset",
                "keyframe",
                "report",
            )
        }
        while line := await reader.readline():
            message = json.loads(line)
            try:
                reply = await commands[message["command"]](message)
            except Exception as error:
                reply = {"error": repr(error)}
            print(json.dumps(reply), flush=True)
        await self.connection.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--clip", required=True, help="what is sent")
    parser.add_argument("--expected", required=True, help="what the other side sends")
    parser.add_argument("--tone", type=float, required=True, help="hertz")
    parser.add_argument("--lose-every", type=int, default=0, help="0: no loss")
    options = parser.parse_args()
    # aioice leaves loopback out, the only interface that these tests may use.
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    aiortc.codecs.vpx.DEFAULT_BITRATE = 1_000_000

    async def run():
        await Peer(options).run()

    asyncio.run(run())


main()
