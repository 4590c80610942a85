#!/usr/bin/env python3
"""A slow link between two network namespaces, for benchmarks on machines whose kernel has no emulator of its own.

    link.py NAMESPACE NAMESPACE BITS_PER_SECOND DELAY_MS LOSS_PERMILLE

Carries IP packets between a TUN device in each namespace: 192.0.2.1 in the first, 192.0.2.2 in the second. Each direction has
the rate, the delay, a queue of 250 ms that drops what does not fit, and random loss from a
fixed seed. Says `ready` when both devices are up, and runs until it is killed. Needs root and /dev/net/tun.
"""
import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time

QUEUE_SECONDS = 0.25
TUNSETIFF, IFF_TUN, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 0x0001, 0x1000, 0x40000000


def device(namespace, name, address, peer):
    """A TUN device in a namespace. This process stays there until the next call."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/var/run/netns/{namespace}") as handle:
        if libc.setns(handle.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    for words in (
        ["link", "set", "lo", "up"],
        ["addr", "add", address, "peer", peer, "dev", name],
        ["link", "set", name, "mtu", "1500", "txqueuelen", "2000", "up"],
    ):
        subprocess.run(["ip", *words], check=True)
    return tun


class Direction:
    def __init__(self, source, sink, rate, delay, loss, seed):
        self.source, self.sink, self.rate, self.delay, self.loss = source, sink, rate, delay, loss
        self.random = random.Random(seed)
        self.free_at = 0.0
        self.under_way = []
        self.number = 0

    def take(self, now):
        """Takes what waits at the entrance."""
        while True:
            try:
                packet = os.read(self.source, 2048)
            except BlockingIOError:
                return
            self.free_at = max(self.free_at, now)
            if self.free_at - now > QUEUE_SECONDS or self.random.random() < self.loss:
                continue
            self.free_at += len(packet) * 8 / self.rate
            self.number += 1
            heapq.heappush(self.under_way, (self.free_at + self.delay, self.number, packet))

    def give(self, now):
        """Gives out what is due; says how long until the next is."""
        while self.under_way and self.under_way[0][0] <= now:
            packet = heapq.heappop(self.under_way)[2]
            try:
                os.write(self.sink, packet)
            except OSError:
                pass  # A full or absent receiver loses packets, as on any link.
        return self.under_way[0][0] - now if self.under_way else 1.0


def main():
    one, other, rate, delay, loss = sys.argv[1:6]
    rate, delay, loss = float(rate), float(delay) / 1000, float(loss) / 1000
    near = device(one, "slow0", "192.0.2.1", "192.0.2.2")
    far = device(other, "slow1", "192.0.2.2", "192.0.2.1")
    ways = [Direction(near, far, rate, delay, loss, 1), Direction(far, near, rate, delay, loss, 2)]
    print("ready", flush=True)
    wait = 1.0
    while True:
        select.select([near, far], [], [], max(0.0, wait))
        for way in ways:
            way.take(time.monotonic())
        now = time.monotonic()
        wait = min(way.give(now) for way in ways)


main()
