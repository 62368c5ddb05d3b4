"""A deployment in which two uploads were trained on; making it takes seconds."""

from pathlib import Path

import pytest

from tests.unit.tasks.world import PETS, TOLERANT, World, pets


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two uploads, each trained on and released."""
    world = World(tmp_path_factory.mktemp("trained"))
    world.declare(TOLERANT)
    world.train("run-1", upload=world.upload("pets", pets(400, 1), "a.csv"))
    world.train("run-2", upload=world.upload("pets", pets(300, 2), "b.csv"))
    return world


@pytest.fixture
def world(trained: World) -> World:
    return trained.again()


@pytest.fixture
def empty(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.declare(PETS)
    return world
