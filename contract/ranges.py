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
        """Add all the numbers from ``first`` to ``last``, both included."""
        if last < first:
            return
        firsts, lasts = self._first, self._last
        left = bisect_left(lasts, first - 1)  # the first range that it touches
        right = bisect_right(firsts, last + 1)  # behind the last one
        if left < right:
            first, last = min(first, firsts[left]), max(last, lasts[right - 1])
        firsts[left:right] = [first]
        lasts[left:right] = [last]

    def union(self, other: Iterable[Sequence[int]]) -> "Ranges":
        """Return a new set with the numbers of both."""
        return Ranges([*self, *other])

    def minus(self, other: "Ranges") -> "Ranges":
        """Return a new set with the numbers of this one that are not in ``other``."""
        left = Ranges()
        cuts = list(other)
        at = 0
        for begin, last in self:
            first = begin
            while at < len(cuts) and cuts[at][1] < first:
                at += 1
            cut = at
            while cut < len(cuts) and cuts[cut][0] <= last:
                left._append(first, cuts[cut][0] - 1)
                first = cuts[cut][1] + 1
                cut += 1
            left._append(first, last)
        return left

    def overlap(self, first: int, last: int) -> "Ranges":
        """Return a new set with the numbers of this one from ``first`` to ``last``, both included."""
        return self.minus(self.minus(Ranges([(first, last)])))

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._first, number) - 1
        return at >= 0 and number <= self._last[at]

    def __iter__(self) -> Iterator[Range]:
        return iter(zip(self._first, self._last, strict=True))

    def __len__(self) -> int:
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
