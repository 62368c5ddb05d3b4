"""python -m gyre_emulator up | down | status | environments"""

from __future__ import annotations

import argparse
import sys

from gyre_emulator import control
from gyre_emulator.environments import environments


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m gyre_emulator", description="Gyre's local AWS, without Docker.")
    parser.add_argument("command", choices=("up", "down", "status", "environments"))
    command = parser.parse_args(arguments).command
    try:
        return {"up": up, "down": down, "status": show, "environments": show_environments}[command]()
    except (control.EmulatorError, ValueError) as error:
        print(f"emulator: {error}", file=sys.stderr)
        if details := getattr(error, "details", ""):
            print(details, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("emulator: interrupted", file=sys.stderr)
        return 130


def up() -> int:
    shown = 0

    def progress(waited: float) -> None:
        nonlocal shown
        if int(waited) > shown:
            shown = int(waited)
            print("." if shown > 1 else "emulator: starting .", end="", flush=True)

    try:
        emulator = control.start(progress=progress)
    finally:
        if shown:
            print(flush=True)
    if emulator.already:
        print(f"emulator: already running on {emulator.url} (pid {emulator.pid})")
        return 0
    print(f"emulator: listens on {emulator.url} (pid {emulator.pid}, {emulator.seconds:.1f} s); log: {emulator.log}")
    return 0


def down() -> int:
    ended = control.stop().ended
    print(f"emulator: stopped ({ended} processes)" if ended else "emulator: not running")
    return 0


def show() -> int:
    emulator = control.status()
    if not emulator.running:
        print("emulator: not running")
        return 1
    print(f"emulator: {'listens' if emulator.healthy else 'does not answer'} on {emulator.url} (pid {emulator.pid})")
    return 0 if emulator.healthy else 1


def show_environments() -> int:
    for each in environments():
        print(f"{each.pid}\t{each.function}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
