#!/usr/bin/python3
"""Notes every packet that leaves through one network interface, until standard input closes.

packets.py INTERFACE            prints "ready", and for each line it is sent one line of JSON: what
                                left since the one before, by protocol, address and ports, with the
                                names that were asked for
packets.py --resolver ADDRESS   answers every question for an IPv4 address with 192.0.2.53, and
                                prints for each line the names it was asked for since
"""
import json
import os
import select
import socket
import struct
import sys

ALL_PROTOCOLS = 0x0003
OUTGOING = 4
SOL_PACKET, PACKET_STATISTICS = 263, 6
KEPT_MAX = 10_000


def question(data):
    """The name of the first question of a DNS message."""
    labels, at = [], 12
    while at < len(data) and data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]].decode("ascii", "replace"))
        at += data[at] + 1
    return ".".join(labels)


def described(frame):
    """Protocol, address it goes to, own port, other port, name asked for."""
    kind = struct.unpack("!H", frame[12:14])[0]
    if kind == 0x0806:
        operation = struct.unpack("!H", frame[20:22])[0]
        return ("arp" if operation == 1 else "arp-reply", socket.inet_ntoa(frame[38:42]), 0, 0, "")
    if kind == 0x0800:
        length, protocol = (frame[14] & 15) * 4, frame[23]
        to, rest = socket.inet_ntoa(frame[30:34]), frame[14 + length :]
    elif kind == 0x86DD:
        protocol, rest = frame[20], frame[54:]
        to = socket.inet_ntop(socket.AF_INET6, frame[38:54])
        if protocol == 0 and len(rest) > 8:
            # Hop-by-hop options, as multicast listener reports have them.
            protocol, rest = rest[0], rest[8 + rest[1] * 8 :]
    else:
        return (f"ethertype-{kind:04x}", "", 0, 0, "")
    if protocol in (6, 17) and len(rest) >= 8:
        own, other = struct.unpack("!HH", rest[:4])
        name = question(rest[8:]) if protocol == 17 and other in (53, 5353) else ""
        return ("tcp" if protocol == 6 else "udp", to, own, other, name)
    if protocol == 58 and rest:
        return (f"icmp6-{rest[0]}", to, 0, 0, "")
    return (f"ip-{protocol}", to, 0, 0, "")


def until_closed(sock, take, say):
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([sock, sys.stdin], [], [])
        if sock in readable:
            take()
        elif not os.read(0, 4096):
            return
        else:
            print(json.dumps(say()), flush=True)


def capture(interface):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024 * 1024)
    sock.bind((interface, 0))
    flows, own = {}, {"unread": 0}

    def take():
        frame, address = sock.recvfrom(512)
        if address[2] != OUTGOING:
            return
        try:
            flow = described(frame)
        except (struct.error, IndexError):
            flow = ("unreadable", "", 0, 0, "")
        if flow in flows or len(flows) < KEPT_MAX:
            flows[flow] = flows.get(flow, 0) + 1
        else:
            own["unread"] += 1

    def say():
        # Nothing waits in the socket: it is read before a line is.
        _, dropped = struct.unpack("II", sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        names = ("protocol", "to", "ownPort", "otherPort", "name")
        rows = [{**dict(zip(names, flow)), "packets": count} for flow, count in flows.items()]
        lost = dropped + own["unread"]
        flows.clear()
        own["unread"] = 0
        return {"flows": rows, "lost": lost}

    until_closed(sock, take, say)


def resolve(address):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, 53))
    asked = []

    def take():
        data, peer = sock.recvfrom(1500)
        if len(asked) < KEPT_MAX:
            asked.append(question(data))
        end = data.index(b"\0", 12) + 5
        isIpv4 = data[end - 4 : end - 2] == b"\0\1"
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton("192.0.2.53")
        head = data[:2] + b"\x81\x80\0\1" + (b"\0\1" if isIpv4 else b"\0\0") + b"\0\0\0\0"
        sock.sendto(head + data[12:end] + (answer if isIpv4 else b""), peer)

    def say():
        names = asked.copy()
        asked.clear()
        return names

    until_closed(sock, take, say)


if __name__ == "__main__":
    if sys.argv[1] == "--resolver":
        resolve(sys.argv[2])
    else:
        capture(sys.argv[1])
