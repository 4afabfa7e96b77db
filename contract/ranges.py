"""Sets of sequence numbers, kept as ranges: what was received, what is held, what is lost."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

Range = tuple[int, int]
"""First and last number, both included."""


class Ranges:
    """A set of whole numbers that is cheap while they mostly follow one another."""

    __slots__ = ("_first", "_last")

    def __init__(self, ranges: Iterable[Sequence[int]] = ()) -> None:
        """Start with these ranges, in any order, overlapping or not."""
        self._first: list[int] = []
        self._last: list[int] = []
        for first, last in sorted((int(pair[0]), int(pair[1])) for pair in ranges):
            self._append(first, last)

    def _append(self, first: int, last: int) -> None:
        if last < first:
            return
        if self._last and first <= self._last[-1] + 1:
            self._last[-1] = max(self._last[-1], last)
        else:
            self._first.append(first)
            self._last.append(last)

    def add(self, number: int) -> bool:
        """Add one number; say whether it is new."""
        firsts, lasts = self._first, self._last
        if lasts and number == lasts[-1] + 1:  # the common case: the next one
            lasts[-1] = number
            return True
        at = bisect_right(firsts, number) - 1
        if at >= 0 and number <= lasts[at]:
            return False
        joins_left = at >= 0 and lasts[at] + 1 == number
        joins_right = at + 1 < len(firsts) and firsts[at + 1] == number + 1
        if joins_left and joins_right:
            lasts[at] = lasts.pop(at + 1)
            firsts.pop(at + 1)
        elif joins_left:
            lasts[at] = number
        elif joins_right:
            firsts[at + 1] = number
        else:
            firsts.insert(at + 1, number)
            lasts.insert(at + 1, number)
        return True

    def add_range(self, first: int, last: int) -> None:
        """Add the numbers from first to last, both included; none if last is less."""
        if last < first:
            return
        firsts, lasts = self._first, self._last
        if lasts and first == lasts[-1] + 1:  # the common case: the next ones
            lasts[-1] = last
            return
        begin = bisect_left(lasts, first - 1)  # the first range that touches the new one
        end = bisect_right(firsts, last + 1)  # behind the last that does
        if begin < end:
            first, last = min(first, firsts[begin]), max(last, lasts[end - 1])
        firsts[begin:end] = [first]
        lasts[begin:end] = [last]

    def union(self, other: Iterable[Sequence[int]]) -> "Ranges":
        """Return a new set with the numbers of both."""
        return Ranges([*self, *other])

    def minus(self, other: "Ranges") -> "Ranges":
        """Return a new set with the numbers of this one that are not in ``other``; one walk along both."""
        left = Ranges()
        firsts, lasts = other._first, other._last  # noqa: SLF001 - of the same class
        at, end = 0, len(firsts)
        for first, last in self:
            while at < end and lasts[at] < first:
                at += 1
            while at < end and firsts[at] <= last:
                if firsts[at] > first:
                    left._append(first, firsts[at] - 1)
                first = lasts[at] + 1  # noqa: PLW2901 - what remains of this range
                if first > last:
                    break  # the same cut may reach into the next range
                at += 1
            left._append(first, last)
        return left

    def common(self, other: "Ranges") -> "Ranges":
        """Return a new set with the numbers that are in both."""
        return self.minus(self.minus(other))

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._first, number) - 1
        return at >= 0 and number <= self._last[at]

    def __iter__(self) -> Iterator[Range]:
        return iter(zip(self._first, self._last, strict=True))

    def count(self) -> int:
        """Return how many numbers it has. It has no ``len``: that would be taken for how many ranges it yields."""
        return sum(last - first + 1 for first, last in self)

    def __bool__(self) -> bool:
        return bool(self._first)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranges) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment] # it changes

    def __repr__(self) -> str:
        return f"Ranges({list(self)})"

    @property
    def highest(self) -> int:
        """The highest number, 0 when empty."""
        return self._last[-1] if self._last else 0

    @property
    def lowest(self) -> int:
        """The lowest number, 0 when empty."""
        return self._first[0] if self._first else 0

    def after(self, number: int) -> int:
        """Return the lowest number that is not below this one, 0 when there is none."""
        at = bisect_left(self._last, number)
        return max(number, self._first[at]) if at < len(self._first) else 0
