"""Whether all features together are as they were, by the method that model.yaml names."""

from collections.abc import Callable, Mapping
from typing import Final

from gyre.monitoring.analysis.domain import domain_classifier
from gyre.monitoring.analysis.reconstruction import reconstruction
from gyre.monitoring.analysis.together import FEWEST, NotJudged
from gyre.monitoring.found import Multivariate, Together
from gyre.monitoring.side import Pair

_METHODS: Final[Mapping[Together, Callable[[Pair], Multivariate]]] = {
    "reconstruction": reconstruction,
    "domain_classifier": domain_classifier,
}


def multivariate(pair: Pair) -> Multivariate:
    method = pair.spec.monitoring.multivariate
    if method == "none":
        return Multivariate(because="model.yaml turns it off")
    rows = len(pair.reference), len(pair.window)
    try:
        if rows[0] < 2 * FEWEST or rows[1] < FEWEST:
            needed = f"{2 * FEWEST} and {FEWEST} are needed"
            raise NotJudged(f"the reference has {rows[0]} rows and the window {rows[1]}: {needed}")
        return _METHODS[method](pair)
    except NotJudged as reason:
        return Multivariate(method=method, because=str(reason))
