"""The size budget: a zip function and its layers together must stay below what Lambda unpacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from infra.packaging import BuildError
from infra.packaging.archive import files_of, size_of
from infra.packaging.recipe import Part
from infra.packaging.template import functions, layers, load
from infra.packaging.workshop import Workshop

# Lambda refuses more than 250 MB unzipped; the rest is room for the next release of a dependency.
BUDGET_MB = 230
IMAGE_LIMIT_MB = 10_000
MB = 1e6


@dataclass(frozen=True)
class Row:
    """What one zip function unpacks to."""

    part: Part
    own: int
    layers: tuple[tuple[Part, int], ...]

    @property
    def total(self) -> int:
        return self.own + sum(size for _, size in self.layers)


def measure(shop: Workshop) -> list[Row]:
    """One row per zip function."""
    template = load(shop.template)
    uris = {layer.logical_id: layer.folder for layer in layers(template)}
    sizes: dict[str, int] = {}

    def weighed(logical_id: str, folder: str) -> tuple[Part, int]:
        part = built_part(shop, logical_id, folder)
        if part.name not in sizes:
            sizes[part.name] = size_of(shop.folder(part))
        return part, sizes[part.name]

    return [
        Row(*weighed(found.logical_id, found.folder), tuple(weighed(name, uris[name]) for name in found.layers))
        for found in functions(template)
        if not found.image
    ]


def measure_images(shop: Workshop) -> dict[Part, int]:
    """Each image's size; apart from the rest, because its 40,000 files take a second to ask."""
    found = (each for each in functions(load(shop.template)) if each.image)
    parts = {built_part(shop, each.logical_id, each.folder) for each in found}
    return {part: size_of(shop.folder(part)) for part in parts}


def built_part(shop: Workshop, logical_id: str, folder: str) -> Part:
    part = shop.part_at(folder)
    if part is None:
        raise unknown(logical_id, folder)
    if not shop.stamp(part.name) or not shop.folder(part).is_dir():
        raise BuildError(f"{part.kind} {part.name} is not built: run `make package`")
    return part


def unknown(logical_id: str, folder: str) -> BuildError:
    return BuildError(f"template.yaml: {logical_id} names {folder or 'no folder'}, which no part builds")


def table(rows: list[Row], images: Mapping[Part, int]) -> str:
    names = sorted({layer.name for row in rows for layer, _ in row.layers})
    lines = [["function", "own code", *names, "total MB", "budget", "share"]]
    for row in rows:
        used = {layer.name: f"{size / MB:.1f}" for layer, size in row.layers}
        share = f"{100 * row.total / MB / BUDGET_MB:.0f} %"
        cells = [f"{row.own / MB:.2f}", *(used.get(name, "-") for name in names)]
        lines.append([row.part.name, *cells, f"{row.total / MB:.1f}", str(BUDGET_MB), share])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = [
        "  ".join(
            [line[0].ljust(widths[0])] + [cell.rjust(widths[column]) for column, cell in enumerate(line) if column]
        )
        for line in lines
    ]
    for part, size in images.items():
        text.append(f"image {part.name}: {size / MB:.0f} MB on top of its base; the limit is {IMAGE_LIMIT_MB:,} MB")
    return "\n".join(text)


def over_budget(shop: Workshop, rows: list[Row], images: Mapping[Part, int]) -> list[str]:
    """One line per part that is too big, with what to look at first."""
    found = []
    for row in rows:
        if row.total > BUDGET_MB * MB:
            weights = Counter[str]()
            for part in (row.part, *(layer for layer, _ in row.layers)):
                weights += package_sizes(shop, part)
            found.append(
                f"function {row.part.name} unpacks to {row.total / MB:.1f} MB, the budget is {BUDGET_MB} MB;"
                f" biggest: {biggest(weights)}"
            )
    for part, size in images.items():
        if size > IMAGE_LIMIT_MB * MB:
            weights = package_sizes(shop, part)
            excess = f"image {part.name} has {size / MB:.0f} MB, the limit is {IMAGE_LIMIT_MB} MB"
            found.append(f"{excess}; biggest: {biggest(weights)}")
    return found


def package_sizes(shop: Workshop, part: Part) -> Counter[str]:
    """Bytes by top-level name; a package's `.libs` folder counts with it."""
    weights = Counter[str]()
    content = shop.content(part)
    for path in files_of(content):
        weights[path.relative_to(content).parts[0].removesuffix(".libs")] += path.stat().st_size
    return weights


def biggest(weights: Counter[str]) -> str:
    return ", ".join(f"{name} {size / MB:.1f} MB" for name, size in weights.most_common(5))
