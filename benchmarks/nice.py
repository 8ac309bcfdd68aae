"""What choosing by the discriminator is worth, and what it costs: recognised pictures and diversity by `nice_factor`.

    ganery train --local --family dcgan --preset tutorial --images 120000 --out var/local/tutorial
    python -m benchmarks.nice var/local/tutorial/checkpoints/*

The report of `GET /checkpoints/{id}/nice-report`, of more pictures: a row for each factor and method.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from checkpoints.library import load_judge, load_sampler
from models import NiceRow, report_nice

_COLUMNS = ("candidates", "method", "recognised", "confidence", "diversity", "classes", "accepted")
_WIDTH = 12


def main() -> None:
    """Print the table of the newest of the named checkpoints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "checkpoint", type=Path, nargs="+", help="directories of checkpoints; the last by name is taken"
    )
    parser.add_argument("--count", type=int, default=1000, help="pictures for each row")
    arguments = parser.parse_args()
    directory = max(arguments.checkpoint)
    sampler = load_sampler(directory)
    judge = load_judge(sampler.config.dataset.name)
    report = report_nice(sampler, judge, seed=0, count=arguments.count)
    print(f"{directory.name}, {arguments.count} pictures a row")
    print(_line(_COLUMNS))
    for row in report.rows:
        print(_line(_cells(row)))
    print(report.sentence)


def _cells(row: NiceRow) -> Sequence[str]:
    return (
        str(row.nice_factor),
        row.method or "",
        f"{row.recognised:.1%}",
        f"{row.confidence:.2%}",
        "" if row.diversity is None else f"{row.diversity:.1%}",
        f"{row.classes_covered:.0%}",
        "" if row.accepted_share is None else f"{row.accepted_share:.1%}",
    )


def _line(cells: Sequence[str]) -> str:
    return "".join(cell.rjust(_WIDTH) for cell in cells)


if __name__ == "__main__":
    main()
