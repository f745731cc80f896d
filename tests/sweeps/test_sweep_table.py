"""Tables of a sweep."""

import statistics

from helpers.sweeping import row

from ressl_tf.sweeps import sweep_table


def cells(text):
    return [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines()]


def test_tables_by_hand():
    rows = [
        row({"method": "ressl", "seed": 0}, 0.5, 0.8, linear_top1=0.6),
        row({"method": "ressl", "seed": 1}, 0.53, 0.9),
        row({"method": "rsa", "seed": 0}, 0.4, 0.05, "collapsed"),
        row({"method": "rsa", "seed": 1}, None, None, "failed", None, error="train: x"),
    ]
    runs, seeds = (
        cells(sweep_table.runs_table(rows)),
        cells(sweep_table.seeds_table(rows)),
    )
    titles = "loss,knn_top1,knn_top1_untrained,embedding_std * sqrt(dim),linear_top1"
    assert runs[0] == ["method", "seed", *titles.split(","), "images/s", "status"]
    figures = ["2.000", "50.0%", "20.0%", "0.80", "60.0%", "700"]
    assert runs[2] == ["ressl", "0", *figures, "ok"]
    assert runs[3][6] == "-"
    assert runs[5][2:6:3] == ["2.000", "-"]
    assert runs[5][-1] == "failed: train: x"
    spread = 100 * statistics.stdev([0.5, 0.53])
    assert seeds[2][:4] == [
        "ressl",
        "2 of 2",
        "2.000 ± 0.000",
        f"51.5% ± {spread:.1f}%",
    ]
    assert seeds[3][1:4:2] == ["1 of 2", "40.0%"]
    assert len(seeds) == 4
    assert sweep_table.seeds_table(rows) in sweep_table.page(rows)
    assert len({len(line) for line in sweep_table.runs_table(rows).splitlines()}) == 1
