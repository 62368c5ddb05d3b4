"""Builds what Lambda runs.

python -m infra.packaging build [PART ...]        build what changed (every part without a name)
python -m infra.packaging size                    the size budget; exit 1 when a function is over it
python -m infra.packaging sam LOGICAL_ID FOLDER   `sam build` calls this: one built part copied to a folder
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import sys
import time
from pathlib import Path

from infra.environments import SetupError
from infra.packaging import BuildError
from infra.packaging.build import build
from infra.packaging.size import measure, measure_images, over_budget, table
from infra.packaging.template import architecture, functions, layers, load
from infra.packaging.workshop import PLATFORMS, Workshop, default_platform, seconds_since


def build_command(shop: Workshop, names: list[str]) -> list[str]:
    started = time.monotonic()
    failures = build(shop, names)
    if not failures and not names:
        # AWS would refuse it at the end of a deployment; the emulator might not.
        failures = over_budget(shop, measure(shop), images={})
    if not failures:
        shop.report(f"done in {seconds_since(started).strip()}")
    return failures


def size_command(shop: Workshop) -> list[str]:
    rows, images = measure(shop), measure_images(shop)
    print(table(rows, images))
    return over_budget(shop, rows, images)


def sam_command(shop: Workshop, logical_id: str, target: Path) -> list[str]:
    """The same bytes for `sam build` as for our own deployment, for the architecture that the template declares."""
    template = load(shop.template)
    shop = dataclasses.replace(shop, platform=f"linux-{architecture(template)}")
    folders = {function.logical_id: function.folder for function in functions(template)}
    folders |= {layer.logical_id: layer.folder for layer in layers(template)}
    part = shop.part_at(folders.get(logical_id, ""))
    if part is None:
        raise BuildError(f"template.yaml has no function or layer {logical_id} that a part builds")
    failures = build(shop, [part.name])
    if not failures:
        shutil.copytree(shop.folder(part), target, dirs_exist_ok=True)
    return failures


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m infra.packaging", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--platform", choices=sorted(PLATFORMS), default=default_platform(), help="what `build` is for")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build").add_argument("parts", nargs="*", metavar="PART")
    commands.add_parser("size")
    sam = commands.add_parser("sam")
    sam.add_argument("logical_id")
    sam.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    shop = Workshop(platform=options.platform)
    try:
        if options.command == "build":
            failures = build_command(shop, options.parts)
        elif options.command == "size":
            failures = size_command(shop)
        else:
            failures = sam_command(shop, options.logical_id, options.folder)
    except (BuildError, SetupError) as error:
        failures = [str(error)]
    except KeyboardInterrupt:
        failures = ["interrupted; what was not finished will be built again"]
    for failure in failures:
        print(f"{options.command}: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
