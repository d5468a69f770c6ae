"""Holds many SMTP sessions open at once and measures how long a reply takes.

    sessions.py HOST PORT COUNT
"""
import random
import selectors
import socket
import statistics
import sys
import time

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sessions = []
begun = time.monotonic()
for _ in range(count):
    session = socket.create_connection((host, port), timeout=30)
    session.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sessions.append(session)
for session in sessions:
    assert session.recv(512).startswith(b"220 "), "no greeting"
opened = time.monotonic() - begun

# As learners type: each waits for its reply; a thousand lines in a second, spread over all sessions.
selector = selectors.DefaultSelector()
for session in sessions:
    selector.register(session, selectors.EVENT_READ)
sent, took = {}, []
random.seed(1)
order = sessions * 3
random.shuffle(order)
start = time.monotonic()
for number, session in enumerate(order):
    due = start + number / 1000
    while True:
        wait = due - time.monotonic()
        for key, _ in selector.select(max(0.0, min(wait, 0.001))):
            reply = key.fileobj.recv(512)
            assert reply.startswith(b"250 "), reply
            took.append(time.monotonic() - sent.pop(key.fileobj))
        if wait <= 0:
            break
    if session not in sent:
        sent[session] = time.monotonic()
        session.sendall(b"NOOP\r\n")
deadline = time.monotonic() + 10
while sent and time.monotonic() < deadline:
    for key, _ in selector.select(0.1):
        key.fileobj.recv(512)
        took.append(time.monotonic() - sent.pop(key.fileobj))
assert not sent, f"{len(sent)} replies are missing"
took.sort()
print(f"{count} sessions opened in {opened:.1f} s; reply time: median {1e3 * statistics.median(took):.2f} ms, "
      f"99 % {1e3 * took[int(len(took) * 0.99)]:.2f} ms, longest {1e3 * took[-1]:.2f} ms")
