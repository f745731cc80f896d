"""Tables of the benchmark."""

from helpers.benchmarking import POINT

from ressl_tf.benchmarks import bench_report


def test_a_quantity_is_a_table_of_its_points():
    page = bench_report.table(
        "growth", {"batch_size": {"16": POINT}, "replicas": {"1": {}}}
    )
    first, second = page.split("\n\n")
    titles = first.splitlines()[0]
    assert titles.startswith("| growth: batch_size | milliseconds | floor_milliseconds")
    assert first.splitlines()[2].startswith("| 16                 | 200          | 100")
    assert second.startswith("| growth: replicas |")
    mixed = bench_report.table("machine", {"cores": 2, "versions": {"keras": "3"}})
    assert "| versions | keras 3 |" in mixed.replace("  ", "")


def test_tables_show_rows_of_figures_and_single_ones():
    page = bench_report.table(
        "views", {"weak": {"rate": 12345.6, "vs": 2.5}, "strong": {}}
    )
    assert "| weak   | 12,346 | 2.5 |" in page
    assert "| strong | -      | -   |" in page
    assert "| ratio | 0.123 |" in bench_report.table("step", {"ratio": 0.12345})
