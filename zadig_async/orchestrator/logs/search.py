"""`Search`: finds a sequence in a stream, one element at a time."""

from collections.abc import Sequence


class Search:
    """Finds hashes that follow each other in a stream of hashes (Knuth, Morris and Pratt)."""

    def __init__(self, wanted: Sequence[int]) -> None:
        self._wanted = wanted
        self._borders = [0] * len(wanted)
        matched = 0
        for index in range(1, len(wanted)):
            while matched and wanted[index] != wanted[matched]:
                matched = self._borders[matched - 1]
            matched += wanted[index] == wanted[matched]
            self._borders[index] = matched
        self._matched = 0

    def found(self, known: int) -> bool:
        """Take one hash; return whether it completes what is wanted."""
        matched = self._matched
        while matched and (matched == len(self._wanted) or self._wanted[matched] != known):
            matched = self._borders[matched - 1]
        self._matched = matched + (self._wanted[matched] == known)
        return self._matched == len(self._wanted)
