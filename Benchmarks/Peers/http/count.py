"""Sends a number of requests, pipelined over one connection: count.py PORT COUNT."""

import socket, sys, threading

port, count = int(sys.argv[1]), int(sys.argv[2])
batch = 50
request = b"GET /livez HTTP/1.1\r\nHost: count\r\n\r\n" * batch
client = socket.create_connection(("127.0.0.1", port))


def send():
    for _ in range(count // batch):
        client.sendall(request)


threading.Thread(target=send).start()
answers, rest = 0, b""
while answers < count // batch * batch:
    data = rest + client.recv(1 << 18)
    answers += data.count(b"HTTP/1.1 200")
    # A status line may be cut in two.
    rest = data[-11:] if b"HTTP/1.1 200" not in data[-11:] else b""
client.close()
