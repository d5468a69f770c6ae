"""Attacks `mxlab serve practice` in every way at once, while somebody works in peace.

    attack.py PID
"""
import os
import random
import socket
import struct
import sys
import threading
import time

PID = int(sys.argv[1])
HOST = "127.0.0.1"
# Whether somebody is served is asked here, not how fast: the machine may be slow.
PATIENCE = 120
random.seed(7)
noise = random.randbytes(65536)
over = threading.Event()
problems = []


def connect(port, timeout=5):
    return socket.create_connection((HOST, port), timeout=timeout)


def reply(client):
    text = b""
    while not (text.endswith(b"\r\n") and text.split(b"\r\n")[-2][3:4] == b" "):
        chunk = client.recv(4096)
        if not chunk:
            raise OSError("the server hung up")
        text += chunk
    return text


def rss():
    with open(f"/proc/{PID}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) // 1024


def innocent():
    """A session that was there before, and the replies that it gets."""
    client = connect(2525, PATIENCE)
    client.settimeout(PATIENCE)
    assert reply(client).startswith(b"220 ")
    slowest = 0.0
    while not over.is_set():
        begun = time.monotonic()
        client.sendall(b"NOOP\r\n")
        if not reply(client).startswith(b"250 "):
            problems.append("the innocent session got a wrong reply")
            return
        slowest = max(slowest, time.monotonic() - begun)
        time.sleep(0.25)
    print(f"safety: the innocent session's slowest reply took {slowest:.2f} s", flush=True)
    # Postfix allows a hundred useless commands (smtpd_junk_command_limit); these were NOOPs.
    client.sendall(b"RSET\r\nVRFY the-last-second\r\n")
    reply(client)


def attack(attacker):
    def run():
        while not over.is_set():
            try:
                attacker()
            except OSError:
                time.sleep(0.02)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def flood():
    with connect(2526) as client:
        client.sendall(b"NOOP\r\n" * 20000)


def endless_line():
    with connect(2526) as client:
        for _ in range(64):
            client.sendall(b"A" * 65536)


def slow():
    with connect(2526) as client:
        for octet in b"EHLO " + b"x" * 40:
            client.sendall(bytes([octet]))
            time.sleep(0.1)


def garbage():
    for port in (2526, 1110, 1143, 5587):
        with connect(port) as client:
            client.sendall(noise)


def tls_garbage():
    with connect(4465) as client:
        client.sendall(b"\x16\x03\x01\x40\x00" + noise[:16000])
    with connect(2526) as client:
        client.sendall(b"EHLO a.example\r\nSTARTTLS\r\n")
        client.recv(1000)
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + noise[:505])
    with connect(1993) as client:
        client.sendall(b"\x16\x03\x01\xff\xff" + noise)


def dns_garbage():
    asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(200):
        start = random.randrange(60000)
        asker.sendto(noise[start:start + random.randrange(600)], (HOST, 5300))
    with connect(5300) as client:
        client.sendall(b"\xff\xff" + noise[:1000])
        client.sendall(struct.pack(">H", 12) + noise[:12] + b"\x00\x01x")
    time.sleep(0.05)


def half_open():
    clients = [connect(port) for port in (2526, 1110, 1143, 4465) for _ in range(5)]
    for client in clients:
        client.shutdown(socket.SHUT_WR)
    time.sleep(0.2)
    for client in clients:
        client.close()


threads = [threading.Thread(target=innocent)]
threads[0].start()
time.sleep(1)
before = rss()
attackers = [flood, endless_line, slow, slow, garbage, tls_garbage, dns_garbage, half_open]
for attacker in attackers:
    attack(attacker)
time.sleep(float(os.environ.get("SECONDS_OF_ATTACK", "8")))

# Ten thousand connections that say nothing.
silent = []
for number in range(10_000):
    client = socket.socket()
    client.setblocking(False)
    try:
        client.connect_ex((HOST, (2526, 1110, 1143, 4465, 5587)[number % 5]))
        silent.append(client)
    except OSError as error:
        problems.append(f"no descriptor for connection {number}: {error}")
        break
time.sleep(3)
print(f"safety: {len(silent)} silent connections; {before} MiB before, {rss()} MiB now", flush=True)
if rss() > before + 700:
    problems.append("memory grew without bound")
for client in silent:
    client.close()

# Amplification: an answer over UDP is never larger than what fits a packet.
query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x07example\x03com\x00\x00\xff\x00\x01\x00\x00\x29\xff\xff\x00\x00\x00\x00\x00\x00"
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.settimeout(2)
answer = b""
for _ in range(PATIENCE // 2):
    # As every resolver: datagrams may be lost.
    asker.sendto(query, (HOST, 5300))
    try:
        answer = asker.recv(65535)
        break
    except TimeoutError:
        pass
if not answer:
    problems.append("the name server gives no answer")
if len(answer) > 1232:
    problems.append(f"an answer of {len(answer)} octets")
over.set()
threads[0].join(2 * PATIENCE)
if threads[0].is_alive():
    problems.append("the innocent session gets no replies")
begun = time.monotonic()
with connect(2525, PATIENCE) as client:
    client.settimeout(PATIENCE)
    if not reply(client).startswith(b"220 "):
        problems.append("no greeting after the attack")
print(f"safety: after the attack a greeting took {time.monotonic() - begun:.2f} s; {rss()} MiB", flush=True)
time.sleep(0.5)
for problem in problems:
    print(f"safety: {problem}: FAILED")
sys.exit(bool(problems))
