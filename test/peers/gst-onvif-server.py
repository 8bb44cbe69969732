#!/usr/bin/python3
"""A third-party ONVIF camera (GStreamer's RTSP server) that shows a picture and takes sound.

    gst-onvif-server.py --mount door=PCMU --mount gate=PCMA --mount plain=none [--port N]
                        [--user NAME --password-variable VAR]

Prints JSON lines: first {"port": N}, then what clients ask for ("describe", "setup", "play",
"teardown", "closed", and whether the client is one that talks) and every packet of sound that arrives:
{"event": "packet", "mount", "sequence", "timestamp", "marker", "payloadType", "bytes" (base64)}.
Ends when its standard input closes.
"""

import argparse
import base64
import itertools
import json
import os
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtp", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtp, GstRtsp, GstRtspServer  # noqa: E402

Gst.init(None)

PICTURE = (
    "videotestsrc is-live=true pattern=ball ! video/x-raw,width=160,height=90,framerate=10/1"
    " ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=200 key-int-max=10"
    " ! video/x-h264,profile=baseline ! rtph264pay name=pay0 pt=96 config-interval=-1"
)
SOUND = {
    "PCMU": (0, "audio/x-mulaw"),
    "PCMA": (8, "audio/x-alaw"),
    "OPUS": (97, "audio/x-opus"),
}
DEPAYLOADERS = {"PCMU": "rtppcmudepay", "PCMA": "rtppcmadepay", "OPUS": "rtpopusdepay"}
RATES = {"PCMU": 8000, "PCMA": 8000, "OPUS": 48000}
lock = threading.Lock()


def tell(**event):
    with lock:
        print(json.dumps(event), flush=True)


class Factory(GstRtspServer.RTSPOnvifMediaFactory):
    """One mount: a picture, and where its name says so, a way to send it sound."""

    def __init__(self, name, encoding):
        super().__init__()
        self.name = name
        self.set_launch(f"( {PICTURE} )")
        self.set_media_gtype(GstRtspServer.RTSPOnvifMedia.__gtype__)
        # What arrives is told at once: the tests count packets, and nobody listens.
        self.set_latency(0)
        if encoding in SOUND:
            payload_type, _ = SOUND[encoding]
            caps = (
                "application/x-rtp,media=audio,"
                f"payload={payload_type},clock-rate={RATES[encoding]},encoding-name={encoding}"
            )
            self.set_backchannel_launch(
                f"( capsfilter caps=\"{caps}\" name=depay_backchannel"
                f" ! {DEPAYLOADERS[encoding]} ! fakesink async=false sync=false )"
            )
        self.connect("media-configure", self.configure)

    def configure(self, _factory, media):
        GLib.timeout_add(20, wake_sources, media)
        taker = media.get_element().get_by_name("depay_backchannel")
        if taker is None:
            return
        pad = taker.get_static_pad("src")
        pad.add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST, self.took)

    def took(self, _pad, info):
        buffers = [info.get_buffer()]
        if info.get_buffer() is None:
            found = info.get_buffer_list()
            buffers = [found.get(index) for index in range(found.length())]
        for buffer in buffers:
            _, packet = GstRtp.RTPBuffer.map(buffer, Gst.MapFlags.READ)
            header = {
                "sequence": packet.get_seq(),
                "timestamp": packet.get_timestamp(),
                "marker": packet.get_marker(),
                "payloadType": packet.get_payload_type(),
            }
            payload = packet.get_payload_buffer()
            packet.unmap()
            data = payload.extract_dup(0, payload.get_size())
            tell(event="packet", mount=self.name, bytes=base64.b64encode(data).decode(), **header)
        return Gst.PadProbeReturn.OK


def wake_sources(media):
    """Starts what hands packets to the pipeline where GStreamer 1.22 forgets to.

    It adds that source while the pipeline is on its way to playing, and now and then (about one time
    in six on a busy machine) never tells it so: its packets queue up and go nowhere.
    """
    pipeline = media.get_element().get_parent()
    if pipeline is None or media.get_status() == GstRtspServer.RTSPMediaStatus.UNPREPARED:
        return pipeline is not None
    if pipeline.current_state == Gst.State.PLAYING:
        for child in pipeline.children:
            is_idle = child.current_state < Gst.State.PLAYING
            if child.get_factory().get_name() == "appsrc" and is_idle:
                child.sync_state_with_parent()
    return True


def add_password(server, arguments):
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.add_digest(arguments.user, os.environ[arguments.password_variable], token)
    server.set_auth(auth)


def watch(server):
    talkers = {}
    numbers = itertools.count()

    def connected(_server, client):
        number = next(numbers)
        talkers[number] = False

        def asked(_client, context, what):
            found, value = context.request.get_header(GstRtsp.RTSPHeaderField.REQUIRE, 0)
            if found == GstRtsp.RTSPResult.OK and value == "www.onvif.org/ver20/backchannel":
                talkers[number] = True
            tell(event=what, talks=talkers[number])

        def closed(_client):
            talks = talkers.pop(number)
            tell(event="closed", talks=talks, talkers=sum(talkers.values()))

        client.connect("closed", closed)
        for name in ("describe", "setup", "play", "teardown"):
            client.connect(f"{name}-request", asked, name)

    server.connect("client-connected", connected)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mount", action="append", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user")
    parser.add_argument("--password-variable", default="RTSP_PASSWORD")
    arguments = parser.parse_args()

    server = GstRtspServer.RTSPOnvifServer()
    server.set_address("127.0.0.1")
    server.set_service(str(arguments.port))
    if arguments.user:
        add_password(server, arguments)
    for mount in arguments.mount:
        name, encoding = mount.split("=", 1)
        factory = Factory(name, encoding)
        if arguments.user:
            permissions = GstRtspServer.RTSPPermissions()
            permissions.add_permission_for_role("viewer", "media.factory.access", True)
            permissions.add_permission_for_role("viewer", "media.factory.construct", True)
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory(f"/{name}", factory)
    watch(server)
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
    tell(port=server.get_bound_port())
    loop.run()


if __name__ == "__main__":
    main()
