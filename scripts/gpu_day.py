"""Pack what scripts/gpu_day.sh measured into one JSON file, and print it as a table.

python scripts/gpu_day.py FOLDER gpu_day.json
"""

import json
import pathlib
import subprocess
import sys
import time

QUERY = "--query-gpu=name,driver_version,memory.total,power.limit"


def main(folder: str, output: str) -> None:
    """Read each part of the folder, write them, print a line for each."""
    names = sorted(path.stem for path in pathlib.Path(folder).glob("*.about"))
    parts = {name: read_part(pathlib.Path(folder), name) for name in names}
    packed = {"date": time.strftime("%Y-%m-%d"), "devices": devices(), "parts": parts}
    pathlib.Path(output).write_text(json.dumps(packed, indent=1) + "\n")
    for name, part in parts.items():
        print(f"{name:28s} {part['status']:3d} {part['seconds']:5d} s  {told(part)}")
    print(f"all of it is in {output}")


def read_part(folder: pathlib.Path, name: str) -> dict:
    """Return the part's command, exit status, seconds and result.

    The result is the last line of its output: JSON, or text where it is none.
    """
    about = json.loads((folder / f"{name}.about").read_text())
    lines = (folder / f"{name}.out").read_text().splitlines() or [""]
    errors = (folder / f"{name}.err").read_text().splitlines()
    try:
        about["result"] = json.loads(lines[-1])
    except ValueError:
        about["result"] = lines[-1]
    if about["status"]:
        about["errors"] = errors[-20:]
    return about


def told(part: dict) -> str:
    """Return figures of a result in a line."""
    result = part["result"]
    if part["status"]:
        return (part["errors"] or [str(result)])[-1][:100]
    if not isinstance(result, dict):
        return str(result)[:100]
    figures = {n: v for n, v in flat(result) if isinstance(v, int | float)}
    rates = {
        n: v for n, v in figures.items() if "images_per_second" in n or "top1" in n
    }
    return ", ".join(f"{n} {v:.4g}" for n, v in list((rates or figures).items())[:4])


def flat(tree: dict, above: str = ""):
    """Yield the leaves of nested dicts with their names, joined by dots."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def devices() -> list[str]:
    """Return what nvidia-smi says of each GPU; nothing where there is none."""
    try:
        command = ["nvidia-smi", QUERY, "--format=csv,noheader"]
        return subprocess.check_output(command, text=True).splitlines()
    except (OSError, subprocess.CalledProcessError):
        return []


if __name__ == "__main__":
    main(*sys.argv[1:])
