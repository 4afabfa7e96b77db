"""A serial line for tests: answers to each command from a list; an exception in it is raised, the last entry stays."""

from contract.errors import DeviceGarbled, DeviceTimeout
from firmware_sims.faults import Fault, spoiled


class Line:
    url = "/dev/ttyTEST"

    def __init__(self, answers, end=b"\r", otherwise=None):
        """``otherwise`` is the answer to what is not in the list; None: silence, ``echo``: the command itself."""
        self.answers = {
            command: list(given) if isinstance(given, list) else [given] for command, given in answers.items()
        }
        self.asked = []
        self._end = end
        self._otherwise = otherwise

    async def ask(self, command, **_about):
        name = command.decode("latin-1").rstrip("\r")
        self.asked.append(name)
        default = [name.encode()] if self._otherwise == "echo" else [self._otherwise or DeviceTimeout("silence")]
        answers = self.answers.get(name, default)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self):
        self.asked.append("close")


def values(found):
    return {reading.quantity: reading.value for reading in found if reading.good}


def qualities(found):
    return {reading.quantity: reading.quality for reading in found}


class TalkLine:
    """A line to a simulated device, without a wire: what its conversation says comes at once, or not at all."""

    url = "/dev/ttySIM"

    def __init__(self, talk, fault=Fault.NONE):
        self.talk = talk
        self.fault = fault
        self.asked = []
        self._waiting = b""

    async def ask(self, command, *, end=b"\r", timeout=1.5):  # noqa: ASYNC109 - the line's
        self.asked.append(command)
        commands, self._waiting = self.talk.split(self._waiting + command)
        received = b""
        for each in commands:
            answer = self.talk.reply(each, self.fault)
            whole = None if answer is None else spoiled(answer, self.fault)
            received += self.talk.unasked() + whole if whole else b""
        if not received or self.fault is Fault.DELAY:
            raise DeviceTimeout(f"no answer within {timeout:g} s")
        answer, found, _ = received.partition(end)
        if not found:
            raise DeviceGarbled("an answer without an end")
        return answer

    async def close(self):
        self._waiting = b""
