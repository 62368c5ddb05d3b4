"""What the events in events/ speak of: a model, and files that have to lie in the data bucket before they are sent."""

import json
from pathlib import Path

EVENTS = Path(__file__).resolve().parents[1] / "events"
MODEL = "wine"
# The spec is the body of the event that declares it.
SPEC: bytes = json.loads((EVENTS / "training_trigger-declare.json").read_text())["body"].encode()
HEADER = "alcohol,colour,cultivar\n"
ROWS = [f"{11 + number / 10},{'white' if number % 4 else 'red'},{1 + number % 3}\n" for number in range(36)]
UPLOADED, FETCHED = "inbox/wine/wine.csv", "fetched/wine/example-run/wine.csv"
TO_PREDICT = "batch/wine/in/wine.csv"
TABLE = (HEADER + "".join(ROWS)).encode()
# How the rows of TABLE are divided: 12 of each class.
SPLIT = {"train": 25, "test": 7, "reference": 4}
FILES = {
    "inbox/wine/model.yaml": SPEC,
    UPLOADED: TABLE,
    TO_PREDICT: TABLE,
    # As the step `Fetch` leaves it. The last row breaks the range of alcohol.
    FETCHED: (HEADER + "".join(ROWS[::-1]) + "99,red,1\n").encode(),
}
