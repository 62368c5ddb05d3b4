"""Short reviews with what makes them hard: negation, two minds, irony, typing mistakes, emoji, other languages.

A review has a mood (its class). Most of its sentences follow the mood, some say the opposite before a `but`, some say
nothing; and now and then the person who gave the label saw another mood than the one who wrote."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from examples.blemishes import misspell, misspelt, with_gaps
from examples.draws import Codes, Floats, Rng, Truths, Words, identifiers, pick, stream, words
from examples.sentiment import phrases
from examples.sentiment.phrases import CLASSES

TARGET: Final = "sentiment"
NEGATIVE, NEUTRAL, POSITIVE = range(3)
# Shares of all reviews.
OTHER_LABEL: Final = 0.04
TYPING_MISTAKES: Final = 0.08
FOREIGN: Final = 0.05
EMOJI: Final = 0.18
SENT_TWICE: Final = 0.008

simulations: Final[Mapping[str, Mapping[str, Any]]] = {
    "shift": {"column": "price", "by": 1.0},
    "seasonal": {"column": "price", "by": 0.8, "periods": 2},
    "new_category": {"column": "product", "name": "garden", "share": 0.15},
    "missing_surge": {"column": "product", "share": 0.35},
    "label_flip": {"target": TARGET, "share": 0.15},
    "concept_change": {"target": TARGET, "order": CLASSES, "column": "product", "share": 0.3},
    "prior_shift": {"target": TARGET, "label": "negative", "by": 2.0},
}


def generate(rows: int, seed: int) -> pd.DataFrame:
    """So many rows of an upload; the same rows for the same seed, and the same world for every seed."""
    rng = stream("sentiment", seed)
    mood = rng.choice(3, rows, p=(0.27, 0.22, 0.51))
    product = pick(rng, {name: share for name, (share, *_) in phrases.PRODUCTS.items()}, rows)
    text = _finished(rng, _reviews(rng, mood, product), mood)
    seen = np.where(rng.random(rows) < OTHER_LABEL, _neighbour(rng, mood), mood)
    frame = pd.DataFrame({
        "review": pd.Series(identifiers("re", seed, rows), dtype="str"),
        "text": pd.Series(text, dtype="str"),
        "product": pd.Series(product, dtype="str"),
        "price": pd.Series(_prices(rng, product)),
        TARGET: pd.Series(words(CLASSES)[seen], dtype="str"),
    })  # fmt: skip
    frame = with_gaps(rng, frame, {"text": 0.006, "product": 0.03, "price": 0.05})
    return _sent_twice(rng, misspelt(rng, frame, {"product": 0.004}))


def _neighbour(rng: Rng, mood: Codes) -> Codes:
    """The mood next to it: people take lukewarm for good or bad, and seldom good for bad."""
    return np.where(mood == NEUTRAL, rng.choice((NEGATIVE, POSITIVE), len(mood)), NEUTRAL)


def _prices(rng: Rng, product: Words) -> Floats:
    """Skewed between the usual limits of each product, most of them ending in .99."""
    names = sorted(phrases.PRODUCTS)
    at = np.searchsorted(words(names), product)
    low, high = (np.array([phrases.PRODUCTS[name][limit] for name in names], dtype=float)[at] for limit in (1, 2))
    price = low * (high / low) ** rng.beta(2, 3, len(product))
    return np.asarray(np.where(rng.random(len(product)) < 0.7, np.floor(price) + 0.99, price).round(2))


def _reviews(rng: Rng, mood: Codes, product: Words) -> Words:
    """One to three sentences each."""
    rows = len(mood)
    join = _one_of(rng, phrases.JOINS, rows)
    main = _opinions(rng, mood, product)
    # Of two minds: the other side first, then what counts. For the neutral that is the whole review.
    aside = _opinions(rng, np.where(mood == NEUTRAL, POSITIVE, POSITIVE - mood), product)
    other = _opinions(rng, np.where(mood == NEUTRAL, NEGATIVE, mood), product)
    torn = rng.random(rows) < np.where(mood == NEUTRAL, 0.3, 0.14)
    text = np.where(torn, aside + _one_of(rng, phrases.HINGES, rows) + other, main)

    fact = _one_of(rng, phrases.FACTS, rows)
    text = np.where(rng.random(rows) < 0.35, fact + join + text, text)
    verdict = _of_mood(rng, phrases.VERDICTS, mood)
    ends = rng.random(rows) < np.where(torn & (mood != NEUTRAL), 0.8, 0.5)
    text = np.where(ends, text + join + verdict, text)
    text = np.where(rng.random(rows) < 0.05, verdict, text)  # and not a word more

    foreign = _of_mood(rng, phrases.FOREIGN, mood)
    kind = rng.random(rows)
    text = np.where(kind < FOREIGN * 0.6, foreign, text)
    return np.where((kind >= FOREIGN * 0.6) & (kind < FOREIGN), text + join + foreign, text)


def _opinions(rng: Rng, mood: Codes, product: Words) -> Words:
    """A sentence about one aspect: straight, or by denying the opposite, or (the neutral) by denying both."""
    rows = len(mood)
    aspect = _aspects(rng, product)
    straight = _filled(_one_of(rng, phrases.OPINIONS, rows), aspect, _of_mood(rng, phrases.ADJECTIVES, mood))
    opposite = _of_mood(rng, phrases.ADJECTIVES, POSITIVE - mood)
    denied = _filled(_one_of(rng, phrases.DENIALS, rows), aspect, opposite)
    good, bad = (_of_mood(rng, phrases.ADJECTIVES, np.full(rows, each)) for each in (POSITIVE, NEGATIVE))
    both = _filled(_one_of(rng, phrases.BOTH, rows), aspect, good, bad)
    denies = rng.random(rows) < np.where(mood == NEUTRAL, 0.3, 0.15)
    return np.where(denies, np.where(mood == NEUTRAL, both, denied), straight)


def _aspects(rng: Rng, product: Words) -> Words:
    special = np.empty(len(product), dtype=object)
    for name, (*_, aspects) in phrases.PRODUCTS.items():
        rows = product == name
        special[rows] = _one_of(rng, aspects, int(rows.sum()))
    return np.where(rng.random(len(product)) < 0.5, special, _one_of(rng, phrases.COMMON_ASPECTS, len(product)))


def _one_of(rng: Rng, options: Sequence[str], rows: int) -> Words:
    return words(options)[rng.integers(len(options), size=rows)]


def _of_mood(rng: Rng, options: Sequence[Sequence[str]], mood: Codes) -> Words:
    """One of the phrases that belong to each row's mood."""
    starts = np.cumsum([0, *(len(each) for each in options)])
    lengths = np.diff(starts)[mood]
    at = starts[mood] + np.floor(rng.random(len(mood)) * lengths).astype(np.intp)
    chosen: Words = words([phrase for each in options for phrase in each])[at]
    return chosen


