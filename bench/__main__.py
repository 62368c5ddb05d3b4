"""python -m bench [NAME… | exactly-once OPTION…]: measures what the README promises, into bench/results/*.json.
Give the machine quiet."""

import sys

from bench import batch, ground_floor, ingest, journal, mlflow_store, quiet, search, watching
from bench.exactly_once import run as exactly_once
from bench.serving import run as serving

BENCHES = {
    "ground_floor": ground_floor.main, "ingest": ingest.main, "mlflow_store": mlflow_store.main, "search": search.main,
    "serving": serving.main, "batch": batch.main, "journal": journal.main, "watching": watching.main,
    "quiet": quiet.main,
}  # fmt: skip

if __name__ == "__main__":
    if sys.argv[1:2] == ["exactly-once"]:  # it needs a stack that is deployed, and has options of its own
        sys.exit(exactly_once.main(sys.argv[2:]))
    wanted = sys.argv[1:] or list(BENCHES)
    if unknown := [name for name in wanted if name not in BENCHES]:
        sys.exit(f"bench: there is no {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
    sys.exit(max(BENCHES[name]() for name in wanted))
