"""The tour is walked once for all tests that only look at what it shows."""

from itertools import chain

import pytest

from halfwave.tour import Lesson, chapters
from halfwave.tour.blocks import Block


@pytest.fixture(scope="session")
def lesson() -> Lesson:
    return Lesson()


@pytest.fixture(scope="session")
def shown(lesson: Lesson) -> list[list[Block]]:
    """The blocks of every chapter."""
    return [list(chapter(lesson)) for chapter in chapters]


@pytest.fixture(scope="session")
def blocks(shown: list[list[Block]]) -> list[Block]:
    """The blocks of all chapters in one list."""
    return list(chain(*shown))
