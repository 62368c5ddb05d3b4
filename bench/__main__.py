"""python -m bench: measures what the README promises and writes bench/results/*.json. Give the machine some quiet."""

import sys

from bench import ground_floor

if __name__ == "__main__":
    sys.exit(ground_floor.main())
