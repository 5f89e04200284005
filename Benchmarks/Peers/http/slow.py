"""Clients that send a request a byte a second: slow.py PORT COUNT. Prints "ready" when all are connected."""

import itertools, resource, socket, sys, time

port, count = int(sys.argv[1]), int(sys.argv[2])
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
request = b"GET /livez HTTP/1.1\r\nHost: slow\r\nX-Slow: " + b"x" * 1000
clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
print("ready", flush=True)
for position in itertools.count():
    for number, client in enumerate(clients):
        try:
            client.send(request[position % len(request) : position % len(request) + 1])
        except OSError:
            # Its time was up; the next one comes.
            client.close()
            clients[number] = socket.create_connection(("127.0.0.1", port))
        time.sleep(1 / count)
