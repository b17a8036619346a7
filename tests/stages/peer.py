"""A process that speaks to a session's endpoint as a worker would: honestly, or not. Run by test_identity.

It reads one JSON object on stdin: endpoint, public, secret, server (empty keys: no CURVE at all), lock (a path to
hold, or empty), messages (texts to send). It prints "locked" once it has the lock, each message that it gets,
and ends when stdin says so or after its deadline.
"""

import fcntl
import json
import os
import sys
import time

import zmq

DEADLINE_S = 20.0


def main() -> None:
    told = json.loads(sys.stdin.readline())
    if told["lock"]:
        fd = os.open(told["lock"], os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        print("locked", flush=True)
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    if told["secret"]:
        socket.curve_publickey = told["public"].encode()
        socket.curve_secretkey = told["secret"].encode()
        socket.curve_serverkey = told["server"].encode()
    socket.connect(told["endpoint"])
    for message in told["messages"]:
        socket.send(message.encode(), zmq.NOBLOCK)
    serve(socket)
    context.destroy(linger=0)


def serve(socket: "zmq.Socket[bytes]") -> None:
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    poller.register(sys.stdin, zmq.POLLIN)
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        ready = dict(poller.poll(100))
        if socket in ready:
            print(socket.recv().decode(), flush=True)
        if sys.stdin.fileno() in ready:
            line = sys.stdin.readline().strip()
            if not line:
                return
            socket.send(line.encode(), zmq.NOBLOCK)


if __name__ == "__main__":
    main()
