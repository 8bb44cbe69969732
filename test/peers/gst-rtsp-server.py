#!/usr/bin/python3
"""A third-party RTSP server (GStreamer's) that plays files in a loop, for tests and benchmarks.

    gst-rtsp-server.py --mount main=main.mp4 --mount sub=sub.mp4 [--port N] [--address IP]
                       [--user NAME --password-variable VAR] [--basic] [--shared] [--packet-ms N]

Each file is read once into memory as encoded access units and sent again and again without being
encoded again. Prints one JSON line {"port": N} when it answers, and ends when its standard input
closes, so that it cannot outlive the test that started it.
"""

import argparse
import json
import os
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtsp, GstRtspServer  # noqa: E402

Gst.init(None)

BRANCHES = {
    "video/x-h264": (
        "h264parse ! video/x-h264,stream-format=byte-stream,alignment=au",
        "rtph264pay name=pay{n} pt=96 config-interval=-1",
    ),
    "video/x-h265": (
        "h265parse ! video/x-h265,stream-format=byte-stream,alignment=au",
        "rtph265pay name=pay{n} pt=96 config-interval=-1",
    ),
    "image/jpeg": ("jpegparse", "rtpjpegpay name=pay{n} pt=26"),
    "audio/mpeg": (
        "aacparse ! audio/mpeg,stream-format=raw",
        "rtpmp4gpay name=pay{n} pt=97",
    ),
    "audio/x-mulaw": ("identity", "rtppcmupay name=pay{n} pt=0"),
    "audio/x-alaw": ("identity", "rtppcmapay name=pay{n} pt=8"),
}


class Track:
    """Caps and encoded access units of one track, and when the loop starts over."""

    def __init__(self, caps, kind):
        self.caps = caps
        self.kind = kind
        self.units = []


def read_tracks(path):
    """Every access unit of a file, by track. The file is demultiplexed, never decoded."""
    pipeline = Gst.Pipeline.new(None)
    source = Gst.ElementFactory.make("filesrc")
    source.set_property("location", path)
    demuxer = Gst.ElementFactory.make("qtdemux")
    pipeline.add(source)
    pipeline.add(demuxer)
    source.link(demuxer)
    tracks = []

    def pad_added(_demuxer, pad):
        kind = pad.get_current_caps().get_structure(0).get_name()
        if kind not in BRANCHES:
            return
        branch = Gst.parse_bin_from_description(
            BRANCHES[kind][0] + " ! appsink name=sink sync=false async=false max-buffers=0", True
        )
        track = Track(None, kind)
        tracks.append(track)
        sink = branch.get_by_name("sink")
        sink.set_property("emit-signals", True)

        def new_sample(_sink):
            sample = _sink.emit("pull-sample")
            track.caps = sample.get_caps()
            buffer = sample.get_buffer()
            track.units.append(
                (
                    buffer.extract_dup(0, buffer.get_size()),
                    buffer.pts,
                    buffer.dts,
                    buffer.duration,
                    buffer.has_flags(Gst.BufferFlags.DELTA_UNIT),
                )
            )
            return Gst.FlowReturn.OK

        sink.connect("new-sample", new_sample)
        pipeline.add(branch)
        branch.sync_state_with_parent()
        pad.link(branch.get_static_pad("sink"))

    demuxer.connect("pad-added", pad_added)
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(
        60 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR
    )
    pipeline.set_state(Gst.State.NULL)
    if message is None or message.type == Gst.MessageType.ERROR:
        raise SystemExit(f"Cannot read {path}: {message and message.parse_error()}")
    return sorted(tracks, key=lambda track: track.kind, reverse=True)


