"""A serial line for tests: answers to each command from a list; an exception in it is raised, the last entry stays."""

from contract.errors import DeviceTimeout


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
