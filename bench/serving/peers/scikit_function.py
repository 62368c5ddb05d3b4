"""The same app as a function, with its model beside it: nothing to fetch, no journal to write."""

from mangum import Mangum
from scikit import compose  # type: ignore[import-not-found]

handler = Mangum(compose(), lifespan="off")
