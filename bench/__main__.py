"""python -m bench [NAME…]: measures what the README promises, into bench/results/*.json. Give the machine quiet."""

import sys

from bench import batch, ground_floor, ingest, mlflow_store, search
from bench.serving import run as serving

BENCHES = {
    "ground_floor": ground_floor.main, "ingest": ingest.main, "mlflow_store": mlflow_store.main, "search": search.main,
    "serving": serving.main, "batch": batch.main,
}  # fmt: skip

if __name__ == "__main__":
    wanted = sys.argv[1:] or list(BENCHES)
    if unknown := [name for name in wanted if name not in BENCHES]:
        sys.exit(f"bench: there is no {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
    sys.exit(max(BENCHES[name]() for name in wanted))