def cut_into_packets(track, packet_ms):
    """Telephone sound, one byte a sample, in pieces as a camera sends them."""
    data = b"".join(unit[0] for unit in track.units)
    rate = track.caps.get_structure(0).get_int("rate").value
    size = rate * packet_ms // 1000
    track.units = [
        (
            data[at : at + size],
            at * Gst.SECOND // rate,
            Gst.CLOCK_TIME_NONE,
            size * Gst.SECOND // rate,
            False,
        )
        for at in range(0, len(data) - size + 1, size)
    ]


def loop_length(tracks):
    """Nanoseconds after which every track starts over: the end of the video."""
    video = tracks[0].units
    return max(pts for _, pts, _, _, _ in video) + video[-1][3]


class Loop:
    """Feeds one `appsrc` of one client's (or one shared) pipeline."""

    def __init__(self, track, length):
        self.track = track
        self.length = length
        self.position = 0
        self.base = 0
        self.lock = threading.Lock()

    def need_data(self, source, _size):
        with self.lock:
            if self.position >= len(self.track.units):
                self.position = 0
                self.base += self.length
            data, pts, dts, duration, delta = self.track.units[self.position]
            self.position += 1
            if pts >= self.length:
                self.position = len(self.track.units)
            buffer = Gst.Buffer.new_wrapped(data)
            buffer.pts = pts + self.base
            if dts != Gst.CLOCK_TIME_NONE:
                buffer.dts = dts + self.base
            buffer.duration = duration
            if delta:
                buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
        source.emit("push-buffer", buffer)


class Factory(GstRtspServer.RTSPMediaFactory):
    """One mount."""

    def __init__(self, path, shared, packet_ms):
        super().__init__()
        self.tracks = read_tracks(path)
        for track in self.tracks:
            if track.kind in ("audio/x-mulaw", "audio/x-alaw"):
                cut_into_packets(track, packet_ms)
        if not self.tracks:
            raise SystemExit(f"Cannot serve {path}: no track that can be sent")
        self.length = loop_length(self.tracks)
        self.set_shared(shared)
        parts = []
        for number, track in enumerate(self.tracks):
            pay = BRANCHES[track.kind][1].format(n=number)
            parts.append(f"appsrc name=source{number} format=time max-bytes=400000 ! {pay}")
        self.set_launch("( " + " ".join(parts) + " )")
        self.connect("media-configure", self.configure)

    def configure(self, _factory, media):
        element = media.get_element()
        for number, track in enumerate(self.tracks):
            source = element.get_child_by_name(f"source{number}")
            source.set_property("caps", track.caps)
            source.connect("need-data", Loop(track, self.length).need_data)


def add_password(server, arguments):
    password = os.environ[arguments.password_variable]
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    if arguments.basic:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        basic = GstRtspServer.RTSPAuth.make_basic(arguments.user, password)
        auth.add_basic(basic, token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(arguments.user, password, token)
    server.set_auth(auth)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mount", action="append", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--user")
    parser.add_argument("--password-variable", default="RTSP_PASSWORD")
    parser.add_argument("--basic", action="store_true")
    parser.add_argument("--shared", action="store_true")
    parser.add_argument("--packet-ms", type=int, default=20)
    arguments = parser.parse_args()

    server = GstRtspServer.RTSPServer()
    server.set_address(arguments.address)
    server.set_service(str(arguments.port))
    if arguments.user:
        add_password(server, arguments)
    for mount in arguments.mount:
        name, path = mount.split("=", 1)
        factory = Factory(path, arguments.shared, arguments.packet_ms)
        # The role of the token that the password gives.
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        if arguments.user:
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory(f"/{name}", factory)
    loop = GLib.MainLoop()
    if server.attach(None) == 0:
        raise SystemExit("Cannot listen: the port is taken")

    def drop_idle_sessions():
        server.get_session_pool().cleanup()
        return True

    GLib.timeout_add_seconds(2, drop_idle_sessions)

    def end_with_parent():
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=end_with_parent, daemon=True).start()
    print(json.dumps({"port": server.get_bound_port()}), flush=True)
    loop.run()


if __name__ == "__main__":
    main()
