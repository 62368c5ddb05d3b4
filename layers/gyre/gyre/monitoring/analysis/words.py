"""How many words of a text column the reference never used."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gyre.features.compute import Array, is_missing

Numbers = npt.NDArray[np.float64]

MOST_TEXTS = 5_000
"""So many texts of a side are read, evenly over its rows."""
_WORD = re.compile(r"\w\w+")  # as the vectoriser of training cuts them


@dataclass(frozen=True)
class UnseenWords:
    """Of each text the share of its words that no other text of the reference has, then and now; texts without words
    do not count."""

    reference: Numbers
    window: Numbers
    wider: float
    """Which words the reference happens to have is chance, too: so many times as wide is the error of its share."""
    examples: tuple[str, ...]
    """The most frequent of the window's."""


def unseen_words(reference: Array, window: Array, examples: int) -> UnseenWords:
    """A text of the reference is compared with all the others, so that both sides are measured alike."""
    then, now = (list(_texts(each)) for each in (reference, window))
    texts_with = Counter(word for words in then for word in set(words))
    once, twice = (sum(each == count for each in texts_with.values()) for count in (1, 2))
    unseen = Counter(word for words in now for word in words if word not in texts_with)
    return UnseenWords(
        _shares(then, {word for word, count in texts_with.items() if count > 1}),
        _shares(now, texts_with.keys()),
        (1 + 2 * twice / max(once, 1)) ** 0.5,
        tuple(word for word, _ in unseen.most_common(examples)),
    )


def _texts(values: Array) -> Iterable[list[str]]:
    known = values[~is_missing(values)]
    for text in known[np.linspace(0, len(known) - 1, min(MOST_TEXTS, len(known))).astype(int)] if len(known) else ():
        words = _WORD.findall(text.lower())
        if words:
            yield words


def _shares(texts: Sequence[Sequence[str]], known: Iterable[str]) -> Numbers:
    seen = known if isinstance(known, set | frozenset) else set(known)
    return np.array([sum(word not in seen for word in words) / len(words) for words in texts], np.float64)
