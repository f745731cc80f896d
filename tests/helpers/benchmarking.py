"""Points of the scaling benchmark."""

import dataclasses

POINT = {
    "milliseconds": 200.0,
    "floor_milliseconds": 100.0,
    "vs_floor": 0.5,
    "images_per_second": 40.0,
    "spread": 0.1,
}


def changed(config, other):
    """Return the names of flags that differ, but those of devices."""
    fields = [field.name for field in dataclasses.fields(config)]
    return {name for name in fields if getattr(config, name) != getattr(other, name)}
