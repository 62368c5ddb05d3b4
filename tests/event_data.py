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
TO_PREDICT, LABELS = "batch/wine/in/wine.csv", "feedback/wine/labels.csv"
TABLE = (HEADER + "".join(ROWS)).encode()
# How the rows of TABLE are divided: 12 of each class.
SPLIT = {"train": 25, "test": 7, "reference": 4}
FILES = {
    "inbox/wine/model.yaml": SPEC,
    UPLOADED: TABLE,
    TO_PREDICT: TABLE,
    # Of a call that there never was, of a bottle of nobody's; the last is no cultivar.
    LABELS: b"event_id,id,label\n0190a000-0002-7000-8000-000000000000,,1\n,bottle-8,2\n,bottle-9,4\n",
    # As the step `Fetch` leaves it. The last row breaks the range of alcohol.
    FETCHED: (HEADER + "".join(ROWS[::-1]) + "99,red,1\n").encode(),
}