def _filled(templates: Words, aspect: Words, word: Words, other: Words | None = None) -> Words:
    rest = word if other is None else other
    return words([
        template.format(aspect=a, word=w, other=o)
        for template, a, w, o in zip(templates, aspect, word, rest, strict=True)
    ])  # fmt: skip


def _finished(rng: Rng, text: Words, mood: Codes) -> Words:
    """Endings, emoji, capitals and typing mistakes."""
    rows = len(text)
    text = text + _one_of(rng, phrases.ENDINGS, rows)
    # One emoji in ten is irony.
    meant = np.where(rng.random(rows) < 0.1, POSITIVE - mood, mood)
    text = np.where(rng.random(rows) < EMOJI, text + " " + _of_mood(rng, phrases.EMOJI, meant), text)
    style = rng.random(rows)
    text = words([_written(each, at) for each, at in zip(text, style, strict=True)])
    for row in np.flatnonzero(rng.random(rows) < TYPING_MISTAKES):
        text[row] = _mistyped(rng, text[row])
    return text


def _written(text: str, style: float) -> str:
    """Most people begin with a capital; a few shout."""
    if style < 0.02:
        return text.upper()
    return text if style < 0.3 else text[:1].upper() + text[1:]


def _mistyped(rng: Rng, text: str) -> str:
    """A mistake in one or two of the words."""
    parts = text.split(" ")
    for at in rng.integers(len(parts), size=2):
        parts[at] = misspell(rng, parts[at])
    return " ".join(parts)


def _sent_twice(rng: Rng, frame: pd.DataFrame) -> pd.DataFrame:
    """Some rows are the row before them once more, id and all: a button pressed twice."""
    again: Truths = rng.random(len(frame)) < SENT_TWICE
    again[:1] = False
    source = np.arange(len(frame)) - again
    return frame.iloc[source].reset_index(drop=True)
