"""The double of `metrics`."""

from cardea._double.world import world


def counter(name: str) -> int:
    world.series.setdefault(name, 0)
    return list(world.series).index(name)


gauge = histogram = counter


def add(id: int, delta: int) -> None:
    world.series[list(world.series)[id]] += delta


def set(id: int, value: int) -> None:
    world.series[list(world.series)[id]] = value


def observe(id: int, value: int) -> None:
    add(id, value)
