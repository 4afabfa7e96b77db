"""What systemd is told: ready, status, watchdog (sd_notify(3)). Silent where there is no systemd."""

import os
import socket


class Notifier:
    """Speaks to the socket that systemd named."""

    def __init__(self, address: str | None) -> None:
        """Take $NOTIFY_SOCKET, or None."""
        self._address = address

    def say(self, **words: str | int) -> None:
        """Send ``READY=1``, ``STATUS=…``, ``WATCHDOG=1`` and the like; a lost datagram is no reason to stop."""
        if not self._address:
            return
        name = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        text = "\n".join(f"{word}={value}" for word, value in words.items())
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            try:
                sock.connect(name)
                sock.send(text.encode())
            except OSError:
                return


def from_environment() -> Notifier:
    """Return the notifier that systemd asked for."""
    return Notifier(os.environ.get("NOTIFY_SOCKET"))


def reads(descriptor: int) -> bool:
    """Say whether it is the journal that reads what is written to a file descriptor (systemd.exec(5))."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def watchdog_interval() -> float:
    """Return how often the watchdog wants to hear of us, in seconds; 0 when it does not."""
    return int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6 / 2
