"""Things taken as many at a time as there is room for."""

from collections.abc import Callable, Iterable, Iterator


def grouped[Thing](
    things: Iterable[Thing], weigh: Callable[[Thing], int], most: int, many: int
) -> Iterator[list[Thing]]:  # fmt: skip
    """In their order, at most `many` at a time, and together at most `most`; what weighs more than that is alone."""
    held, weight = list[Thing](), 0
    for each in things:
        more = weigh(each)
        if held and (len(held) == many or weight + more > most):
            yield held
            held, weight = [], 0
        held.append(each)
        weight += more
    if held:
        yield held
