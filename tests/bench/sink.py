"""A store that takes lines and only counts them: what the gateway costs, with no store's own work on the other core.

usage: sink.py PORT. Speaks as much HTTP as InfluxDB 2's /api/v2/write needs; any GET answers how many lines came.
"""

import socketserver
import sys
import threading

PIECE = 1 << 20


class Store(socketserver.StreamRequestHandler):
    """One connection: requests until it hangs up."""

    lock = threading.Lock()
    lines = 0

    def handle(self) -> None:
        """Answer them."""
        while first := self.rfile.readline():
            size = 0
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    size = int(line[15:])
            if first.startswith(b"GET"):
                text = str(Store.lines).encode()
                self.wfile.write(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(text), text)
                )
                return
            lines = bool(size)
            while size and (piece := self.rfile.read(min(size, PIECE))):
                lines += piece.count(b"\n")
                size -= len(piece)
            with Store.lock:
                Store.lines += lines
            self.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")


class Server(socketserver.ThreadingTCPServer):
    """The store."""

    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Store).serve_forever()
