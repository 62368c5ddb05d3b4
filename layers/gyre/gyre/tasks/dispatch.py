"""Which task of a function an event asks for. It imports none of them: a function pays for its own alone."""

from collections.abc import Callable, Mapping
from typing import Any

from gyre.errors import Invalid

Task = Callable[[Mapping[str, Any]], dict[str, Any]]


def dispatch(event: Mapping[str, Any], tasks: Mapping[str, Task], log: Any) -> dict[str, Any]:
    """The answer of the task that the event names."""
    name: Any = event.get("task")
    if not isinstance(name, str) or name not in tasks:
        raise Invalid(f"There is no task {name!r} here; there are: {', '.join(tasks)}.", field="task")
    log.info("task", extra={"task": name, "run": event.get("run")})
    return tasks[name](event)
