"""A handler that cannot be imported is found by the build, in one line that says where to look."""

from __future__ import annotations

import pytest

from tests.packaging.conftest import Small

HANDLER = "\ndef handler(event, context):\n    return 1\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import pandas" + HANDLER, "ModuleNotFoundError: No module named 'pandas' (app.py:1)"),
        ("x = 1\n", "app.py has no function handler"),
        ("handler = 1\n", "app.py has no function handler"),
        ("import os\nos.environ['TABLE']" + HANDLER, "KeyError: 'TABLE' (app.py:2)"),
        ("from gyre.rooms.broken import x" + HANDLER, "ValueError: two lines (gyre/rooms/broken.py:1)"),
        ("import demo\ndemo.fail()" + HANDLER, "ValueError: from demo (app.py:2)"),
        ("import sys\nprint('bye')\nsys.exit(3)", "SystemExit: 3 (app.py:3)"),
        ("import os\nos._exit(3)", "the process ended with code 3: no message"),
        (
            "import socket\nsocket.create_connection(('192.0.2.1', 80))" + HANDLER,
            "RuntimeError: the network was used while importing (app.py:2)",
        ),
    ],
)
def test_an_unimportable_handler_fails_the_build_in_one_line(small: Small, source: str, reason: str) -> None:
    # The layer of a changed gyre, without a build of it: what counts here is the check.
    (small.out / "layers/runtime/python/gyre/rooms/broken.py").write_text("raise ValueError('two\\nlines')\n")
    small.write("functions/drift/app.py", source)

    failures = small.build()

    assert failures == [f"function drift: app.handler cannot be imported: {reason}"]
    assert small.build() == failures, "it is not forgotten by the next build, which has nothing to build"


def test_what_a_handler_prints_does_no_harm(small: Small) -> None:
    small.write("functions/drift/app.py", "import sys\nprint('{}')\nprint('x', file=sys.stderr)" + HANDLER)

    assert small.build() == []


def test_a_handler_sees_the_layers_the_template_gives_it_and_no_others(small: Small) -> None:
    template = small.root / "template.yaml"
    template.write_text(template.read_text().replace("functions/drift, Layers: [!Ref RuntimeLayer]", "functions/drift"))

    assert small.build() == [
        "function drift: app.handler cannot be imported: ModuleNotFoundError: No module named 'demo' (app.py:1)"
    ]


def test_the_images_command_is_checked_too(small: Small) -> None:
    small.write("functions/science/app.py", "import demo\n")

    assert small.build() == ["function science: app.train cannot be imported: app.py has no function train"]


def test_importing_leaves_the_built_folder_as_it_was(small: Small) -> None:
    # A package without bytecode of its own, so that Python would like to write some.
    for path in small.out.glob("layers/runtime/python/demo/__pycache__/*"):
        path.unlink()
    small.write("functions/drift/more.py", "x = 1\n")

    assert small.build() == []

    assert not list(small.out.glob("layers/runtime/python/demo/__pycache__/*"))


def test_without_a_template_the_build_says_what_it_did_not_check(small: Small) -> None:
    (small.root / "template.yaml").unlink()

    assert small.build() == []
    assert any("no template.yaml" in line for line in small.lines)
